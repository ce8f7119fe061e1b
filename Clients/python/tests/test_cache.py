"""The activation cache as a mapping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import lensd
from lensd._proto.inference_pb2 import QueryRequest
from lensd.call_state import Receiver
from lensd.channel import Channel
from lensd.methods import QUERY, Method

TEXT = "Tom saw Lily."


@pytest.fixture
def deep(client: lensd.Client) -> lensd.Model:
    return client.model("local")


@pytest.mark.parametrize(
    "key",
    [
        "blocks.2.attn.hook_pattern",
        "pattern2",
        ("pattern", 2),
        ("pattern", -1),
        ("attn", 2, "a"),
        ("pattern", 2, "attn"),
        "pattern-1",
    ],
)
def test_all_ways_to_write_a_key(deep: lensd.Model, key: Any) -> None:
    _, cache = deep.run_with_cache(TEXT)
    assert key in cache
    assert cache[key] is cache["blocks.2.attn.hook_pattern"]


def test_short_forms_of_the_contract(deep: lensd.Model) -> None:
    _, cache = deep.run_with_cache(TEXT)
    assert cache["k1"] is cache["blocks.1.attn.hook_k"]
    assert cache["pre1"] is cache["blocks.1.mlp.hook_pre"]
    assert cache["scale1ln1"] is cache["blocks.1.ln1.hook_scale"]
    assert cache["normalized", 1, "ln2"] is cache["blocks.1.ln2.hook_normalized"]
    assert cache["scale"] is cache["ln_final.hook_scale"]
    assert cache["resid_post", -1] is cache["blocks.2.hook_resid_post"]
    assert cache["embed"] is cache["hook_embed"]
    assert cache["in", 1] is cache["blocks.1.hook_resid_pre"]
    assert cache[lensd.get_act_name("z", 0)] is cache["z", 0]


def test_keys_are_the_points_that_cost_nothing_extra(deep: lensd.Model) -> None:
    _, cache = deep.run_with_cache(TEXT)
    keys = list(cache.keys())
    assert isinstance(cache, Mapping)
    assert len(cache) == len(keys) == len(set(keys))
    assert keys == [name for name in deep.hook_names if name in set(keys)]
    assert {"hook_embed", "blocks.0.attn.hook_attn_scores", "ln_final.hook_normalized"} <= set(keys)
    starred = ("result", "q_input", "k_input", "v_input", "attn_in", "mlp_in")
    assert not any((name, layer) in cache for name in starred for layer in range(3))
    assert "hook_tokens" not in keys


def test_points_that_cost_extra_are_keys_once_named(deep: lensd.Model) -> None:
    _, cache = deep.run_with_cache(TEXT)
    before = len(cache)
    assert cache["result", 1].shape == (1, cache.lengths[0], 4, 32)
    assert "blocks.1.attn.hook_result" in cache
    assert len(cache) == before + 1
    assert "blocks.0.attn.hook_result" not in cache


def test_items_and_values(deep: lensd.Model) -> None:
    _, cache = deep.run_with_cache(TEXT)
    items = dict(cache.items())
    assert list(items) == list(cache)
    assert all(items[name] is cache[name] for name in cache)
    assert len(list(cache.values())) == len(cache)


@pytest.mark.parametrize(
    ("names_filter", "expected"),
    [
        ("blocks.0.attn.hook_z", ["blocks.0.attn.hook_z"]),
        ("z0", ["blocks.0.attn.hook_z"]),
        (["pattern2", "hook_embed"], ["hook_embed", "blocks.2.attn.hook_pattern"]),
        (["result1", "z1", "z1"], ["blocks.1.attn.hook_z", "blocks.1.attn.hook_result"]),
        (lambda name: name.endswith("hook_mlp_out"), [f"blocks.{layer}.hook_mlp_out" for layer in range(3)]),
        (lambda name: "result" in name, []),
        ([], []),
    ],
)
def test_names_filter(deep: lensd.Model, names_filter: Any, expected: list[str]) -> None:
    _, whole = deep.run_with_cache(TEXT)
    logits, cache = deep.run_with_cache(TEXT, names_filter=names_filter)
    assert list(cache) == expected
    assert logits.shape[-1] == deep.cfg.d_vocab
    for name in expected:
        np.testing.assert_allclose(cache[name], whole[name], rtol=1e-5, atol=1e-5)
    assert "v2" not in cache
    assert cache.get("v2") is None
    with pytest.raises(lensd.NotFound, match="names_filter left it out"):
        cache["v2"]


@pytest.mark.parametrize("names_filter", ["hook_embedd", ["z0", "blocks.9.attn.hook_z"]])
def test_names_filter_with_an_unknown_name(deep: lensd.Model, names_filter: Any) -> None:
    with pytest.raises(lensd.NotFound, match="near names: "):
        deep.run_with_cache(TEXT, names_filter=names_filter)


@pytest.mark.parametrize("key", ["blocks.3.attn.hook_z", "nothing", ("z", 3), ("z", -4), ("z",), 5, None, ()])
def test_unknown_keys(deep: lensd.Model, key: Any) -> None:
    _, cache = deep.run_with_cache(TEXT)
    assert key not in cache
    with pytest.raises(lensd.NotFound):
        cache[key]
    with pytest.raises(KeyError):
        cache[key]


def test_remove_batch_dim(deep: lensd.Model) -> None:
    logits, whole = deep.run_with_cache(TEXT)
    same, cache = deep.run_with_cache(TEXT, remove_batch_dim=True)
    assert logits.shape == same.shape
    assert logits.ndim == 3
    assert not cache.has_batch_dim
    for name in cache:
        np.testing.assert_array_equal(cache[name], whole[name][0])
    assert whole.remove_batch_dim()["z0"].ndim == 3


def test_remove_batch_dim_of_several_prompts(deep: lensd.Model) -> None:
    with pytest.raises(lensd.InvalidArgument, match="2 prompts"):
        deep.run_with_cache(["a", "b"], remove_batch_dim=True)


@pytest.mark.parametrize(
    "index",
    [
        np.s_[0],
        np.s_[-1, 2:],
        np.s_[..., -1],
        np.s_[::2, ::-1, 1:3],
        np.s_[:, 3, :],
        np.s_[3, 4, 5],
        np.s_[1:1],
        np.s_[...],
    ],
)
def test_slices_are_numpys(deep: lensd.Model, index: Any) -> None:
    _, cache = deep.run_with_cache(TEXT, remove_batch_dim=True)
    np.testing.assert_array_equal(cache.slice("pattern1", index), cache["pattern1"][index])


@pytest.mark.parametrize("index", [np.s_[4], np.s_[-5], np.s_[0, 0, 0, 0], np.s_[..., ...]])
def test_bad_slices(deep: lensd.Model, index: Any) -> None:
    _, cache = deep.run_with_cache(TEXT)
    with pytest.raises(lensd.InvalidArgument):
        cache.slice("pattern1", index)
    # The daemon and the connection go on.
    assert cache["pattern1"].shape[1] == 4


def test_values_are_the_users_own(deep: lensd.Model) -> None:
    _, cache = deep.run_with_cache(TEXT)
    before = cache["z0"].copy()
    cache["z0"][:] = 0
    _, again = deep.run_with_cache(TEXT)
    np.testing.assert_array_equal(again["z0"], before)


@pytest.mark.parametrize("touch", [lambda cache: cache["z0"], lambda cache: cache.slice("z0", 0)])
def test_fetched_when_first_touched(
    deep: lensd.Model, monkeypatch: pytest.MonkeyPatch, touch: Callable[[Any], Any]
) -> None:
    asked: list[bytes] = []
    deliver = Channel.deliver

    def recorded(channel: Channel, method: Method[Any, Any], request: QueryRequest, receiver: Receiver) -> None:
        assert method is QUERY
        asked.append(request.hook)
        deliver(channel, method, request, receiver)

    monkeypatch.setattr(Channel, "deliver", recorded)
    _, cache = deep.run_with_cache(TEXT, return_type=None)
    assert asked == []
    assert "z0" in cache
    assert len(list(cache)) > 0
    assert asked == []
    touch(cache)
    assert asked == [b"blocks.0.attn.hook_z"]

"""Passes that begin or end between blocks, and caches of some prompts and positions."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from conftest import MODELS
from reference import assert_close, assert_same_loss, sequence, tensors

import lensd

LOCAL = MODELS["local"]
IDS = sequence(LOCAL, "seq7")
REFERENCE = {name.removeprefix("processed/seq7/"): value for name, value in tensors(LOCAL).items()}


@pytest.fixture
def local(client: lensd.Client) -> lensd.Model:
    return client.model("local")


@pytest.mark.parametrize(
    ("stop", "point"),
    [
        (0, "blocks.0.hook_resid_pre"),
        (2, "blocks.2.hook_resid_pre"),
        (-1, "blocks.2.hook_resid_pre"),
        (3, "blocks.2.hook_resid_post"),
        (9, "blocks.2.hook_resid_post"),
    ],
)
def test_a_pass_ends_before_a_block(local: lensd.Model, stop: int, point: str) -> None:
    assert_close(local(IDS, stop_at_layer=stop)[0], REFERENCE[point])
    _, cache = local.run_with_cache(IDS, stop_at_layer=stop)
    assert ("pattern", 0) in cache or stop == 0
    assert "ln_final.hook_scale" not in cache
    assert all(not name.startswith(f"blocks.{stop % 3 if stop < 3 else 3}.") for name in cache)


@pytest.mark.parametrize("start", [0, 1, 2, 3, -1])
def test_a_pass_begins_before_a_block(local: lensd.Model, start: int) -> None:
    point = "blocks.2.hook_resid_post" if start == 3 else f"blocks.{start % 3}.hook_resid_pre"
    stream = REFERENCE[point][None]
    assert_close(local(stream, start_at_layer=start)[0], REFERENCE["logits"])
    loss = local(stream, "loss", start_at_layer=start, tokens=[IDS])
    assert_same_loss(loss, REFERENCE["loss"])
    _, cache = local.run_with_cache(stream, start_at_layer=start)
    assert "hook_embed" not in cache
    assert_close(cache["ln_final.hook_scale"][0], REFERENCE["ln_final.hook_scale"])


def test_functions_outside_the_span_are_not_called(local: lensd.Model) -> None:
    seen: list[str] = []

    def see(value: Any, hook: Any) -> None:
        seen.append(hook.name)

    hooks = [(f"resid_pre{layer}", see) for layer in range(3)]
    local.run_with_hooks(IDS, fwd_hooks=hooks, stop_at_layer=1)
    assert seen == ["blocks.0.hook_resid_pre"]
    seen.clear()
    local.run_with_hooks(REFERENCE["blocks.1.hook_resid_pre"][None], fwd_hooks=hooks, start_at_layer=1)
    assert seen == ["blocks.1.hook_resid_pre", "blocks.2.hook_resid_pre"]


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (IDS, {"start_at_layer": 1}, "stream"),
        (np.zeros((1, 3, 32), np.float32), {"start_at_layer": 1, "return_type": "loss"}, "tokens="),
        (np.zeros((1, 3, 32), np.float32), {"start_at_layer": 1, "tokens": [[1, 2]]}, "rows of"),
        (np.zeros((1, 3, 32), np.float32), {"start_at_layer": 2, "stop_at_layer": 1}, "behind"),
        (np.zeros((1, 3, 31), np.float32), {"start_at_layer": 2}, "shape"),
    ],
)
def test_what_cannot_begin(local: lensd.Model, given: Any, options: Any, message: str) -> None:
    with pytest.raises(lensd.InvalidArgument, match=message):
        local(given, **options)


def test_caches_of_some_positions_and_prompts(local: lensd.Model) -> None:
    _, cache = local.run_with_cache([IDS, IDS[::-1]], pos_slice=-1)
    assert cache["resid_post", -1].shape == (2, 1, 32)
    assert_close(cache["pattern", 0][0], REFERENCE["blocks.0.attn.hook_pattern"][:, -1:])
    assert_close(cache["z", 1][0], REFERENCE["blocks.1.attn.hook_z"][-1:])
    assert cache.slice("z1", np.s_[0, 2]).shape == (2, 8)
    assert cache.lengths.tolist() == [1, 1]
    one = cache.apply_slice_to_batch_dim(0)
    assert not one.has_batch_dim
    assert_close(one["z", 1], REFERENCE["blocks.1.attn.hook_z"][-1:])
    _, whole = local.run_with_cache([IDS, IDS[::-1]])
    assert_close(whole.apply_slice_to_batch_dim([1, 0])["resid_post", 2][1], REFERENCE["blocks.2.hook_resid_post"])
    again = pickle.loads(pickle.dumps(one))
    assert_close(again["z", 1], one["z", 1])
    everything = local.run_with_cache(IDS, return_cache_object=False)[1]
    assert isinstance(everything, dict)
    assert_close(everything["blocks.0.attn.hook_z"][0], REFERENCE["blocks.0.attn.hook_z"])


def test_points_that_cost_extra_when_they_are_switched_on(local: lensd.Model) -> None:
    assert "blocks.0.attn.hook_result" not in local.run_with_cache(IDS)[1]
    local.set_use_attn_result(True)
    _, cache = local.run_with_cache(IDS)
    assert local.cfg.use_attn_result
    assert_close(cache["blocks.0.attn.hook_result"][0], REFERENCE["blocks.0.attn.hook_result"])
    local.set_use_attn_result(False)
    assert "blocks.0.attn.hook_result" not in local.run_with_cache(IDS)[1]


def test_hooks_at_a_point_of_the_model(local: lensd.Model) -> None:
    point = local.hook_dict["blocks.1.hook_resid_pre"]
    order: list[str] = []
    point.add_hook(lambda value, hook: order.append("second"))
    point.add_hook(lambda value, hook: order.append("first"), prepend=True)
    point.add_perma_hook(lambda value, hook: order.append("stays"))
    local(IDS)
    assert order == ["first", "second", "stays"]
    point.remove_hooks()
    local(IDS)
    assert order[3:] == ["stays"]
    local.reset_hooks()
    assert point.has_hooks()
    local.reset_hooks(including_permanent=True)
    assert not point.has_hooks("fwd")
    with pytest.raises(lensd.FailedPrecondition, match="no model"):
        lensd.HookPoint("hook_embed").add_hook(print)

"""Sweeps in one call: against loops of single runs, NumPy and TransformerLens's `patching`."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from reference import FIXTURES, Tensors, assert_close, assert_same_loss, read_safetensors

import lensd
from lensd import metrics, patching

PROMPTS = [[0, 4, 90, 4, 200, 31, 5], [0, 9, 33, 7, 101, 44, 250]]
FUNCTIONS = [
    *["resid_pre", "resid_mid", "attn_out", "mlp_out"],
    *[f"attn_head_{what}_{how}" for how in ("by_pos", "all_pos") for what in ("out", "q", "k", "v", "pattern")],
    "attn_head_pattern_dest_src_pos",
]


@lru_cache
def given() -> Tensors:
    """What TransformerLens says, `Tests/Fixtures/patching.py`."""
    return read_safetensors(FIXTURES / "patching" / "reference.safetensors")


@pytest.fixture
def local(client: lensd.Client) -> lensd.Model:
    return client.model("local")


def typed_metrics() -> list[metrics.Metric]:
    answers, wrong = given()["answers"], given()["wrong"]
    return [
        metrics.loss(),
        metrics.logit(answers, pos=3),
        metrics.logit_diff(answers, wrong),
        metrics.prob(answers),
        metrics.kl(pos=-1),
        metrics.kl(),
    ]


@pytest.mark.parametrize("form", ["processed", "raw"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_patching_is_transformer_lenss(client: lensd.Client, name: str, form: str) -> None:
    model = client.model("local", processing=form == "processed")
    _, clean_cache = model.run_with_cache(given()["clean"], return_type=None)
    expected = given()[f"{form}/{name}"]
    function = getattr(patching, f"get_act_patch_{name}")
    for index, metric in enumerate(typed_metrics()):
        if index in (0, 2, 5):
            found = function(model, given()["corrupted"], clean_cache, metric)
            assert found.shape == expected.shape[:-2]
            assert_close(found, expected[..., index, :].mean(-1), f"{name} {metric.kind}")


def test_every_function_at_once(local: lensd.Model) -> None:
    corrupted = given()["corrupted"]
    _, cache = local.run_with_cache(given()["clean"], return_type=None)
    metric = typed_metrics()[2]

    def expected(name: str) -> Any:
        return given()[f"processed/{name}"][..., 2, :].mean(-1)

    heads = ["out", "q", "k", "v", "pattern"]
    found = patching.get_act_patch_attn_head_all_pos_every(local, corrupted, cache, metric)
    assert_close(found, np.stack([expected(f"attn_head_{what}_all_pos") for what in heads]))
    found = patching.get_act_patch_attn_head_by_pos_every(local, corrupted, cache, metric)
    by_pos = [expected(f"attn_head_{what}_by_pos") for what in heads]
    assert_close(found, np.stack([*by_pos[:4], by_pos[4].swapaxes(1, 2)]))
    found = patching.get_act_patch_block_every(local, corrupted, cache, metric)
    assert_close(found, np.stack([expected(name) for name in ("resid_pre", "attn_out", "mlp_out")]))


def test_a_function_of_logits_and_a_setter_of_ones_own(local: lensd.Model) -> None:
    corrupted = given()["corrupted"]
    _, cache = local.run_with_cache(given()["clean"], return_type=None)
    answers, wrong = given()["answers"], given()["wrong"]

    def difference(logits: Any) -> Any:
        last = logits[:, -1]
        return (last[[0, 1], answers] - last[[0, 1], wrong]).mean()

    found = patching.get_act_patch_attn_out(local, corrupted, cache, difference)
    assert_close(found, given()["processed/attn_out"][..., 2, :].mean(-1))
    found = patching.generic_activation_patch(
        local, corrupted, cache, difference, patching.layer_head_vector_patch_setter, "z", ("layer", "head")
    )
    assert_close(found, given()["processed/attn_head_out_all_pos"][..., 2, :].mean(-1))


@pytest.mark.parametrize("holds", [False, True])
@pytest.mark.parametrize(
    ("name", "receivers"),
    [("q", [("q", 2, [1, 3])]), ("k", [("k", 1, 0), ("k", 2, 2)]), ("v", [("v", 2, 0)]), ("logits", "logits")],
)
def test_path_patching(local: lensd.Model, name: str, receivers: Any, holds: bool) -> None:
    found = local.path_patching(
        given()["clean"], given()["corrupted"], receivers, metrics=typed_metrics(), hold_mlps=holds
    )
    expected = given()[f"processed/path/{name}{'/held_mlps' if holds else ''}"]
    for index, values in enumerate(found.metrics):
        assert_close(np.moveaxis(values.prompt_values, 0, -1), expected[..., index, :], values.metric.kind)


def test_a_sweep_is_a_loop(local: lensd.Model) -> None:
    asked = [metrics.loss(), metrics.token_loss(), metrics.logit(11, pos=[2, -3]), metrics.kl()]
    sweep = local.sweep(PROMPTS, lensd.scale("z", 0.5), over=("layer", "head"), metrics=asked)
    plain = local(PROMPTS)
    assert sweep.shape == (3, 4)
    assert sweep.axes == {"layer": [0, 1, 2], "head": [0, 1, 2, 3]}
    for layer, head in product(range(3), range(4)):
        edit = lensd.scale(f"z{layer}", 0.5, head=head)
        logits, loss = local.run_with_interventions(PROMPTS, [edit], return_type="both")
        tokens = local.run_with_interventions(PROMPTS, [edit], return_type="loss", loss_per_token=True)
        assert_same_loss(sweep.loss[layer, head], loss)
        assert_same_loss(sweep["token_loss"].prompt_values[:, layer, head].reshape(2, 6), tokens)
        assert_close(sweep["logit"].prompt_values[:, layer, head], [logits[0, 2, 11], logits[1, -3, 11]])
        assert_close(sweep["kl"].prompt_values[:, layer, head], divergence(plain, logits).mean(-1))


def test_standard_errors_are_numpys(local: lensd.Model) -> None:
    prompts = [*PROMPTS, [0, 7, 7, 3], [0, 2]]
    asked = [metrics.loss(), metrics.token_loss(), metrics.logit(5), metrics.kl()]
    sweep = local.sweep(prompts, lensd.zero("mlp_out"), over="layer", metrics=asked)
    differences = sweep["token_loss"].prompt_values - sweep["token_loss"].prompt_baselines[:, None]
    assert differences.shape == (16, 3)
    for name in ("loss", "token_loss"):
        assert_same_loss(sweep[name].delta, differences.mean(0))
        assert_same_loss(sweep[name].standard_error, differences.std(0, ddof=1) / 4)
    for name in ("logit", "kl"):
        differences = sweep[name].prompt_values - sweep[name].prompt_baselines[:, None]
        assert_close(sweep[name].delta, differences.mean(0))
        assert_close(sweep[name].standard_error, differences.std(0, ddof=1) / 2)


def test_pairs_and_layers(local: lensd.Model) -> None:
    sweep = local.sweep(PROMPTS, [lensd.zero("attn_out"), lensd.zero("mlp_out")], over="layer", pairs=True)
    assert sweep.shape == (3, 3)
    assert_same_loss(sweep.loss, sweep.loss.T)
    edits = [lensd.zero(f"{name}{layer}") for layer in (0, 2) for name in ("attn_out", "mlp_out")]
    assert_same_loss(sweep.loss[0, 2], local.run_with_interventions(PROMPTS, edits, return_type="loss"))
    middle = [lensd.zero("attn_out1"), lensd.zero("mlp_out1")]
    assert_same_loss(sweep.loss[1, 1], local.run_with_interventions(PROMPTS, middle, return_type="loss"))


def test_neurons_under_edits(local: lensd.Model) -> None:
    under = [lensd.zero("z0", head=1)]
    sweep = local.sweep(
        PROMPTS, lensd.set_to("post", 1.0, layer=1, component=slice(0, 80, 20)), over="component", under=under
    )
    assert sweep.axes == {"component": [0, 20, 40, 60]}
    assert_same_loss(sweep.baseline, local.run_with_interventions(PROMPTS, under, return_type="loss"))
    edits = [*under, lensd.set_to("post1", 1.0, component=40)]
    assert_same_loss(sweep.loss[2], local.run_with_interventions(PROMPTS, edits, return_type="loss"))


def test_tokens_by_text(client: lensd.Client) -> None:
    model = client.model("tiny")
    token = model.to_str_tokens([7])[0]
    by_id = model.sweep([[0, 5, 9]], lensd.zero("z"), over=("layer", "head"), metrics=[metrics.logit(7)])
    by_text = model.sweep([[0, 5, 9]], lensd.zero("z"), over=("layer", "head"), metrics=[metrics.logit(token)])
    np.testing.assert_array_equal(by_id.value, by_text.value)
    assert "logit" in repr(by_id)


def test_a_table(local: lensd.Model) -> None:
    pandas = pytest.importorskip("pandas")
    sweep = local.sweep(PROMPTS, lensd.zero("z"), over=("layer", "head"), metrics=[metrics.loss(), metrics.kl()])
    table = sweep.to_dataframe()
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == [
        *["layer", "head", "loss", "loss_delta", "loss_standard_error", "kl", "kl_delta", "kl_standard_error"]
    ]
    row = table[(table.layer == 1) & (table["head"] == 2)]
    assert row["kl"].item() == sweep["kl"].value[1, 2]


def test_large_results_come_in_parts(local: lensd.Model) -> None:
    prompt = [0, *range(1, 32)]
    edit = lensd.zero("pattern", layer=2, head=[0, 1])
    sweep = local.sweep(prompt, edit, over=("head", "pos", "source"), metrics=[metrics.token_loss()])
    assert sweep.shape == (2, 32, 32)
    assert sweep["token_loss"].prompt_values.shape == (31, 2, 32, 32)
    above = np.triu(np.ones((32, 32), bool), 1)
    assert (sweep.delta[:, above] == 0).all()
    assert (sweep.delta[:, ~above] != 0).any()


def test_what_cannot_be_is_said(local: lensd.Model) -> None:
    cases: list[tuple[str, Any]] = [
        ("goes over layer", lambda: local.sweep(PROMPTS, lensd.zero("z"), over=("layer", "neuron"))),
        ("no source positions", lambda: local.sweep(PROMPTS, lensd.zero("z"), over=("layer", "source"))),
        ("near names", lambda: local.sweep(PROMPTS, lensd.zero("zz"), over="layer")),
        ("nothing can be swapped", lambda: local.sweep(PROMPTS, lensd.swap("z", 1), over="layer")),
        ("single token|one token", lambda: local.sweep(PROMPTS, lensd.zero("z"), metrics=[metrics.logit("a b c d e")])),
        ("280", lambda: local.sweep(PROMPTS, lensd.zero("z"), metrics=[metrics.logit(280)])),
        ("one per prompt", lambda: local.sweep(PROMPTS, lensd.zero("z"), metrics=[metrics.prob([1, 2, 3])])),
        (
            "variants",
            lambda: local.sweep(
                [[0, *range(31)]], lensd.zero("pattern"), over=("layer", "head", "pos", "source"), pairs=True
            ),
        ),
    ]
    for expected, call in cases:
        with pytest.raises(lensd.LensError, match=expected):
            call()


def test_leaving_in_the_middle_cancels(local: lensd.Model) -> None:
    class Enough(Exception):
        pass

    def leave(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        local.sweep(
            [[0, *range(1, 32)]] * 32, lensd.zero("resid_pre"), over=("layer", "pos", "component"), progress=leave
        )
    assert local(PROMPTS, return_type="loss") > 0


def divergence(plain: Any, edited: Any) -> Any:
    def logprobs(logits: Any) -> Any:
        logits = np.asarray(logits, np.float64)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    p, q = logprobs(plain), logprobs(edited)
    return (np.exp(p) * (p - q)).sum(-1)

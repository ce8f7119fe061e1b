"""Gradients without torch: every hook point, objectives, cotangents, edits, attribution patching, backward hooks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import MODELS
from reference import assert_close, assert_same_gradient, assert_same_loss, gradients, sequence, tensors

import lensd

IDS = sequence(MODELS["local"], "seq7")
REFERENCE = MODELS["local"]


@pytest.fixture(params=[True, False], ids=["processed", "raw"])
def model(client: lensd.Client, request: pytest.FixtureRequest) -> lensd.Model:
    return client.model("local", processing=request.param)


def form(model: lensd.Model) -> str:
    return "raw" if model.name.endswith("@raw") else "processed"


def test_the_losss_gradient_at_every_point(model: lensd.Model) -> None:
    names = [name for name in model.hook_names if name != "hook_tokens"]
    found = model.gradient(IDS, wrt=names)
    assert list(found) == names
    assert_same_loss(found.value, tensors(REFERENCE)[f"{form(model)}/seq7/loss"])
    for name in names:
        assert_same_gradient(found[name][0], gradients(REFERENCE)[f"{form(model)}/seq7/loss/{name}"], name)
    assert_same_gradient(found["z", -1], found["blocks.2.attn.hook_z"])
    usual = model.gradient([IDS])
    assert set(usual) == set(model.run_with_cache(IDS)[1])


def test_cotangents(model: lensd.Model) -> None:
    stem = f"{form(model)}/seq7/from/blocks.1.attn.hook_pattern"
    cotangent = gradients(REFERENCE)[f"{stem}/cotangent"]
    found = model.gradient(IDS, {"pattern1": cotangent[None]})
    for name in ("hook_embed", "blocks.0.mlp.hook_post", "blocks.1.attn.hook_q"):
        assert_same_gradient(found[name][0], gradients(REFERENCE)[f"{stem}/at/{name}"], name)
    assert "blocks.2.hook_resid_post" not in found


def test_several_prompts_of_different_lengths(model: lensd.Model) -> None:
    other = sequence(MODELS["local"], "seq24")
    objective = lensd.logit_diff([5, 3], 9, pos=[-1, 4])
    together = model.gradient([IDS, other], objective, ["resid_pre0", "pattern2"])
    assert together["resid_pre0"].shape == (2, 24, 32)
    assert together["resid_pre0"].lengths.tolist() == [7, 24]
    for index, (ids, token, pos) in enumerate([(IDS, 5, -1), (other, 3, 4)]):
        alone = model.gradient(ids, lensd.logit_diff(token, 9, pos) / 2, ["resid_pre0", "pattern2"])
        size = len(ids)
        assert_same_gradient(together["resid_pre0"][index, :size], alone["resid_pre0"][0])
        assert_same_gradient(together["pattern2"][index, :, :size, :size], alone["pattern2"][0])
    assert not together["resid_pre0"][0, 7:].any()


def test_objectives_are_numbers_of_the_pass(model: lensd.Model) -> None:
    logits = model(IDS)[0]
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    loss = model(IDS, return_type="loss")
    for objective, expected in [
        (lensd.logit(5), logits[-1, 5]),
        (lensd.log_prob(5, pos=2), log_probs[2, 5]),
        (lensd.logit_diff(5, 9, pos=-2) * 3, 3 * (logits[-2, 5] - logits[-2, 9])),
        (lensd.loss(), loss),
        (lensd.loss("sum") / 6 - lensd.logit(1), loss - logits[-1, 1]),
    ]:
        np.testing.assert_allclose(model.gradient(IDS, objective, "z0").value, expected, rtol=1e-4, atol=1e-4)


def test_gradients_through_edits(model: lensd.Model) -> None:
    stem = f"{form(model)}/seq7/edit/mean/blocks.1.attn.hook_z"
    found = model.gradient(IDS, wrt=["z1", "hook_embed"], interventions=[lensd.mean("z1", head=1)])
    assert_same_gradient(found["z1"][0], gradients(REFERENCE)[f"{stem}/point"])
    assert_same_gradient(found["hook_embed"][0], gradients(REFERENCE)[f"{stem}/embed"])
    with model.hooks(interventions=[lensd.mean("z1", head=1)]):
        assert_same_gradient(model.gradient(IDS, wrt="z1")["z1"], found["z1"])


def test_attribution_patching(model: lensd.Model) -> None:
    corrupted = gradients(REFERENCE)[f"{form(model)}/attribution/corrupted"].astype(int).tolist()
    for hook in ("z", "resid_pre"):
        found = model.attribution_patching(IDS, corrupted, lensd.logit_diff(5, 9), hook)
        again = model.attribution_patching(IDS, corrupted, lensd.metrics.logit_diff(5, 9), hook)
        np.testing.assert_array_equal(again, found)
        assert_same_gradient(found, gradients(REFERENCE)[f"{form(model)}/attribution/{hook}"], hook)
    with pytest.raises(lensd.InvalidArgument, match="one length"):
        model.attribution_patching(IDS[:5], corrupted, "loss")


def test_backward_hooks_of_the_loss(model: lensd.Model) -> None:
    seen: list[tuple[str, Any]] = []

    def see(gradient: Any, hook: Any) -> None:
        seen.append((hook.name, gradient.copy()))

    hooks: list[Any] = [("blocks.0.hook_resid_pre", see), (lambda name: name.endswith("hook_z"), see)]
    loss = model.run_with_hooks(IDS, return_type="loss", bwd_hooks=hooks)
    assert_same_loss(loss, tensors(REFERENCE)[f"{form(model)}/seq7/loss"])
    assert [name for name, _ in seen] == [
        *(f"blocks.{layer}.attn.hook_z" for layer in (2, 1, 0)),
        "blocks.0.hook_resid_pre",
    ]
    for name, gradient in seen:
        assert_same_gradient(gradient[0], gradients(REFERENCE)[f"{form(model)}/seq7/loss/{name}"], name)


def test_a_backward_hook_may_answer(model: lensd.Model) -> None:
    seen: dict[str, Any] = {}

    def see(gradient: Any, hook: Any) -> None:
        seen[hook.name] = gradient

    cut = [("blocks.1.attn.hook_z", lambda gradient, hook: 0 * gradient), ("hook_embed", see)]
    model.run_with_hooks(IDS, return_type="loss", bwd_hooks=cut)
    # What is left is the plain gradient without what comes through z.
    plain = model.gradient(IDS, wrt=["hook_embed", "z1"])
    through = model.gradient(IDS, {"z1": plain["z1"]}, "hook_embed")["hook_embed"]
    assert_same_gradient(seen["hook_embed"], plain["hook_embed"] - through)
    with pytest.raises(ZeroDivisionError):
        model.run_with_hooks(IDS, return_type="loss", bwd_hooks=[("z0", lambda gradient, hook: 1 / 0)])
    with pytest.raises(lensd.InvalidArgument, match="shape"):
        model.run_with_hooks(IDS, return_type="loss", bwd_hooks=[("z0", lambda gradient, hook: gradient[:, :1])])
    with pytest.raises(lensd.InvalidArgument, match="finite"):
        model.run_with_hooks(IDS, return_type="loss", bwd_hooks=[("z0", lambda gradient, hook: gradient * np.nan)])


def test_the_cache_with_gradients(model: lensd.Model) -> None:
    loss, cache = model.run_with_cache(IDS, "loss", names_filter=["z1", "pattern0"], incl_bwd=True)
    assert list(cache) == [
        "blocks.0.attn.hook_pattern",
        "blocks.1.attn.hook_z",
        "blocks.1.attn.hook_z_grad",
        "blocks.0.attn.hook_pattern_grad",
    ]
    assert_same_loss(loss, tensors(REFERENCE)[f"{form(model)}/seq7/loss"])
    assert_close(cache["z1"][0], tensors(REFERENCE)[f"{form(model)}/seq7/blocks.1.attn.hook_z"])
    for name in ("blocks.1.attn.hook_z", "blocks.0.attn.hook_pattern"):
        expected = gradients(REFERENCE)[f"{form(model)}/seq7/loss/{name}"]
        assert_same_gradient(cache[f"{name}_grad"][0], expected, name)


def test_what_cannot_be_is_refused(model: lensd.Model) -> None:
    with pytest.raises(lensd.InvalidArgument, match="loss"):
        model.gradient(IDS, "accuracy")
    with pytest.raises(lensd.InvalidArgument, match="token"):
        model.gradient(IDS, lensd.logit(100000))
    with pytest.raises(lensd.InvalidArgument, match="position"):
        model.gradient(IDS, lensd.logit(1, pos=7))
    with pytest.raises(lensd.InvalidArgument, match="for each of 1"):
        model.gradient(IDS, lensd.logit([1, 2]))
    with pytest.raises(lensd.NotFound, match="near"):
        model.gradient(IDS, wrt="zz0")
    with pytest.raises(lensd.InvalidArgument, match="shapes"):
        model.gradient(IDS, {"z0": np.zeros((1, 6, 4, 8))})
    with pytest.raises(lensd.InvalidArgument, match="row for each"):
        model.gradient(IDS, {"z0": np.zeros((2, 7, 4, 8))})
    with pytest.raises(lensd.InvalidArgument, match="finite"):
        model.gradient(IDS, {"z0": np.full((1, 7, 4, 8), np.nan)})
    with pytest.raises(lensd.InvalidArgument, match="predict nothing"):
        model.gradient([5], "loss")
    with pytest.raises(lensd.InvalidArgument, match="return_type"):
        model.run_with_hooks(IDS, bwd_hooks=[("z0", lambda gradient, hook: None)])
    with pytest.raises(lensd.FailedPrecondition, match="torch"):
        model.run_with_hooks(
            IDS,
            return_type="loss",
            fwd_hooks=[("z0", lambda value, hook: None)],
            bwd_hooks=[("z0", lambda gradient, hook: None)],
        )

"""`.backward()` in torch on what lensd returned, against torch's own graph through HookedTransformer (fixtures)."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import MODELS, Daemon
from reference import assert_close, assert_same_gradient, assert_same_loss, gradients, sequence, tensors

import lensd

torch = pytest.importorskip("torch")

REFERENCE = MODELS["local"]
IDS = sequence(REFERENCE, "seq7")
Z = "blocks.1.attn.hook_z"


@pytest.fixture(params=[True, False], ids=["processed", "raw"])
def model(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[lensd.Model]:
    with lensd.connect(daemon.socket, arrays="torch") as client:
        yield client.model("local", processing=request.param)


class Seen:
    """Backward hooks that put down what they see, once a point."""

    def __init__(self) -> None:
        self.gradients: dict[str, Any] = {}

    def __call__(self, gradient: Any, hook: Any) -> None:
        assert hook.name not in self.gradients
        self.gradients[hook.name] = gradient.clone()


def expected(model: lensd.Model, name: str, kind: str = "loss") -> Any:
    form = "raw" if model.name.endswith("@raw") else "processed"
    return gradients(REFERENCE)[f"{form}/seq7/{kind}/{name}"]


@pytest.mark.parametrize("way", ["loss", "loss_per_token", "logits"])
def test_backward_hooks_see_the_gradient_of_a_metric(model: lensd.Model, way: str) -> None:
    seen = Seen()
    usual = set(model.hook_names) - {name for name in model.hook_names if "_input" in name or "_in" in name}
    names = [name for name in model.hook_names if name in usual and name != "hook_tokens" and "result" not in name]
    with model.hooks(bwd_hooks=[(name, seen) for name in names]):
        if way == "logits":
            log_probs = model(IDS).log_softmax(-1)[0, :-1]
            loss = -log_probs.gather(-1, torch.tensor(IDS[1:])[:, None]).mean()
        elif way == "loss_per_token":
            loss = model(IDS, return_type="loss", loss_per_token=True).mean()
        else:
            loss = model(IDS, return_type="loss")
    assert not seen.gradients
    # Outside the block, as in TransformerLens: the hooks were there when the pass ran.
    loss.backward()
    assert set(seen.gradients) == set(names)
    for name, gradient in seen.gradients.items():
        assert_same_gradient(gradient[0], expected(model, name), name)


def test_metrics_on_activations_go_back_together(model: lensd.Model) -> None:
    logits, cache = model.run_with_cache(IDS)
    assert_close(logits[0], tensors(REFERENCE)[f"{'raw' if '@raw' in model.name else 'processed'}/seq7/logits"])
    stem = "from/blocks.1.attn.hook_pattern"
    cotangent = torch.from_numpy(expected(model, "cotangent", stem).copy())
    seen = Seen()
    with model.hooks(bwd_hooks=[("blocks.0.hook_resid_pre", seen)]):
        loss, cache = model.run_with_cache(IDS, "loss")
    (loss + (cache["pattern1"][0] * cotangent).sum()).backward()
    name = "blocks.0.hook_resid_pre"
    assert_same_gradient(seen.gradients[name][0], expected(model, name) + expected(model, f"at/{name}", stem), name)


def test_a_steering_vector_gets_its_gradient(model: lensd.Model) -> None:
    steer = torch.zeros(32, requires_grad=True)
    factor = torch.ones((), requires_grad=True)

    def add(value: Any, hook: Any) -> Any:
        return value * factor + steer

    loss = model.run_with_hooks(IDS, return_type="loss", fwd_hooks=[("blocks.1.hook_resid_pre", add)])
    assert_same_loss(loss, model(IDS, return_type="loss"))
    loss.backward()
    gradient = expected(model, "blocks.1.hook_resid_pre")
    assert_same_gradient(steer.grad, gradient.sum(0))
    with torch.no_grad():
        value = model.run_with_cache(IDS)[1]["resid_pre1"][0]
    # The two sums cancel a lot: hold the error against what is summed.
    terms = value * torch.from_numpy(gradient.copy())
    assert abs(float(factor.grad) - float(terms.sum())) <= 1e-4 * float(terms.abs().sum())
    (again,) = torch.autograd.grad(
        model.run_with_hooks(IDS, return_type="loss", fwd_hooks=[("resid_pre1", add)]), steer
    )
    assert_same_gradient(again, steer.grad)


def test_gradients_go_through_functions(model: lensd.Model) -> None:
    """A function that scales one head, as the fixture's edit does, between a parameter and backward hooks."""

    def scale(value: Any, hook: Any) -> Any:
        value[:, :, 1] = value[:, :, 1] * 1.3
        return value

    steer = torch.zeros(7, 32, requires_grad=True)
    seen = Seen()
    loss = model.run_with_hooks(
        IDS,
        return_type="loss",
        fwd_hooks=[(Z, scale), ("hook_embed", lambda value, hook: value + steer)],
        bwd_hooks=[(Z, seen), ("hook_embed", seen)],
    )
    loss.backward()
    stem = f"edit/scale/{Z}"
    assert_same_gradient(seen.gradients[Z][0], expected(model, "point", stem))
    assert_same_gradient(seen.gradients["hook_embed"][0], expected(model, "embed", stem))
    assert_same_gradient(steer.grad, expected(model, "embed", stem))


def test_a_function_that_cuts_and_one_that_only_looks(model: lensd.Model) -> None:
    def zero(value: Any, hook: Any) -> Any:
        return torch.cat([value[:, :, :1], torch.zeros_like(value[:, :, 1:2]), value[:, :, 2:]], 2)

    steer = torch.zeros(7, 32, requires_grad=True)
    kept: list[Any] = []
    loss = model.run_with_hooks(
        IDS,
        return_type="loss",
        fwd_hooks=[
            ("hook_embed", lambda value, hook: value + steer),
            (Z, zero),
            ("resid_post2", lambda value, hook: kept.append(value)),
        ],
    )
    loss.backward(retain_graph=True)
    assert_same_gradient(steer.grad, expected(model, "embed", f"edit/zero/{Z}"))
    with pytest.raises(lensd.FailedPrecondition, match="cache"):
        (loss + kept[0].sum()).backward()


def test_a_backward_hook_answers_for_its_point(model: lensd.Model) -> None:
    seen = Seen()
    answers: list[Any] = [
        (Z, lambda gradient, hook: (2 * gradient,)),
        (Z, lambda gradient, hook: None),
        ("hook_embed", seen),
        (Z, seen),
    ]
    model.run_with_hooks(IDS, return_type="loss", bwd_hooks=answers)
    assert not seen.gradients
    with model.hooks(bwd_hooks=answers):
        model(IDS, return_type="loss").backward()
    assert_same_gradient(seen.gradients[Z][0], expected(model, Z))
    # Twice the gradient from z on is the plain one and once more what comes through z.
    plain = model.gradient(IDS, wrt="hook_embed")["hook_embed"]
    through = model.gradient(IDS, {Z: expected(model, Z)[None]}, "hook_embed")["hook_embed"]
    assert_same_gradient(seen.gradients["hook_embed"], plain + through)


def test_the_cache_with_gradients(model: lensd.Model) -> None:
    steer = torch.zeros(32, requires_grad=True)
    with model.hooks(fwd_hooks=[("resid_pre1", lambda value, hook: value + steer)]):
        _, cache = model.run_with_cache(IDS, "loss", names_filter=[Z, "hook_embed"], incl_bwd=True)
    for name in (Z, "hook_embed"):
        assert_same_gradient(cache[f"{name}_grad"][0], expected(model, name), name)
    assert_same_gradient(steer.grad, expected(model, "blocks.1.hook_resid_pre").sum(0))


def test_several_prompts_and_no_grad(model: lensd.Model) -> None:
    seen = Seen()
    other = sequence(REFERENCE, "seq24")
    with model.hooks(bwd_hooks=[("resid_pre0", seen)]):
        logits = model([IDS, other])
        logits[0, -1 - 17, 5].backward()
    gradient = seen.gradients["blocks.0.hook_resid_pre"]
    assert_same_gradient(gradient[0, :7], model.gradient(IDS, lensd.logit(5), "resid_pre0")["resid_pre0"][0])
    assert not gradient[1].any()
    with torch.no_grad():
        assert not model(IDS).requires_grad
    assert model(IDS).requires_grad


def test_a_pass_that_nobody_holds_is_gone(model: lensd.Model) -> None:
    steer = torch.zeros(32, requires_grad=True)
    made: list[Any] = []

    def add(value: Any, hook: Any) -> Any:
        output = value + steer
        made.append(weakref.ref(output))
        return output

    loss = model.run_with_hooks(IDS, return_type="loss", fwd_hooks=[("resid_pre1", add)])
    loss.backward()
    del loss
    gc.collect()
    assert made[0]() is None

"""Hook functions: what TransformerLens makes of them, what they may do, how they are registered."""

from __future__ import annotations

import asyncio
import functools
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from conftest import MODELS
from reference import FIXTURES, Tensors, assert_close, assert_same_loss, read_safetensors, sequence, tensors

import lensd
from lensd._proto.hooks_pb2 import HookedRunMessage
from lensd._proto.sessions_pb2 import ShowSessionRequest
from lensd.channel import Exchange
from lensd.methods import SHOW_SESSION

sys.path.insert(0, str(FIXTURES))
hook_cases: Any = importlib.import_module("hook_cases")
sys.path.pop(0)

TINY = MODELS["tiny"]
LOCAL = MODELS["local"]
SEQ7 = sequence(LOCAL, "seq7")
SEQ24 = sequence(LOCAL, "seq24")
Z = "blocks.1.attn.hook_z"


@lru_cache
def hooked() -> Tensors:
    return read_safetensors(FIXTURES / "hooks" / "reference.safetensors")


@pytest.fixture
def local(client: lensd.Client) -> lensd.Model:
    return client.model("local")


# What comes out.


@pytest.mark.parametrize("form", ["processed", "raw"])
@pytest.mark.parametrize("case", hook_cases.CASES)
def test_functions_do_what_they_do_in_transformer_lens(client: lensd.Client, form: str, case: str) -> None:
    model = client.model("local", processing=form == "processed")
    hooks = hook_cases.CASES[case]
    logits, loss = model.run_with_hooks(SEQ7, return_type="both", fwd_hooks=hooks())
    assert_close(logits[0], hooked()[f"{form}/{case}/logits"], case)
    assert_same_loss(loss, hooked()[f"{form}/{case}/loss"], case)


@pytest.mark.parametrize("form", ["processed", "raw"])
@pytest.mark.parametrize("case", hook_cases.CACHED)
def test_a_cache_under_hooks_has_the_edited_activations(client: lensd.Client, form: str, case: str) -> None:
    model = client.model("local", processing=form == "processed")
    with model.hooks(fwd_hooks=hook_cases.CASES[case]()):
        logits, cache = model.run_with_cache(SEQ7)
    prefix = f"{form}/{case}/"
    assert_close(logits[0], hooked()[prefix + "logits"])
    names = {name.removeprefix(prefix) for name in hooked() if name.startswith(prefix)} - {"logits", "loss"}
    assert set(cache) == names
    for name in names:
        assert_close(cache[name][0], hooked()[prefix + name], name)


def every_edit() -> Iterator[Any]:
    """Every point of the reference's edits, with what the edit does."""
    for name, checkpoint in (("tiny", TINY), ("local", LOCAL)):
        for key in tensors(checkpoint):
            kind, seq, form, hook, what = [*key.split("/"), *[""] * 5][:5]
            if kind in ("edits", "replace") and what == "value":
                yield pytest.param(name, form, hook, kind, seq, id=f"{name}-{form}-{kind}-{hook}")


@pytest.mark.parametrize(("name", "form", "hook", "kind", "seq"), list(every_edit()))
def test_every_point_can_be_hooked(client: lensd.Client, name: str, form: str, hook: str, kind: str, seq: str) -> None:
    reference = tensors(MODELS[name])
    prefix = f"{kind}/{seq}/{form}/{hook}"
    edit = reference[f"{prefix}/value"]

    def does(value: Any) -> Any:
        return edit if kind == "replace" else value * edit if hook.endswith("scale") else value + edit

    def fn(value: Any, hook: Any) -> Any:
        return np.broadcast_to(does(np.asarray(value)), value.shape)

    model = client.model(name, processing=form == "processed")
    ids = sequence(MODELS[name], seq)
    logits, loss = model.run_with_hooks(ids, return_type="both", fwd_hooks=[(hook, fn)])
    assert_close(logits[0], reference[f"{prefix}/logits"])
    assert_same_loss(loss, reference[f"{prefix}/loss"])


def test_a_batch_gives_each_prompt_what_it_gets_alone(local: lensd.Model) -> None:
    prompts = [SEQ24, SEQ7, SEQ7[:1], SEQ24[:5]]
    hooks = hook_cases.CASES["everywhere"]()
    with local.hooks(fwd_hooks=hooks):
        logits, cache = local.run_with_cache(prompts)
        for index, prompt in enumerate(prompts):
            alone, alone_cache = local.run_with_cache([prompt])
            assert_close(logits[index, : len(prompt)], alone[0])
            pattern = cache["pattern", 1][index]
            assert_close(pattern[:, : len(prompt), : len(prompt)], alone_cache["pattern", 1][0])
            assert not pattern[:, len(prompt) :].any()
    assert logits.lengths.tolist() == [24, 7, 1, 5]


def test_padding_is_ignored_both_ways(local: lensd.Model) -> None:
    shapes = []

    def fill_padding(value: Any, hook: Any) -> None:
        shapes.append(value.shape)
        assert value.lengths.tolist() == [7, 2]
        assert not np.asarray(value)[1, 2:].any()
        value[1, 2:] = np.nan

    prompts = [SEQ7, SEQ7[:2]]
    logits = local.run_with_hooks(prompts, fwd_hooks=[("z1", fill_padding)])
    assert shapes == [(2, 7, 4, 8)]
    assert np.array_equal(logits, local(prompts))


# What a function gets and may do.


def test_a_function_gets_an_array_of_its_own_and_its_point(local: lensd.Model) -> None:
    seen: list[Any] = []

    def fn(value: Any, hook: Any) -> None:
        seen.append((value, hook.name, hook.layer(), hook))
        value += 0  # Writable.

    local.run_with_hooks(SEQ7, fwd_hooks=[("z1", fn)])
    (value, name, layer, hook) = seen[0]
    assert (value.shape, value.dtype, name, layer) == ((1, 7, 4, 8), np.float32, Z, 1)
    assert hook is local.hook_dict[Z]
    with pytest.raises(lensd.InvalidArgument, match="hook_embed lies in no layer"):
        local.hook_dict["hook_embed"].layer()


def test_functions_are_called_by_keyword_or_by_position(local: lensd.Model) -> None:
    def by_other_name(value: Any, point: Any) -> Any:
        return value * 0

    def with_more(factor: float, value: Any, *, hook: Any) -> Any:
        assert hook.name == Z
        return value * factor

    expected = local.run_with_interventions(SEQ7, [lensd.zero(Z)])
    for fn in (by_other_name, functools.partial(with_more, 0), lambda value, hook: np.zeros_like(value)):
        assert_close(local.run_with_hooks(SEQ7, fwd_hooks=[(Z, fn)]), expected)


def test_ctx_stays_until_it_is_cleared(local: lensd.Model) -> None:
    def count(value: Any, hook: Any) -> None:
        hook.ctx["count"] = hook.ctx.get("count", 0) + 1

    hooks = [(Z, count)]
    local.run_with_hooks(SEQ7, return_type=None, fwd_hooks=hooks)
    local.run_with_hooks(SEQ7, return_type=None, fwd_hooks=hooks)
    assert local.hook_dict[Z].ctx == {"count": 2}
    local.run_with_hooks(SEQ7, return_type=None, fwd_hooks=hooks, clear_contexts=True)
    assert local.hook_dict[Z].ctx == {}


def test_an_unchanged_activation_does_not_travel_back(local: lensd.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[str | None] = []
    send = Exchange.send

    def spy(self: Exchange[Any, Any], message: HookedRunMessage) -> None:
        answers.append(message.answer.WhichOneof("answer"))
        send(self, message)

    monkeypatch.setattr(Exchange, "send", spy)
    for fn in (lambda value, hook: None, lambda value, hook: value, lambda value, hook: value * 1):
        local.run_with_hooks(SEQ7, return_type=None, fwd_hooks=[(Z, fn)])
    assert answers == ["unchanged"] * 3
    local.run_with_hooks(SEQ7, return_type=None, fwd_hooks=[(Z, lambda value, hook: value.fill(1))])
    assert answers[3:] == ["replacement", "values"]


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, bool])
def test_other_types_of_number_are_float32_in_a_pass(local: lensd.Model, dtype: Any) -> None:
    logits = local.run_with_hooks(SEQ7, fwd_hooks=[(Z, lambda value, hook: np.ones(value.shape, dtype))])
    assert_close(logits, local.run_with_hooks(SEQ7, fwd_hooks=[(Z, lambda value, hook: value * 0 + 1)]))


def test_tokens_are_integers(local: lensd.Model) -> None:
    def other(value: Any, hook: Any) -> Any:
        assert value.dtype == np.int64
        return (value * 7 + 3) % 280

    loss = local.run_with_hooks(SEQ7, return_type="loss", fwd_hooks=[("hook_tokens", other)])
    assert_same_loss(loss, local([(each * 7 + 3) % 280 for each in SEQ7], return_type="loss"))
    for bad in (lambda value, hook: value * 1.5, lambda value, hook: value + 2**40):
        with pytest.raises(lensd.InvalidArgument, match="hook_tokens"):
            local.run_with_hooks(SEQ7, fwd_hooks=[("hook_tokens", bad)])
    with pytest.raises(lensd.InvalidArgument, match="token id"):
        local.run_with_hooks(SEQ7, fwd_hooks=[("hook_tokens", lambda value, hook: value + 280)])


@pytest.mark.parametrize(
    ("hook", "returned", "message"),
    [
        ("z1", lambda value: value[:, :3], r"hook_z returns None or an array of shape \[1, 7, 4, 8\]; received \[1, 3"),
        ("z1", lambda value: 0.0, r"received \[\]"),
        ("z1", lambda value: "text", "received str"),
        ("z1", lambda value: value * 1j, "complex"),
        ("z1", lambda value: value * np.nan, r"blocks.1.attn.hook_z holds finite numbers; received nan at \[0, 0, 0\]"),
        ("pattern1", lambda value: value - np.inf, "received -inf"),
        ("attn_scores1", lambda value: np.full(value.shape, np.inf), "finite numbers or -inf; received inf"),
    ],
)
def test_what_cannot_be_put_back_is_refused(
    local: lensd.Model, hook: str, returned: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(lensd.InvalidArgument, match=message):
        local.run_with_hooks(SEQ7, fwd_hooks=[(hook, lambda value, hook: returned(value))])
    # The connection is as good as before.
    assert local(SEQ7, return_type="loss") == local(SEQ7, return_type="loss")


def test_an_exception_reaches_the_caller_as_it_is(local: lensd.Model) -> None:
    class Mine(Exception):
        pass

    mine = Mine("what I raised")

    def fail(value: Any, hook: Any) -> None:
        raise mine

    with pytest.raises(Mine) as caught, local.hooks(fwd_hooks=[(Z, fail)]):
        local(SEQ7)
    assert caught.value is mine
    # Nothing is left of the block.
    assert np.array_equal(local(SEQ7), local.run_with_hooks(SEQ7, fwd_hooks=[]))


def test_control_c_in_a_function_cancels_the_run(local: lensd.Model, client: lensd.Client) -> None:
    def interrupt(value: Any, hook: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        local.run_with_hooks(SEQ7, fwd_hooks=[(Z, interrupt)])
    assert local(SEQ7, return_type="loss").shape == ()


# Registering.


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("blocks.1.attn.hook_zz", "near names: blocks.1.attn.hook_z"),
        ("z9", "near names"),
        (lambda name: name == "no such", "selects none"),
    ],
)
def test_a_name_that_is_none_is_refused(local: lensd.Model, selector: Any, message: str) -> None:
    with pytest.raises(lensd.NotFound, match=message):
        local.run_with_hooks(SEQ7, fwd_hooks=[(selector, hook_cases.add_one)])


def test_what_is_no_hook_is_refused(local: lensd.Model) -> None:
    with pytest.raises(lensd.InvalidArgument, match="fn"):
        local.run_with_hooks(SEQ7, fwd_hooks=[("z1", 3)])  # type: ignore[list-item]
    with pytest.raises(lensd.InvalidArgument, match="predicate"):
        local.run_with_hooks(SEQ7, fwd_hooks=[(3, hook_cases.add_one)])  # type: ignore[list-item]


def test_points_that_cost_extra_are_hooked_when_named(local: lensd.Model) -> None:
    names: list[str] = []

    def note(value: Any, hook: Any) -> None:
        names.append(hook.name)

    local.run_with_hooks(SEQ7, return_type=None, fwd_hooks=[(lambda name: "result" in name or "_z" in name, note)])
    assert names == [f"blocks.{layer}.attn.hook_z" for layer in range(3)]
    names.clear()
    local.run_with_hooks(SEQ7, return_type=None, fwd_hooks=[("result1", note), ("unembed.hook_out", note)])
    assert names == ["blocks.1.attn.hook_result", "unembed.hook_out"]


def test_the_logits_can_be_hooked(local: lensd.Model) -> None:
    logits = local.run_with_hooks(SEQ7, fwd_hooks=[("unembed.hook_out", lambda value, hook: value * 2)])
    assert_close(logits, local(SEQ7) * 2)


def test_blocks_nest_and_end(local: lensd.Model) -> None:
    plain = local(SEQ7)
    order: list[str] = []

    def note(word: str) -> Callable[[Any, Any], None]:
        return lambda value, hook: order.append(word)

    local.add_hook(Z, note("added"))
    with local.hooks(fwd_hooks=[(Z, note("outer"))]):
        with local.hooks(fwd_hooks=[(Z, note("inner"))]):
            local.run_with_hooks(SEQ7, fwd_hooks=[(Z, note("call"))])
        assert order == ["added", "outer", "inner", "call"]
        local(SEQ7)
        assert order[4:] == ["added", "outer"]
    local(SEQ7, return_type="loss")
    assert order[6:] == ["added"]
    local.reset_hooks()
    assert np.array_equal(local(SEQ7), plain)
    assert len(order) == 7


def test_hooks_that_are_not_reset_stay(local: lensd.Model) -> None:
    zeroed = local.run_with_interventions(SEQ7, [lensd.zero(Z)])
    local.run_with_hooks(SEQ7, fwd_hooks=[(Z, lambda value, hook: value * 0)], reset_hooks_end=False)
    assert_close(local(SEQ7), zeroed)
    local.reset_hooks()
    assert np.abs(local(SEQ7) - zeroed).max() > 1e-3


def test_edits_of_a_block_come_before_functions(local: lensd.Model) -> None:
    seen: list[float] = []

    def look(value: Any, hook: Any) -> None:
        seen.append(float(np.abs(value).max()))

    with local.hooks(fwd_hooks=[(Z, look)], interventions=[lensd.zero(Z)]):
        hooked_logits = local(SEQ7)
    assert seen == [0]
    # Edits alone need no functions.
    with local.hooks(interventions=[lensd.zero(Z)]):
        assert_close(local(SEQ7), hooked_logits)
        _, cache = local.run_with_cache(SEQ7)
        assert not cache["z", 1].any()
    assert_close(local.run_with_interventions(SEQ7, [lensd.zero(Z)]), hooked_logits)


def test_blocks_hold_for_their_thread_and_their_task(local: lensd.Model) -> None:
    plain, zeroed = local(SEQ7), local.run_with_interventions(SEQ7, [lensd.zero(Z)])
    others: list[Any] = []
    with local.hooks(fwd_hooks=[(Z, lambda value, hook: value * 0)]):
        thread = threading.Thread(target=lambda: others.append(local(SEQ7)))
        thread.start()
        thread.join()
        assert_close(local(SEQ7), zeroed)
    assert np.array_equal(others[0], plain)

    async def task(factor: float) -> Any:
        with local.hooks(fwd_hooks=[(Z, lambda value, hook: value * factor)]):
            await asyncio.sleep(0)
            return local(SEQ7)

    async def both() -> list[Any]:
        return list(await asyncio.gather(task(0), task(1)))

    first, second = asyncio.run(both())
    assert_close(first, zeroed)
    assert_close(second, plain)


def test_a_block_of_one_model_is_not_another_s(client: lensd.Client) -> None:
    first, second = client.model("local"), client.model("local")
    with first.hooks(fwd_hooks=[(Z, lambda value, hook: value * 0)]):
        assert np.abs(first(SEQ7) - second(SEQ7)).max() > 1e-3


def test_what_runs_without_hooks_says_so(local: lensd.Model) -> None:
    with local.hooks(fwd_hooks=[(Z, hook_cases.add_one)]):
        for call in (local.ablate_heads, local.head_scores, local.attention_html):
            with pytest.raises(lensd.FailedPrecondition, match="without hooks"):
                call(SEQ7)


# Caches and sessions.


def test_a_hooked_cache_has_what_was_kept_and_no_more(local: lensd.Model) -> None:
    with local.hooks(fwd_hooks=[("z1", hook_cases.zero_head)]):
        _, cache = local.run_with_cache([SEQ7, SEQ7[:3]], names_filter=["z1", "result1"])
        _, whole = local.run_with_cache(SEQ7, remove_batch_dim=True)
    assert set(cache) == {Z, "blocks.1.attn.hook_result"}
    assert not cache["z", 1][:, :, 1].any()
    assert cache["result", 1].shape == (2, 7, 4, 32)
    assert cache.slice("z1", np.s_[2, 0]).shape == (2, 8)
    assert whole["z", 1].shape == (7, 4, 8)
    with pytest.raises(lensd.NotFound, match="names_filter"):
        whole["result", 1]
    # Each read is an array of its own.
    assert cache["z", 1].flags.writeable


def test_a_recorded_hooked_run_keeps_its_result_only(daemon: Any) -> None:
    with lensd.connect(daemon.socket, session="hooked") as client:
        model = client.model("local")
        with model.hooks(fwd_hooks=[(Z, hook_cases.zero_head)]):
            loss, cache = model.run_with_cache(SEQ7, return_type="loss", names_filter="z1")
        assert cache.run_id is not None
        assert not cache["z1"][:, :, 1].any()
        with pytest.raises(lensd.FailedPrecondition, match="a hook function took part"):
            client.query(cache.run_id, "z1")
        model(SEQ7, return_type="loss")
        runs = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"hooked")).runs
        assert [run.hooked for run in runs] == [False, True]
        assert_same_loss(runs[1].loss, loss)
        assert client.query(runs[0].id.decode(), "z1").shape == (1, 7, 4, 8)

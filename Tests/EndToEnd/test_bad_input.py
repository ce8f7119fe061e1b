"""Bad requests: each a clear message with what was expected and what came, and the daemon goes on."""

from __future__ import annotations

from collections.abc import Callable

import lensd
import pytest
from lensd._proto.common_pb2 import Prompt, Slice, SliceEntry, SliceRange, TextPrompt, TokenPrompt
from lensd._proto.inference_pb2 import PassSource, QueryRequest, ScoreHeadsRequest
from lensd._proto.interventions_pb2 import (
    ACTION_PATCH,
    ACTION_SCALE,
    ACTION_SET,
    ACTION_SWAP,
    ACTION_ZERO,
    EditSource,
    IndexList,
    Indices,
    Intervention,
    Operand,
    PromptList,
)
from lensd._proto.run_pb2 import RunRequest
from lensd._proto.sweeps_pb2 import (
    METRIC_LOGIT,
    SWEEP_AXIS_HEAD,
    SWEEP_AXIS_LAYER,
    SWEEP_AXIS_POSITION,
    SWEEP_AXIS_SOURCE,
    Metric,
    SweepRequest,
)
from lensd.methods import QUERY, RUN, SCORE_HEADS, SWEEP, Method

from daemon import Daemon

TOKENS = Prompt(tokens=TokenPrompt(ids=[1, 2, 3]))


def text(value: str) -> Prompt:
    return Prompt(text=TextPrompt(text=value.encode()))


def ids(*values: int) -> Prompt:
    return Prompt(tokens=TokenPrompt(ids=values))


def edit(hook: bytes, *heads: int) -> Intervention:
    return Intervention(hook=hook, action=ACTION_ZERO, heads=Indices(list=IndexList(indices=heads)) if heads else None)


def edited(**fields: object) -> RunRequest:
    """A run of three tokens with one edit of z0, of zero where no action is named."""
    return RunRequest(
        prompts=[TOKENS], interventions=[Intervention(**{"hook": b"z0", "action": ACTION_ZERO, **fields})]
    )


HEADS = [SWEEP_AXIS_LAYER, SWEEP_AXIS_HEAD]


def zero(hook: str) -> Intervention:
    """In every layer."""
    return Intervention(hook=hook.encode(), action=ACTION_ZERO, layers=Indices(range=SliceRange(step=1)))


def query(hook: str, *entries: SliceEntry, prompts: tuple[int, ...] = (), source: Prompt = TOKENS) -> QueryRequest:
    request = QueryRequest(prompts=PassSource(prompts=[source]), hook=hook.encode(), prompt_indices=prompts)
    if entries:
        request.slice.CopyFrom(Slice(entries=entries))
    return request


RUNS = {
    "no prompt": (RunRequest(), "INVALID_ARGUMENT", "at least one prompt"),
    "a prompt that is neither": (RunRequest(prompts=[Prompt()]), "INVALID_ARGUMENT", "prompt"),
    "empty text": (RunRequest(prompts=[text("")]), "INVALID_ARGUMENT", "text is empty"),
    "no tokens": (RunRequest(prompts=[ids()]), "INVALID_ARGUMENT", "at least one token"),
    "too many tokens": (RunRequest(prompts=[ids(*[1] * 5000)]), "INVALID_ARGUMENT", "has 5000 tokens; the context"),
    "long text": (RunRequest(prompts=[text("a b " * 5000)]), "INVALID_ARGUMENT", "context length"),
    "text that is not UTF-8": (
        RunRequest(prompts=[Prompt(text=TextPrompt(text=b"\xff\xfe"))]),
        "INVALID_ARGUMENT",
        "UTF-8",
    ),
    "a token out of range": (RunRequest(prompts=[ids(1, 1 << 20)]), "INVALID_ARGUMENT", "received 1048576"),
    "a token past 31 bits": (RunRequest(prompts=[ids(1, (1 << 32) - 1)]), "INVALID_ARGUMENT", "4294967295"),
    "the second prompt": (RunRequest(prompts=[TOKENS, text("")]), "INVALID_ARGUMENT", "prompt 1: "),
    "an unknown model": (RunRequest(model=b"nope", prompts=[TOKENS]), "NOT_FOUND", "there are: tiny"),
    "a model's name": (RunRequest(model=b"NOPE", prompts=[TOKENS]), "INVALID_ARGUMENT", "received 'NOPE'"),
    "a model's form": (RunRequest(model=b"tiny@new", prompts=[TOKENS]), "INVALID_ARGUMENT", "NAME@raw"),
    "an unknown hook": (
        RunRequest(prompts=[TOKENS], interventions=[edit(b"blocks.0.attn.hook_y")]),
        "NOT_FOUND",
        "attn.hook_",
    ),
    "a layer": (RunRequest(prompts=[TOKENS], interventions=[edit(b"blocks.7.attn.hook_z")]), "NOT_FOUND", "blocks.7"),
    "a head": (
        RunRequest(prompts=[TOKENS], interventions=[edit(b"z0", 16)]),
        "INVALID_ARGUMENT",
        "0...15; received 16",
    ),
    "heads where none are": (
        RunRequest(prompts=[TOKENS], interventions=[edit(b"resid_post0", 1)]),
        "INVALID_ARGUMENT",
        "has no heads",
    ),
    "an action left out": (
        RunRequest(prompts=[TOKENS], interventions=[Intervention(hook=b"z0")]),
        "INVALID_ARGUMENT",
        "action",
    ),
    "more predictions than tokens": (RunRequest(prompts=[TOKENS], top_count=1 << 30), "INVALID_ARGUMENT", "1073741824"),
    "an unknown name to keep": (RunRequest(prompts=[TOKENS], keep_names=[b"nope"]), "NOT_FOUND", "nope"),
}

EDITS = {
    "an unknown action": (edited(action=77), "INVALID_ARGUMENT", "1...9; received 77"),
    "an empty choice": (edited(heads=Indices()), "INVALID_ARGUMENT", "an index, a list or a range"),
    "no entry": (edited(heads=Indices(list=IndexList())), "INVALID_ARGUMENT", "at least one"),
    "a huge index": (edited(heads=Indices(index=-(1 << 63))), "INVALID_ARGUMENT", "heads"),
    "a field of another action": (edited(factor=2), "INVALID_ARGUMENT", "factor means nothing to the action 'zero'"),
    "a factor that is no number": (edited(action=ACTION_SCALE, factor=float("nan")), "INVALID_ARGUMENT", "finite"),
    "no operand": (edited(action=ACTION_SET), "INVALID_ARGUMENT", "operand"),
    "half a value": (edited(action=ACTION_SET, operand=Operand(values=b"abc")), "INVALID_ARGUMENT", "received 3 bytes"),
    "a shape without values": (
        edited(action=ACTION_SET, operand=Operand(shape=[1 << 40, 1 << 40], values=b"abcd")),
        "INVALID_ARGUMENT",
        "shape",
    ),
    "NaN": (edited(action=ACTION_SET, operand=Operand(values=b"\0\0\xc0\x7f")), "INVALID_ARGUMENT", "NaN"),
    "a source of nothing": (edited(action=ACTION_PATCH, source=EditSource()), "INVALID_ARGUMENT", "a run or prompts"),
    "a source without prompts": (
        edited(action=ACTION_PATCH, source=EditSource(prompts=PromptList())),
        "INVALID_ARGUMENT",
        "at least one prompt",
    ),
    "an absent run": (
        edited(action=ACTION_PATCH, source=EditSource(run=b"deadbeef")),
        "NOT_FOUND",
        "no run 'deadbeef'",
    ),
    "a prompt that is not there": (
        edited(action=ACTION_SWAP, other_prompt=(1 << 32) - 1),
        "INVALID_ARGUMENT",
        "received 4294967295",
    ),
    "a layer twice": (edited(layers=Indices(index=0)), "INVALID_ARGUMENT", "layers are given twice"),
    "a layer": (edited(hook=b"z", layers=Indices(index=1)), "INVALID_ARGUMENT", "layer must be in 0...0; received 1"),
}

QUERIES = {
    "an unknown hook": (query("hook_zz"), "NOT_FOUND", "near names"),
    "too many entries": (query("z0", *[SliceEntry(index=0)] * 4), "INVALID_ARGUMENT", "4 entries"),
    "an index": (
        query("pattern0", SliceEntry(index=16)),
        "INVALID_ARGUMENT",
        "16 is out of range for axis 0 of size 16",
    ),
    "a huge index": (query("pattern0", SliceEntry(index=-(1 << 62))), "INVALID_ARGUMENT", "slice.index must be in"),
    "an empty entry": (query("pattern0", SliceEntry()), "INVALID_ARGUMENT", "slice"),
    "a prompt": (query("z0", prompts=(1,)), "INVALID_ARGUMENT", "received 1"),
    "no source": (QueryRequest(hook=b"z0"), "INVALID_ARGUMENT", ""),
    "an absent run": (QueryRequest(run=b"deadbeef", hook=b"z0"), "NOT_FOUND", "no run 'deadbeef'"),
    "a text too long": (query("z0", source=text("a b " * 5000)), "INVALID_ARGUMENT", "context length"),
}

SWEEPS = {
    "no prompt": (SweepRequest(edits=[zero("z")], axes=HEADS), "INVALID_ARGUMENT", "prompt"),
    "no edit": (SweepRequest(prompts=[TOKENS], axes=HEADS), "INVALID_ARGUMENT", "at least one edit"),
    "no action": (SweepRequest(prompts=[TOKENS], edits=[Intervention(hook=b"z")]), "INVALID_ARGUMENT", "action"),
    "an unknown axis": (
        SweepRequest(prompts=[TOKENS], edits=[zero("z")], axes=[9]),
        "INVALID_ARGUMENT",
        "axis must be in 1...5; received 9",
    ),
    "a hook without heads": (
        SweepRequest(prompts=[TOKENS], edits=[zero("resid_post")], axes=HEADS),
        "INVALID_ARGUMENT",
        "has no heads",
    ),
    "an unknown hook": (SweepRequest(prompts=[TOKENS], edits=[zero("y")], axes=HEADS), "NOT_FOUND", "y0"),
    "a metric without its token": (
        SweepRequest(prompts=[TOKENS], edits=[zero("z")], axes=HEADS, metrics=[Metric(kind=METRIC_LOGIT)]),
        "INVALID_ARGUMENT",
        "takes one token",
    ),
    "more than is allowed": (
        SweepRequest(
            prompts=[Prompt(tokens=TokenPrompt(ids=range(48)))],
            edits=[zero("pattern")],
            axes=[*HEADS, SWEEP_AXIS_POSITION, SWEEP_AXIS_SOURCE],
            paired=True,
        ),
        "INVALID_ARGUMENT",
        "at most 1048576 variants",
    ),
}


def check(daemon: Daemon, code: str, expected: str, call: Callable[[lensd.Client], object]) -> None:
    with daemon.connect() as client:
        with pytest.raises(lensd.LensError) as caught:
            call(client)
        assert caught.value.code.name == code, caught.value.message
        assert expected in caught.value.message
        # The same connection goes on.
        assert client.channel.unary(RUN, RunRequest(prompts=[TOKENS], unrecorded=True)).loss > 0


@pytest.mark.parametrize(("request_", "code", "expected"), EDITS.values(), ids=EDITS)
def test_edits(shared: Daemon, request_: RunRequest, code: str, expected: str) -> None:
    check(shared, code, expected, lambda client: client.channel.unary(RUN, request_))


@pytest.mark.parametrize(("request_", "code", "expected"), RUNS.values(), ids=RUNS)
def test_runs(shared: Daemon, request_: RunRequest, code: str, expected: str) -> None:
    check(shared, code, expected, lambda client: client.channel.unary(RUN, request_))
    # Nothing was recorded.
    with shared.connect() as client, pytest.raises(lensd.NotFound, match="you have none yet"):
        client.query("last", "z0")


@pytest.mark.parametrize(("request_", "code", "expected"), QUERIES.values(), ids=QUERIES)
def test_queries(shared: Daemon, request_: QueryRequest, code: str, expected: str) -> None:
    check(shared, code, expected, lambda client: list(client.channel.stream(QUERY, request_)))


@pytest.mark.parametrize(("request_", "code", "expected"), SWEEPS.values(), ids=SWEEPS)
def test_sweeps(shared: Daemon, request_: SweepRequest, code: str, expected: str) -> None:
    check(shared, code, expected, lambda client: list(client.channel.stream(SWEEP, request_)))


def test_head_scores(shared: Daemon) -> None:
    request = ScoreHeadsRequest(prompts=[text("")])
    check(shared, "INVALID_ARGUMENT", "text is empty", lambda client: client.channel.unary(SCORE_HEADS, request))


def test_a_method_that_is_none(shared: Daemon) -> None:
    check(
        shared,
        "UNIMPLEMENTED",
        "Nothing",
        lambda client: client.channel.unary(Method("/lens.v1.Inference/Nothing", RunRequest, RunRequest), RunRequest()),
    )

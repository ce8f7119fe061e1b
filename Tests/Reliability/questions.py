"""Calls whose answers are known: a seeded mix over the daemon's methods, and whether two answers are equal."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from lensd._proto.common_pb2 import Prompt, Slice, SliceEntry, SliceRange, TextPrompt, TokenPrompt
from lensd._proto.generation_pb2 import GenerateEvent, GenerateRequest, GenerationOptions
from lensd._proto.inference_pb2 import (
    PassSource,
    QueryEvent,
    QueryRequest,
    ScoreHeadsReply,
    ScoreHeadsRequest,
    TokenizeReply,
    TokenizeRequest,
)
from lensd._proto.interventions_pb2 import ACTION_SCALE, ACTION_ZERO, IndexList, Indices, Intervention
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd._proto.sweeps_pb2 import SWEEP_AXIS_HEAD, SWEEP_AXIS_LAYER, SweepEvent, SweepRequest

# The embedded model's vocabulary is larger.
TOKENS = 512
# What rides along in a batch may move a number by so much, absolutely and relatively.
TOLERANCE = 1e-5
WORDS = [
    "once",
    "upon",
    "a",
    "time",
    "there",
    "was",
    "little",
    "girl",
    "who",
    "liked",
    "to",
    "play",
    "in",
    "the",
    "park",
]


@dataclass(frozen=True)
class Question:
    """One call; its answer is the same whenever it is made."""

    method: str
    request: bytes


@dataclass(frozen=True)
class _Kind:
    method: str
    reply: type[Message]
    share: float


RUN = _Kind("/lens.v1.Inference/Run", RunReply, 0.48)
RECORDED = _Kind("/lens.v1.Inference/Run", RunReply, 0.02)
TOKENIZE = _Kind("/lens.v1.Inference/Tokenize", TokenizeReply, 0.15)
QUERY = _Kind("/lens.v1.Inference/Query", QueryEvent, 0.15)
SWEEP = _Kind("/lens.v1.Inference/Sweep", SweepEvent, 0.06)
GENERATE = _Kind("/lens.v1.Inference/Generate", GenerateEvent, 0.08)
SCORES = _Kind("/lens.v1.Inference/ScoreHeads", ScoreHeadsReply, 0.06)
_KINDS = (RUN, RECORDED, TOKENIZE, QUERY, SWEEP, GENERATE, SCORES)
_REPLIES = {kind.method: kind.reply for kind in _KINDS}


def some_tokens(chance: random.Random, shortest: int = 2, longest: int = 24) -> Prompt:
    """A prompt of random tokens."""
    return Prompt(tokens=TokenPrompt(ids=[chance.randrange(TOKENS) for _ in range(chance.randint(shortest, longest))]))


def run_question(prompt: Prompt, edits: Sequence[Intervention] = (), top: int = 0) -> Question:
    """A run that is not recorded."""
    request = RunRequest(prompts=[prompt], interventions=edits, top_count=top, unrecorded=True)
    return Question(RUN.method, request.SerializeToString())


def sweep_question(prompt: Prompt) -> Question:
    """An ablation of every head that is not recorded."""
    edits = [Intervention(hook=b"z", action=ACTION_ZERO, layers=Indices(range=SliceRange(step=1)))]
    axes = [SWEEP_AXIS_LAYER, SWEEP_AXIS_HEAD]
    request = SweepRequest(prompts=[prompt], edits=edits, axes=axes, unrecorded=True)
    return Question(SWEEP.method, request.SerializeToString())


def some_question(chance: random.Random) -> Question:
    """One of the mix."""
    kind = chance.choices(_KINDS, [each.share for each in _KINDS])[0]
    prompt = some_tokens(chance)
    if kind is RUN:
        return run_question(prompt, _some_edits(chance), chance.randint(0, 3))
    if kind is SWEEP:
        return sweep_question(prompt)
    return Question(kind.method, _request(kind, prompt, chance).SerializeToString())


def _request(kind: _Kind, prompt: Prompt, chance: random.Random) -> Message:
    if kind is RECORDED:
        return RunRequest(prompts=[prompt], session=b"load")
    if kind is TOKENIZE:
        text = " ".join(chance.choices(WORDS, k=chance.randint(1, 30)))
        return TokenizeRequest(prompts=[Prompt(text=TextPrompt(text=text.encode()))])
    if kind is QUERY:
        hook = chance.choice([b"blocks.0.attn.hook_pattern", b"z0", b"resid_post0", b"blocks.0.mlp.hook_post"])
        last = Slice(entries=[SliceEntry(index=-1)])
        return QueryRequest(
            prompts=PassSource(prompts=[prompt], interventions=_some_edits(chance)), hook=hook, slice=last
        )
    if kind is GENERATE:
        # The seed is part of the answer.
        options = GenerationOptions(max_new_tokens=4, temperature=0, seed=1)
        return GenerateRequest(prompts=[prompt], options=options, unrecorded=True)
    return ScoreHeadsRequest(prompts=[prompt])


def _some_edits(chance: random.Random) -> list[Intervention]:
    if chance.random() < 0.6:
        return []
    heads = Indices(list=IndexList(indices=[chance.randrange(16)]))
    if chance.random() < 0.5:
        return [Intervention(hook=b"blocks.0.attn.hook_z", action=ACTION_ZERO, heads=heads)]
    return [Intervention(hook=b"blocks.0.attn.hook_v", action=ACTION_SCALE, factor=chance.random(), heads=heads)]


# MARK: equality


def kept(method: str, messages: Sequence[bytes]) -> list[bytes]:
    """An answer without what says only how it went: progress, and tokens that the results say again."""
    if method == SWEEP.method:
        return [each for each in messages if SweepEvent.FromString(each).WhichOneof("event") != "progress"]
    if method == GENERATE.method:
        return [each for each in messages if GenerateEvent.FromString(each).WhichOneof("event") != "tokens"]
    return list(messages)


def are_equal(method: str, one: Sequence[bytes], other: Sequence[bytes]) -> bool:
    """Whether two answers say the same, numbers within the tolerance."""
    if one == other:
        return True
    reply = _REPLIES[method]
    pairs = [(reply.FromString(left), reply.FromString(right)) for left, right in zip(one, other, strict=False)]
    return len(one) == len(other) and all(_same(left, right) for left, right in pairs)


def _same(left: Any, right: Any, name: str = "") -> bool:
    if isinstance(left, Message):
        fields = [field for field in left.DESCRIPTOR.fields if field.name != "run_id"]
        return all(_same(_value(left, field), _value(right, field), field.name) for field in fields)
    if isinstance(left, list):
        return len(left) == len(right) and all(_same(*pair, name) for pair in zip(left, right, strict=True))
    if isinstance(left, float):
        return math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE) or (left != left and right != right)
    if isinstance(left, bytes) and name == "values" and len(left) == len(right) and len(left) % 4 == 0:
        form = f"<{len(left) // 4}f"
        return _same(list(struct.unpack(form, left)), list(struct.unpack(form, right)))
    return bool(left == right)


def _value(message: Message, field: FieldDescriptor) -> Any:
    value = getattr(message, field.name)
    if field.is_repeated:
        return list(value)
    if field.message_type is not None and not message.HasField(field.name):
        return None
    return value

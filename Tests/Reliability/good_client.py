"""A client as it should be: asks, compares every answer with the one that was given when nobody disturbed."""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np
from lensd._proto.common_pb2 import Prompt, TextPrompt, TokenPrompt
from lensd._proto.inference_pb2 import PassSource, QueryEvent, QueryRequest, TokenizeRequest
from lensd._proto.interventions_pb2 import ACTION_ZERO, IndexList, Indices, Intervention
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd.errors import StatusCode

from wire import Wire

# Between calls; eight clients together leave the machine to those they are disturbed by.
PAUSE_SECONDS = 0.02
# A new connection after so many calls.
CALLS_PER_CONNECTION = 40
# Not all calls of a client may hang as long as a patient one would wait.
SECONDS = 20.0
# The bits of a product change with the rows beside it.
TOLERANCE = 1e-4


@dataclass
class Seen:
    """What a client saw since it was last asked."""

    times: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Question:
    """One call, and the answer it must have."""

    method: str
    request: bytes
    messages: tuple[bytes, ...] = ()


def expected_answers(socket: str) -> list[Question]:
    """Asks everything once, one after the other."""
    chance = random.Random(20)
    questions = []
    with Wire(socket) as wire:
        for question in _questions(chance):
            messages, status = wire.call(question.method, question.request)
            assert status.code == StatusCode.OK, status
            questions.append(Question(question.method, question.request, tuple(messages)))
    return questions


def ask_until_told(pipe: Connection, socket: str, seed: int, questions: list[Question]) -> None:
    """Asks again and again; answers each message with what was seen since the last."""
    chance = random.Random(seed)
    seen = Seen()
    while True:
        try:
            with Wire(socket, timeout=SECONDS) as wire:
                for _ in range(CALLS_PER_CONNECTION):
                    if pipe.poll(chance.uniform(0, 2 * PAUSE_SECONDS)):
                        pipe.recv()
                        pipe.send(seen)
                        seen = Seen()
                    _ask(seen, wire, chance.choice(questions))
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:  # Whatever goes wrong was not to.
            seen.wrong.append(f"{type(error).__name__}: {error}")
            time.sleep(0.1)
            if pipe.poll():
                pipe.recv()
                pipe.send(seen)
                seen = Seen()


def _ask(seen: Seen, wire: Wire, question: Question) -> None:
    begun = time.monotonic()
    messages, status = wire.call(question.method, question.request)
    seen.times.append(time.monotonic() - begun)
    if status.code != StatusCode.OK:
        seen.wrong.append(f"{question.method} ended with {StatusCode(status.code).name}: {status.message!r}")
    elif not agree(question, messages):
        seen.wrong.append(f"{question.method} answered something else than before")


def agree(question: Question, messages: list[bytes]) -> bool:
    """Whether an answer is the expected one, numbers up to rounding."""
    if tuple(messages) == question.messages:
        return True
    if question.method.endswith("/Run"):
        return _runs_agree(RunReply.FromString(messages[0]), RunReply.FromString(question.messages[0]))
    if question.method.endswith("/Query"):
        return _queries_agree(messages, list(question.messages))
    return False


def _runs_agree(found: RunReply, wanted: RunReply) -> bool:
    for one, other in zip(found.prompts, wanted.prompts, strict=True):
        if [token.id for token in one.tokens] != [token.id for token in other.tokens]:
            return False
        if not np.allclose([top.logprob for top in one.top], [top.logprob for top in other.top], TOLERANCE, TOLERANCE):
            return False
    return found.model == wanted.model and math.isclose(found.loss, wanted.loss, rel_tol=1e-5, abs_tol=1e-5)


def _queries_agree(found: list[bytes], wanted: list[bytes]) -> bool:
    one, other = ([QueryEvent.FromString(data) for data in messages] for messages in (found, wanted))
    heads = ([event.header for event in events if event.HasField("header")] for events in (one, other))
    values = (np.frombuffer(b"".join(event.values for event in events), "<f4") for events in (one, other))
    (first_head, second_head), (first, second) = heads, values
    return first_head == second_head and np.allclose(first, second, TOLERANCE, TOLERANCE)


def _questions(chance: random.Random) -> list[Question]:
    questions = []
    for number in range(24):
        prompt = Prompt(tokens=TokenPrompt(ids=[chance.randrange(512) for _ in range(chance.randint(4, 40))]))
        heads = Indices(list=IndexList(indices=[number % 16]))
        edits = [Intervention(hook=b"z0", action=ACTION_ZERO, heads=heads)] if number % 2 else []
        run = RunRequest(prompts=[prompt], interventions=edits, top_count=5, unrecorded=True)
        questions.append(Question("/lens.v1.Inference/Run", run.SerializeToString()))
        if number % 3 == 0:
            source = PassSource(prompts=[prompt], interventions=edits)
            query = QueryRequest(prompts=source, hook=chance.choice((b"pattern0", b"z0", b"resid_post0")))
            questions.append(Question("/lens.v1.Inference/Query", query.SerializeToString()))
            text = Prompt(text=TextPrompt(text=f"Once upon a time there were {number} girls.".encode()))
            tokenize = TokenizeRequest(prompts=[text])
            questions.append(Question("/lens.v1.Inference/Tokenize", tokenize.SerializeToString()))
    return questions

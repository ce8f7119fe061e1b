"""Clients of several users that ask at the same time, each waiting for its answer before it asks again."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from lensd.errors import StatusCode

from questions import Question, are_equal, kept, run_question, some_tokens
from record import Trial
from users import FIRST_UID, User
from wire import HungUp, Wire


@dataclass
class Part:
    """What one client did: seconds of each call, and what was wrong."""

    uid: int
    seconds: list[float] = field(default_factory=list)
    trial: Trial = field(default_factory=Trial)


def serial_answers(socket: str, questions: Sequence[Question]) -> list[list[bytes]]:
    """What one client alone is answered."""
    answers = []
    with Wire(socket) as wire:
        for question in questions:
            messages, status = wire.call(question.method, question.request)
            assert status.code == StatusCode.OK, status
            answers.append(kept(question.method, messages))
    return answers


class Crowd:
    """So many clients, dealt over so many users. They begin with `ask` and end by themselves."""

    def __init__(
        self, socket: str, users: int, clients: int, questions: Sequence[Question], answers: Sequence[list[bytes]]
    ) -> None:
        self._clients = [
            User(uid, _client, uid, socket, questions, answers)
            for uid in (FIRST_UID + index % users for index in range(clients))
        ]

    def ask(self, seconds: float, seed: int, pause: float = 0) -> list[Part]:
        """Has all ask for so long; the first user's clients rest for `pause` seconds after each answer."""
        for index, client in enumerate(self._clients):
            rest = pause if client.uid == self._clients[0].uid else 0.0
            client.tell((seconds, seed * 1000 + index, rest))
        return [client.hear(seconds + 120) for client in self._clients]

    def end(self) -> None:
        for client in self._clients:
            client.end()


def by_user(parts: Sequence[Part]) -> dict[int, int]:
    """How many answers each user got."""
    counts: dict[int, int] = {}
    for part in parts:
        counts[part.uid] = counts.get(part.uid, 0) + len(part.seconds)
    return counts


def _client(
    pipe: Connection, uid: int, socket: str, questions: Sequence[Question], answers: Sequence[list[bytes]]
) -> None:
    with Wire(socket) as wire:
        while True:
            seconds, seed, pause = pipe.recv()
            part = Part(uid)
            with suppress(HungUp):
                _ask(wire, part, questions, answers, time.monotonic() + seconds, random.Random(seed), pause)
                pipe.send(part)
                continue
            part.trial.violated("the daemon hung up on a client")
            pipe.send(part)
            return


def _ask(
    wire: Wire,
    part: Part,
    questions: Sequence[Question],
    answers: Sequence[list[bytes]],
    until: float,
    chance: random.Random,
    pause: float,
) -> None:
    while (begun := time.monotonic()) < until:
        number = chance.randrange(len(questions))
        question = questions[number]
        messages, status = wire.call(question.method, question.request)
        part.seconds.append(time.monotonic() - begun)
        if status.code != StatusCode.OK:
            part.trial.violated(f"{question.method}: {StatusCode(status.code).name}: {status.message.decode()}")
        elif not are_equal(question.method, kept(question.method, messages), answers[number]):
            part.trial.violated(f"{question.method} was answered differently from alone: question {number}")
        if pause:
            time.sleep(pause)


def timed_runs(pipe: Connection, socket: str, seed: int, rest: float = 0) -> None:
    """A user's body: makes as many small runs as it is told, one after the other; seconds of each, and what failed."""
    chance = random.Random(seed)
    with Wire(socket) as wire:
        while True:
            seconds, failures = [], []
            for _ in range(pipe.recv()):
                question = run_question(some_tokens(chance, 8, 24), top=3)
                begun = time.monotonic()
                _, status = wire.call(question.method, question.request)
                seconds.append(time.monotonic() - begun)
                if status.code != StatusCode.OK:
                    failures.append(f"a run ended with {StatusCode(status.code).name}: {status.message.decode()}")
                time.sleep(rest)
            pipe.send((seconds, failures))

"""Small runs of several clients against the engine's own rate at a full batch, and the memory they take."""

from __future__ import annotations

import argparse
import random
import time
from multiprocessing.connection import Connection

from lensd._proto.run_pb2 import RunRequest
from lensd.errors import StatusCode

from questions import RUN, some_tokens
from record import Trial
from subject import Subject, subject
from users import FIRST_UID, User
from wire import Wire

GOAL = (
    "8 clients sending the same kind of small runs: at least 0.7 of the engine's own rate at a 256-row batch; the "
    "memory of 8 users at most 1.1 x that of one"
)
ROWS = 256
LEAST_SHARE = 0.7
MOST_MEMORY = 1.1
# What is kept for whoever asks again has one limit for all users: here it is reached by one as by eight.
CACHE = 'cache = "4M"\n'


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=8, help="each a user of its own (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of both, taken in turn (%(default)s)")
    parser.add_argument(
        "--model", action="append", default=[], metavar="NAME=DIR", help="another than the embedded one"
    )


def run(options: argparse.Namespace) -> Trial:
    return _measure(options, options.rounds, pause=0)


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    return {"clients that rest for 50 ms after each answer": _measure(options, 1, pause=0.05)}


def _measure(options: argparse.Namespace, rounds: int, pause: float) -> Trial:
    trial = Trial()
    arguments = [word for model in options.model for word in ("--model", model)]
    with subject(*arguments, configuration=CACHE) as daemon:
        length = ROWS // options.clients
        whole = User(FIRST_UID, _ask, str(daemon.socket), options.seed, options.clients, length, 0)
        parts = [
            User(FIRST_UID + index, _ask, str(daemon.socket), options.seed + index + 1, 1, length, pause)
            for index in range(options.clients)
        ]
        alone, together = [], []
        memory_of_one = memory_of_all = 0
        try:
            for _ in range(rounds):
                alone.append(_rate([whole], options.seconds))
                memory_of_one = max(memory_of_one, _resident(daemon))
                together.append(_rate(parts, options.seconds))
                memory_of_all = max(memory_of_all, _resident(daemon))
        finally:
            for user in [whole, *parts]:
                user.end()
    best, found = max(alone), max(together)
    trial.figures |= {
        "rows/s in batches of 256": round(best),
        f"rows/s of {options.clients} clients": round(found),
        "share": round(found / best, 3),
        "resident MiB, one user": round(memory_of_one / 2**20, 1),
        f"resident MiB, {options.clients} users": round(memory_of_all / 2**20, 1),
        "memory ratio": round(memory_of_all / memory_of_one, 3),
    }
    trial.expect(found >= LEAST_SHARE * best, f"{found / best:.2f} of the rate at a full batch; {LEAST_SHARE} asked")
    trial.expect(
        memory_of_all <= MOST_MEMORY * memory_of_one,
        f"{options.clients} users take {memory_of_all / memory_of_one:.2f} of one user's memory; {MOST_MEMORY} asked",
    )
    return trial


def _rate(users: list[User], seconds: float) -> float:
    """Rows a second of all together."""
    for user in users:
        user.tell(seconds)
    return sum(rows / took for rows, took in (user.hear() for user in users))


def _resident(daemon: Subject) -> int:
    return daemon.resources().resident_bytes


def _ask(pipe: Connection, socket: str, seed: int, prompts: int, length: int, pause: float) -> None:
    """Asks for losses of new prompts, one call after the other."""
    chance = random.Random(seed)
    with Wire(socket) as wire:
        while True:
            seconds = pipe.recv()
            rows = 0
            begun = time.monotonic()
            while (now := time.monotonic()) - begun < seconds:
                request = RunRequest(
                    prompts=[some_tokens(chance, length, length) for _ in range(prompts)], unrecorded=True
                )
                _, status = wire.call(RUN.method, request)
                assert status.code == StatusCode.OK, status
                rows += prompts * length
                time.sleep(pause)
            pipe.send((rows, now - begun))

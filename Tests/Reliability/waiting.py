"""An interactive run while another user has a thousand sweeps queued."""

from __future__ import annotations

import argparse
import random
from contextlib import nullcontext
from multiprocessing.connection import Connection

from lensd._proto.frame_pb2 import ClientFrame, StartCall
from lensd.errors import StatusCode
from lensd.framing import encode_frame

from crowd import timed_runs
from pulses import standing_still
from questions import some_tokens, sweep_question
from record import Trial
from subject import subject
from users import FIRST_UID, User
from wire import Wire

GOAL = "an interactive run while another uid has 1,000 sweeps queued: p99 at most 3 x the idle p99 + 50 ms"
SWEEPS_PER_CONNECTION = 50
SWEEP_TOKENS = 96
# Seconds between an answer and the next run: a person looks before he asks again.
THINKING = 0.005


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sweeps", type=int, default=1000, help="that are kept queued (%(default)s)")
    parser.add_argument("--runs", type=int, default=1000, help="that are timed (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    return _wait(options, options.runs, stands_still=False)


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    return {"a daemon that stands still for 0.5 s four times in five": _wait(options, 40, stands_still=True)}


def _wait(options: argparse.Namespace, runs: int, stands_still: bool) -> Trial:
    trial = Trial()
    room = options.sweeps + 100
    with subject(configuration=f"[quota]\nqueued = {room}\ncalls = {room}\n") as daemon:
        reader = User(FIRST_UID, timed_runs, str(daemon.socket), options.seed, THINKING)
        heavy = User(FIRST_UID + 1, _keep_sweeps_queued, str(daemon.socket), options.seed, options.sweeps)
        try:
            reader.tell(runs)
            idle, failures = reader.hear()
            heavy.tell("go")
            heavy.hear()  # All are in the queue.
            heavy.tell("count")
            before = heavy.hear()
            with standing_still(daemon, 0.5, 0.12) if stands_still else nullcontext():
                reader.tell(runs)
                beside, more = reader.hear(600)
            heavy.tell("count")
            done = heavy.hear() - before
        finally:
            reader.end()
            heavy.end()
    for failure in failures + more:
        trial.violated(failure)
    trial.count("runs", len(idle) + len(beside))
    trial.count("sweeps done beside them", done)
    trial.time("idle", idle)
    trial.time("beside sweeps", beside)
    limit = 3 * trial.figures["idle p99 ms"] + 50
    found = trial.figures["beside sweeps p99 ms"]
    trial.figures["limit ms"] = round(limit, 2)
    trial.expect(found <= limit, f"p99 is {found} ms beside the sweeps; at most {limit:.1f} ms asked")
    trial.expect(done > 0 or stands_still, "no sweep was done beside the runs: they are starved")
    return trial


def _keep_sweeps_queued(pipe: Connection, socket: str, seed: int, sweeps: int) -> None:
    """Keeps so many calls in flight, each with a prompt of its own."""
    chance = random.Random(seed)
    pipe.recv()
    lines = []
    for first in range(0, sweeps, SWEEPS_PER_CONNECTION):
        line = _Line(socket, chance)
        for _ in range(min(SWEEPS_PER_CONNECTION, sweeps - first)):
            line.start()
        lines.append(line)
    pipe.send("queued")
    done = 0
    while True:
        for line in lines:
            done += line.take()
            if pipe.poll():
                pipe.recv()
                pipe.send(done)


class _Line:
    """A connection with many sweeps in flight; each that ends is followed by a new one."""

    def __init__(self, socket: str, chance: random.Random) -> None:
        self._wire = Wire(socket)
        self._chance = chance
        self._last = 0

    def start(self) -> None:
        self._last += 1
        question = sweep_question(some_tokens(self._chance, SWEEP_TOKENS, SWEEP_TOKENS))
        call = StartCall(method=question.method.encode(), request=question.request)
        self._wire.write(encode_frame(ClientFrame(call_id=self._last, start=call)))

    def take(self) -> int:
        """Takes what has come within a moment; how many sweeps ended."""
        self._wire.socket.settimeout(0.002)
        done = 0
        try:
            while True:
                frame = self._wire.read()
                if frame.WhichOneof("body") == "status":
                    assert frame.status.code == StatusCode.OK, frame.status
                    done += 1
                    self._wire.socket.settimeout(60)
                    self.start()
                    self._wire.socket.settimeout(0.002)
        except TimeoutError:
            return done

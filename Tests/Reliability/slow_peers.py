"""A hundred slow readers, silent, half-open and trickling peers beside a user who wants answers."""

from __future__ import annotations

import argparse
import time
from contextlib import nullcontext, suppress
from multiprocessing.connection import Connection

from lensd._proto.common_pb2 import Prompt, TokenPrompt
from lensd._proto.frame_pb2 import ClientFrame, Ping, StartCall
from lensd._proto.inference_pb2 import PassSource, QueryRequest
from lensd.framing import encode_frame

from crowd import timed_runs
from pulses import standing_still
from record import Trial
from subject import subject
from users import FIRST_UID, User
from wire import HELLO, HungUp, Wire

GOAL = "slow readers, silent, half-open, one byte a second: 100 of them; other uids' p99 at most 1.5 x"
MOST = 1.5


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--peers", type=int, default=100, help="(%(default)s)")
    parser.add_argument("--runs", type=int, default=2000, help="that are timed, twice (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    return _beside(options, options.runs, stands_still=False)


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    return {"a daemon that stands still for 0.3 s again and again": _beside(options, 60, stands_still=True)}


def _beside(options: argparse.Namespace, runs: int, stands_still: bool) -> Trial:
    trial = Trial()
    configuration = f"[quota]\nconnections = {options.peers + 10}\n"
    with subject(configuration=configuration) as daemon:
        reader = User(FIRST_UID, timed_runs, str(daemon.socket), options.seed)
        slow = User(FIRST_UID + 1, _be_slow, str(daemon.socket), options.peers)
        try:
            # The first calls warm the daemon up.
            reader.tell(200)
            reader.hear()
            reader.tell(runs)
            alone, failures = reader.hear(300)
            slow.tell("go")
            trial.count("peers", slow.hear())
            with standing_still(daemon, 0.3, 0.1) if stands_still else nullcontext():
                reader.tell(runs)
                beside, more = reader.hear(300)
        finally:
            slow.end()
            reader.end()
        trial.expect(daemon.is_alive, "the daemon ended")
    for failure in failures + more:
        trial.violated(failure)
    trial.count("runs", len(alone) + len(beside))
    trial.time("alone", alone)
    trial.time("beside", beside)
    ratio = trial.figures["beside p99 ms"] / trial.figures["alone p99 ms"]
    trial.figures["p99 ratio"] = round(ratio, 2)
    trial.expect(ratio <= MOST, f"p99 is {ratio:.2f} times that without the slow peers; at most {MOST} asked")
    return trial


def _be_slow(pipe: Connection, socket: str, peers: int) -> None:
    """A quarter of each kind; those that the daemon closes come again."""
    pipe.recv()
    kinds = [_Reader, _Silent, _HalfOpen, _Trickling]
    slow = [kinds[index % len(kinds)](socket) for index in range(peers)]
    pipe.send(len(slow))
    while True:
        for index, peer in enumerate(slow):
            try:
                peer.move()
            except (HungUp, OSError):
                peer.close()
                with suppress(HungUp):
                    slow[index] = type(peer)(socket)
        time.sleep(1)


class _Silent:
    """Says nothing, not even a Hello."""

    def __init__(self, socket: str) -> None:
        self._wire = Wire(socket, greet=False)
        self._wire.socket.settimeout(0.001)

    def move(self) -> None:
        """One second's doing."""
        with suppress(TimeoutError):
            self._wire.read()

    def close(self) -> None:
        self._wire.close()


class _HalfOpen(_Silent):
    """Sends the beginning of a frame and no more."""

    def __init__(self, socket: str) -> None:
        super().__init__(socket)
        self._wire.write(HELLO + b"\0\0")


class _Trickling(_Silent):
    """Sends a byte a second."""

    def __init__(self, socket: str) -> None:
        super().__init__(socket)
        self._wire.write(HELLO)
        self._bytes = encode_frame(ClientFrame(ping=Ping())) * 100

    def move(self) -> None:
        self._wire.write(self._bytes[:1])
        self._bytes = self._bytes[1:]


class _Reader(_Silent):
    """Asks for a megabyte again and again and reads a byte a second."""

    def __init__(self, socket: str) -> None:
        super().__init__(socket)
        prompts = [Prompt(tokens=TokenPrompt(ids=range(200)))]
        request = QueryRequest(prompts=PassSource(prompts=prompts), hook=b"pattern0").SerializeToString()
        self._wire.write(HELLO)
        for number in range(1, 5):
            call = StartCall(method=b"/lens.v1.Inference/Query", request=request)
            self._wire.write(encode_frame(ClientFrame(call_id=number, start=call)))

    def move(self) -> None:
        self._wire.socket.recv(1)

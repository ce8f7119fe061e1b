"""Malformed frames against a live daemon, beside good clients of other users who see nothing of them."""

from __future__ import annotations

import argparse
import random
import time
from multiprocessing.connection import Connection

from lensd._proto.frame_pb2 import ClientFrame
from lensd.errors import StatusCode
from lensd.framing import encode_frame

from good_client import Seen, ask_until_told, expected_answers
from lies import lying
from malformed import REFUSED, LastWords, bad_calls, late_frames
from record import Trial
from subject import Subject, folder
from users import FIRST_UID, User
from wire import HELLO, HungUp, Wire

GOAL = "2,000,000 malformed frames against the live daemon beside 8 good clients, who see nothing"
GOOD_CLIENTS = 8
ATTACKERS = 3
# Attackers report after so many connections.
BURSTS = 50
MOST_CALLS = 16
IDLE_SECONDS = 3.0
# In which a connection has to end or answer.
SECONDS = 30.0


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=2_000_000, help="malformed frames (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Sends so many frames."""
    return _attack(options.count, options.seed, {})


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    return {
        "a socket that changes a byte of one message in fifty": _attack(0, options.seed, lying("flip")),
        "a daemon that dies": _attack(3000, options.seed, {}, dies=True),
    }


def _attack(count: int, seed: int, env: dict[str, str], dies: bool = False) -> Trial:
    trial = Trial()
    with folder() as path:
        daemon = Subject(path)
        users: list[User] = []
        try:
            daemon.begin()
            expected = expected_answers(str(daemon.socket))
            if env:
                daemon.kill()
                daemon.begin(env=env)
            good = [
                User(FIRST_UID + 100 + index, ask_until_told, str(daemon.socket), seed + index, expected)
                for index in range(GOOD_CLIENTS)
            ]
            users += good
            time.sleep(IDLE_SECONDS)
            _collect(trial, good, "good calls, idle")
            begun = time.monotonic()
            attackers = [
                User(FIRST_UID + index, _send_malformed, str(daemon.socket), seed * 1000 + index)
                for index in range(ATTACKERS if count else 0)
            ]
            users += attackers
            before = daemon.resources()
            if dies:
                time.sleep(0.5)
                daemon.kill()
            else:
                _let_attack(trial, attackers, count)
            trial.figures["frames per second"] = round(
                trial.counts.get("malformed frames", 0) / (time.monotonic() - begun)
            )
            _collect(trial, good, "good calls, attacked")
            trial.expect(daemon.is_alive, f"the daemon ended: {daemon.log()[-500:]}")
            if daemon.is_alive:
                after = daemon.resources()
                trial.figures["resident MiB before"] = round(before.resident_bytes / (1 << 20), 1)
                trial.figures["resident MiB after"] = round(after.resident_bytes / (1 << 20), 1)
        finally:
            for user in users:
                user.end()
            daemon.end()
    return trial


def _let_attack(trial: Trial, attackers: list[User], count: int) -> None:
    while attackers and trial.counts.get("malformed frames", 0) < count:
        for attacker in attackers:
            attacker.tell("go")
        for attacker in attackers:
            trial.take(attacker.hear())


def _collect(trial: Trial, good: list[User], what: str) -> None:
    for user in good:
        user.tell("report")
    times = []
    for user in good:
        seen: Seen = user.hear()
        times += seen.times
        for wrong in seen.wrong:
            trial.violated(f"a good client: {wrong}")
    trial.count(what, len(times))
    trial.time(what, times)


# MARK: the attackers' side


def _send_malformed(pipe: Connection, socket: str, seed: int) -> None:
    chance = random.Random(seed)
    calls = bad_calls()
    last = LastWords(chance)
    while True:
        pipe.recv()
        trial = Trial()
        for _ in range(BURSTS):
            try:
                if chance.random() < 0.1:
                    _greet_badly(trial, socket, last)
                else:
                    _burst(trial, socket, chance, calls, last)
            except TimeoutError:
                trial.violated(f"a connection neither ended nor answered within {SECONDS} s")
        pipe.send(trial)


def _greet_badly(trial: Trial, socket: str, last: LastWords) -> None:
    with Wire(socket, greet=False, timeout=SECONDS) as wire:
        _end_with(trial, wire, last.first_words())


def _burst(trial: Trial, socket: str, chance: random.Random, calls: list, last: LastWords) -> None:
    """Calls that are refused one by one, late frames for them, and at last something that may end the connection."""
    with Wire(socket, greet=False, timeout=SECONDS) as wire:
        count = chance.randint(1, MOST_CALLS)
        chosen = [chance.choice(calls).at(call_id) for call_id in range(1, count + 1)]
        wire.write(HELLO + b"".join(chosen))
        waiting = set(range(1, count + 1))
        while waiting:
            frame = wire.read()
            body = frame.WhichOneof("body")
            if body == "status":
                code = StatusCode(frame.status.code)
                if frame.call_id == 0:
                    trial.violated(f"a refused call ended its connection with {code.name}: {frame.status.message!r}")
                    return
                waiting.discard(frame.call_id)
                trial.count(code.name)
                trial.expect(code in REFUSED, f"a bad call ended with {code.name}: {frame.status.message!r}")
        late = [late_frames(chance.randint(1, count)) for _ in range(chance.randint(0, 4))]
        trial.count("malformed frames", count + 4 * len(late))
        # A pong says that everything before it was taken in.
        wire.write(b"".join(late) + encode_frame(ClientFrame(ping={})))
        while wire.read().WhichOneof("body") != "pong":
            pass
        _end_with(trial, wire, last.one(count + 1))


def _end_with(trial: Trial, wire: Wire, data: bytes) -> None:
    trial.count("malformed frames")
    trial.count("connections")
    try:
        wire.write(data)
        wire.end_writing()
        for frame in wire.read_to_end():
            if frame.WhichOneof("body") == "status":
                code = StatusCode(frame.status.code)
                trial.expect(
                    code not in (StatusCode.INTERNAL, StatusCode.UNKNOWN),
                    f"{data[:60].hex()} was answered with {code.name}: {frame.status.message!r}",
                )
    except HungUp:
        pass  # It hung up while we were still sending.

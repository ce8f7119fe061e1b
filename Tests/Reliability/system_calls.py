"""A fault at every system call that writes: the daemon dies there, or the call fails, and nothing is lost."""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lensd.errors import StatusCode

from lies import lying
from record import Trial
from subject import Subject, folder
from tracing import injecting, wait_for_end
from wire import HungUp, Wire
from writes import DATABASE, Answer, Write, run_ids, send, some_write, stored

GOAL = "kill or error at every Nth write/fsync/rename: 0 lost"
SESSION = "calls"
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "rename")
FAULTS = ("kill", "EIO", "ENOSPC")
# A disk that fails is one that the caller may try again; nothing else is said of it.
REFUSALS = {StatusCode.RESOURCE_EXHAUSTED, StatusCode.DATA_LOSS}
WRITES = 4
RETRIES = 8
END_SECONDS = 30
# Frames of SQLite's log from which on it is copied into the database, and bytes of a frame.
CHECKPOINT_FRAMES = 1000
FRAME_BYTES = 4096 + 24


@dataclass
class Beginning:
    """A state folder to start from, and what was acknowledged in it."""

    name: str
    state: Path
    acknowledged: list[tuple[Write, Answer]] = field(default_factory=list)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stride", type=int, default=1, help="take every so manyth point (%(default)s)")
    parser.add_argument("--points", type=int, default=1000, help="at most so many of a kind (%(default)s)")
    parser.add_argument("--calls", default=",".join(CALLS), help="system calls that fail (%(default)s)")
    parser.add_argument("--beginnings", default="nothing,killed,full-log,damaged", help="states to start from")


def run(options: argparse.Namespace) -> Trial:
    """Every call, fault and beginning, point by point until there is none left."""
    trial = Trial()
    with folder() as path:
        for beginning in _beginnings(path, options):
            for call in options.calls.split(","):
                for fault in FAULTS:
                    _sweep(trial, path, beginning, call, fault, options)
    return trial


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    trial = Trial()
    with folder() as path:
        daemon = Subject(path)
        acknowledged: list[tuple[Write, Answer]] = []
        try:
            daemon.begin(env=lying("late"))
            _write_and_retry(trial, "control", daemon, random.Random(options.seed), acknowledged)
            daemon.kill()
            _compare(trial, "control", daemon, acknowledged, [], is_damaged=False)
        finally:
            daemon.end()
    return {"a log whose writes are acknowledged before they are made": trial}


def _sweep(trial: Trial, path: Path, beginning: Beginning, call: str, fault: str, options: argparse.Namespace) -> None:
    for index in range(options.points):
        count = 1 + index * options.stride
        if not _one_point(trial, path, beginning, call, fault, count, options.seed + count):
            return
        trial.count(f"{call} {fault}")
        trial.count("points")


def _beginnings(path: Path, options: argparse.Namespace) -> list[Beginning]:
    makers: dict[str, Callable[[Path, random.Random], Beginning]] = {
        "nothing": lambda at, _: Beginning("nothing", at / "state"),
        "killed": lambda at, chance: _after_writes("killed", at, chance, lambda count, _: count >= WRITES),
        "full-log": lambda at, chance: _after_writes(
            "full-log", at, chance, lambda _, log: log > (CHECKPOINT_FRAMES - 15) * FRAME_BYTES
        ),
        "damaged": _damaged,
    }
    made = []
    for name in options.beginnings.split(","):
        at = path / f"begin-{name}"
        at.mkdir()
        made.append(makers[name](at, random.Random(f"{name} {options.seed}")))
    return made


def _after_writes(name: str, at: Path, chance: random.Random, is_enough: Callable[[int, int], bool]) -> Beginning:
    """What a killed daemon leaves, with so many writes or bytes in its log."""
    daemon = Subject(at)
    beginning = Beginning(name, daemon.state)
    daemon.begin()
    log = daemon.state / f"{DATABASE}-wal"
    with Wire(daemon.socket) as wire:
        while not is_enough(len(beginning.acknowledged), log.stat().st_size):
            write = some_write(chance, SESSION)
            answer, status = send(wire, write)
            assert answer is not None, status
            beginning.acknowledged.append((write, answer))
    daemon.end()
    return beginning


def _damaged(at: Path, chance: random.Random) -> Beginning:
    """A database that no longer is one: it is set aside, and nothing of it may go."""
    beginning = _after_writes("damaged", at, chance, lambda count, _: count >= WRITES)
    file = beginning.state / DATABASE
    # The log alone would do to make a sound one of it.
    for suffix in ("-wal", "-shm"):
        (beginning.state / f"{DATABASE}{suffix}").unlink()
    file.write_bytes(b"not a database, but it may be repaired\n" * 400)
    beginning.acknowledged = []
    return beginning


def _one_point(
    trial: Trial,
    path: Path,
    beginning: Beginning,
    call: str,
    fault: str,
    count: int,
    seed: int,
) -> bool:
    """False where the daemon made no such call so often."""
    what = f"{beginning.name}, {fault} at {call} {count}"
    at = path / "point"
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir()
    daemon = Subject(at)
    if beginning.state.exists():
        shutil.copytree(beginning.state, daemon.state)
    before = _digests(daemon.state)
    acknowledged = list(beginning.acknowledged)
    log = at / "trace"
    chance = random.Random(seed)
    files = [daemon.state, *(daemon.state / (DATABASE + suffix) for suffix in ("", "-wal", "-journal", "-shm"))]
    # Renames and deletions name their files; those of the database's own are all there are.
    named = [] if call in ("rename", "unlink") else files
    daemon.launch(injecting(call, fault, count, log, named))
    try:
        pending: list[Write] = []
        if daemon.wait_ready():
            pending = _write_and_retry(trial, what, daemon, chance, acknowledged)
            _stop(daemon)
        code = daemon.process.returncode if daemon.process else None
        trial.expect(
            fault == "kill" or code is None or code >= 0, f"{what}: ended by signal {code}: {daemon.log()[-300:]}"
        )
        wait_for_end(log)
        if "(INJECTED)" not in log.read_text() and "+++ killed by SIGKILL" not in log.read_text():
            return False
        _compare(trial, what, daemon, acknowledged, pending, is_damaged=beginning.name == "damaged")
        if beginning.name == "damaged":
            after = set(_digests(daemon.state).values())
            trial.expect(before[DATABASE] in after, f"{what}: the damaged database's bytes are gone")
    finally:
        daemon.end()
    return True


def _write_and_retry(
    trial: Trial, what: str, daemon: Subject, chance: random.Random, acknowledged: list[tuple[Write, Answer]]
) -> list[Write]:
    """Writes; what fails is tried again. Returns the write that the daemon's death left open."""
    for _ in range(WRITES):
        write = some_write(chance, SESSION)
        try:
            with Wire(daemon.socket) as wire:
                for _ in range(RETRIES):
                    answer, status = send(wire, write)
                    if answer is not None:
                        acknowledged.append((write, answer))
                        break
                    trial.count("calls refused")
                    code = StatusCode(status.code)
                    text = status.message.decode()
                    trial.expect(code in REFUSALS, f"{what}: ended with {code.name}: {text}")
                else:
                    trial.violated(f"{what}: still {code.name} after {RETRIES} tries: {text}")
        except HungUp:
            return [write]
    return []


def _stop(daemon: Subject) -> None:
    """Asks it to end; closing the store writes too."""
    assert daemon.process is not None
    if daemon.process.poll() is None:
        daemon.process.send_signal(signal.SIGTERM)
        try:
            daemon.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()


def _compare(
    trial: Trial,
    what: str,
    daemon: Subject,
    acknowledged: list[tuple[Write, Answer]],
    pending: list[Write],
    is_damaged: bool,
) -> None:
    """What is on the disk, and what an undisturbed daemon makes of it."""
    verdict, runs = stored(daemon.state, daemon.folder / "aside")
    if not is_damaged:
        trial.expect(verdict == "ok", f"{what}: integrity_check: {verdict}")
        ids = [run_id for each in runs.values() for run_id in each]
        lost = [answer.run_id for _, answer in acknowledged if ids.count(answer.run_id) != 1]
        trial.expect(not lost, f"{what}: acknowledged and not there once: {lost}")
    daemon.launch()
    if not daemon.wait_ready():
        trial.violated(f"{what}: the daemon does not start again: {daemon.log()[-300:]}")
        return
    with Wire(daemon.socket) as wire:
        for write in pending:
            answer, status = send(wire, write)
            trial.expect(answer is not None, f"{what}: the retry ended with {status.message.decode()}")
            if answer is not None:
                acknowledged.append((write, answer))
        listed = run_ids(wire, SESSION)
        wanted = [answer.run_id for _, answer in acknowledged]
        trial.expect(listed == wanted, f"{what}: {len(wanted)} runs were acknowledged, {len(listed)} are listed")
        for write, answer in acknowledged[-WRITES:]:
            again, _ = send(wire, write)
            trial.expect(again == answer, f"{what}: run {answer.run_id} came back different")
            trial.count("answers compared")


def _digests(state: Path) -> dict[str, str]:
    if not state.exists():
        return {}
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in state.iterdir()
        if file.is_file() and file.name.startswith(DATABASE)
    }

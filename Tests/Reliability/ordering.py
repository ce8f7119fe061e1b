"""What a power failure would show: the disk is told to keep each write before its client hears of it."""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from lies import lying
from record import Trial
from subject import Subject, folder
from tracing import recording, wait_for_end
from users import FIRST_UID, User
from wire import Wire
from writes import DATABASE, send, some_write

GOAL = "order of fsync before acknowledgement: 0 violations"
CALLS = "pwrite64,fdatasync,fsync,write,writev,sendmsg,sendto"
# What precedes a page in SQLite's log; the second word is not zero in a transaction's last.
FRAME_HEAD_BYTES = 24

_CALL = re.compile(r"(\d+) +(?:(\w+)\((\d+)|<\.\.\. (\w+) resumed>)(.*)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass
class Event:
    """A system call's beginning or end."""

    call: str
    descriptor: int
    is_begin: bool
    is_end: bool
    data: bytes


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=1000, help="writes (%(default)s)")
    parser.add_argument("--users", type=int, default=4, help="users that write at the same time (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Records so many writes and reads what the kernel was asked for."""
    trial = Trial()
    # strace writes every page down: pieces keep its log small.
    piece = 200
    for begin in range(0, options.count, piece):
        _trace_once(trial, options.seed + begin, min(piece, options.count - begin), options.users, {})
    return trial


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    trial = Trial()
    _trace_once(trial, options.seed, 8, 2, lying("sync"))
    return {"a daemon whose fsync and fdatasync do nothing": trial}


def _trace_once(trial: Trial, seed: int, count: int, user_count: int, env: dict[str, str]) -> None:
    with folder() as path:
        daemon = Subject(path)
        log = path / "trace"
        users: list[User] = []
        try:
            daemon.begin(recording(CALLS, log), env)
            assert daemon.process is not None
            files = _open_files(daemon.process.pid)
            descriptor = next(number for number, target in files.items() if target.endswith(f"{DATABASE}-wal"))
            for index in range(user_count):
                users.append(User(FIRST_UID + index, _write, str(daemon.socket), seed + index, count // user_count))
            run_ids = [run_id for user in users for run_id in user.hear()]
            daemon.stop()
            wait_for_end(log)
            _check(trial, list(_events(log)), descriptor, run_ids)
        finally:
            for user in users:
                user.end()
            daemon.end()


def _write(pipe: Connection, socket: str, seed: int, count: int) -> None:
    chance = random.Random(seed)
    with Wire(socket) as wire:
        ids = []
        for _ in range(count):
            answer, status = send(wire, some_write(chance, "order"))
            assert answer is not None, status
            ids.append(answer.run_id)
    pipe.send(ids)


def _check(trial: Trial, events: list[Event], log: int, run_ids: list[str]) -> None:
    for run_id in run_ids:
        trial.count("acknowledged writes")
        written = _holding(events, bytes.fromhex(run_id), lambda event: _is_log_write(event, log))
        told = _holding(events, run_id.encode(), lambda event: event.descriptor != log and event.is_begin)
        if written is None or told is None:
            trial.violated(f"run {run_id}: its {'page' if written is None else 'acknowledgement'} is not in the trace")
            continue
        # The transaction's last frame, then the disk is told, then that returns, then the client hears. A frame's head
        # is written before its page.
        head = max((index for index in range(written) if _is_log_write(events[index], log)), default=written)
        committed = _first(events, head, lambda event: _is_log_write(event, log) and _is_commit(event.data))
        begun = _first(events, (committed or written) + 1, lambda event: _is_sync(event, log) and event.is_begin)
        kept = None if begun is None else _first(events, begun, lambda event: _is_sync(event, log) and event.is_end)
        trial.expect(
            committed is not None and kept is not None and kept < told,
            f"run {run_id} was acknowledged at event {told}, committed at {committed}, on the disk at {kept}",
        )


def _is_log_write(event: Event, log: int) -> bool:
    return event.call == "pwrite64" and event.descriptor == log and event.is_begin


def _is_commit(data: bytes) -> bool:
    return len(data) >= FRAME_HEAD_BYTES and len(data) < 4096 and data[4:8] != bytes(4)


def _is_sync(event: Event, log: int) -> bool:
    return event.call in ("fdatasync", "fsync") and event.descriptor == log


def _holding(events: list[Event], data: bytes, is_wanted: Callable[[Event], bool]) -> int | None:
    return _first(events, 0, lambda event: is_wanted(event) and data in event.data)


def _first(events: list[Event], begin: int, is_wanted: Callable[[Event], bool]) -> int | None:
    return next((index for index in range(begin, len(events)) if is_wanted(events[index])), None)


def _events(log: Path) -> Iterator[Event]:
    """The calls in the order in which they began and ended."""
    open_calls: dict[str, Event] = {}
    with log.open() as lines:
        for line in lines:
            if (match := _CALL.match(line)) is None:
                continue
            thread, call, descriptor, resumed, rest = match.groups()
            if resumed:
                begun = open_calls.pop(thread, None)
                if begun is not None:
                    yield Event(begun.call, begun.descriptor, False, True, begun.data)
                continue
            data = b"".join(bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(rest))
            event = Event(call, int(descriptor), True, "<unfinished" not in rest, data)
            if not event.is_end:
                open_calls[thread] = event
            yield event


def _open_files(process: int) -> dict[int, str]:
    folder = Path("/proc", str(process), "fd")
    return {int(number): os.readlink(folder / number) for number in os.listdir(folder)}

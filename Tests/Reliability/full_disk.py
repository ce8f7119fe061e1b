"""A full disk, at every point: the call says so, the daemon lives, and goes on by itself when there is room again."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lensd._proto.common_pb2 import Prompt, TokenPrompt
from lensd._proto.run_pb2 import RunRequest
from lensd.errors import StatusCode

from lies import lying
from record import Trial
from subject import Subject, folder
from wire import HungUp, Wire
from writes import RUN, Answer, Write, run_ids, send, some_write, stored

GOAL = "disk full on a small tmpfs, at every point: right status, daemon alive, recovers by itself"
DISK_BYTES = 4 << 20
PAGE = 4096
SESSION = "full"
MOST_WRITES = 400
UNRECORDED = RunRequest(prompts=[Prompt(tokens=TokenPrompt(ids=[1, 2, 3]))], unrecorded=True)
REFUSED_START = 1


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pages", type=int, default=120, help="free pages that are tried, from none on (%(default)s)")
    parser.add_argument("--stride", type=int, default=1, help="every so manyth number of them (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Leaves so many pages free, to a running daemon and to one that starts."""
    trial = Trial()
    for pages in range(0, options.pages, options.stride):
        _fill_running(trial, pages, options.seed + pages, {})
        _fill_stopped(trial, pages, options.seed + pages, is_first=False)
        _fill_stopped(trial, pages, options.seed + pages, is_first=True)
        trial.count("points", 3)
    return trial


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    trial = Trial()
    _fill_running(trial, 8, options.seed, lying("full"))
    return {"a disk that is full and says that it wrote": trial}


def _fill_running(trial: Trial, pages: int, seed: int, env: dict[str, str]) -> None:
    """The disk fills up under a daemon that has written before."""
    what = f"{pages} pages left to a running daemon"
    chance = random.Random(seed)
    with folder() as path, _disk(path / "disk") as disk:
        daemon = Subject(path, state=disk / "state")
        try:
            daemon.begin(env=env)
            acknowledged: list[tuple[Write, Answer]] = []
            with Wire(daemon.socket) as wire:
                _write(trial, what, wire, chance, 3, acknowledged)
                ballast = _leave(disk, pages)
                refused = _write_until_refused(trial, what, wire, chance, acknowledged)
                _expect_alive(trial, what, wire, acknowledged)
                ballast.unlink()
                _expect_recovery(trial, what, wire, chance, refused, acknowledged)
            daemon.kill()
            _expect_kept(trial, what, daemon, acknowledged)
        except (HungUp, AssertionError) as error:
            trial.violated(f"{what}: {error}: {daemon.log()[-300:]}")
        finally:
            daemon.end()


def _fill_stopped(trial: Trial, pages: int, seed: int, is_first: bool) -> None:
    """A daemon starts on a disk that is nearly full: it serves what it can, or says why it does not."""
    what = f"{pages} pages left to a daemon that starts{' for the first time' if is_first else ''}"
    chance = random.Random(seed)
    with folder() as path, _disk(path / "disk") as disk:
        daemon = Subject(path, state=disk / "state")
        try:
            acknowledged: list[tuple[Write, Answer]] = []
            if not is_first:
                daemon.begin()
                with Wire(daemon.socket) as wire:
                    _write(trial, what, wire, chance, 3, acknowledged)
                daemon.kill()
            ballast = _leave(disk, pages)
            daemon.launch()
            if daemon.wait_ready():
                trial.count("starts that served")
                with Wire(daemon.socket) as wire:
                    refused = _write_until_refused(trial, what, wire, chance, acknowledged)
                    _expect_alive(trial, what, wire, acknowledged)
                    ballast.unlink()
                    _expect_recovery(trial, what, wire, chance, refused, acknowledged)
            else:
                trial.count("starts that were refused")
                code = daemon.process.returncode if daemon.process else None
                trial.expect(code == REFUSED_START, f"{what}: the start ended with {code}: {daemon.log()[-300:]}")
                ballast.unlink()
                daemon.begin()
            daemon.kill()
            _expect_kept(trial, what, daemon, acknowledged)
        except (HungUp, AssertionError) as error:
            trial.violated(f"{what}: {error}: {daemon.log()[-300:]}")
        finally:
            daemon.end()


def _write(
    trial: Trial, what: str, wire: Wire, chance: random.Random, count: int, acknowledged: list[tuple[Write, Answer]]
) -> None:
    for _ in range(count):
        write = some_write(chance, SESSION)
        answer, status = send(wire, write)
        if answer is None:
            trial.violated(f"{what}: ended with {StatusCode(status.code).name}: {status.message.decode()}")
        else:
            acknowledged.append((write, answer))


def _write_until_refused(
    trial: Trial, what: str, wire: Wire, chance: random.Random, acknowledged: list[tuple[Write, Answer]]
) -> Write | None:
    """Writes until there is no room; the write that there was none for."""
    for _ in range(MOST_WRITES):
        write = some_write(chance, SESSION)
        answer, status = send(wire, write)
        if answer is None:
            code = StatusCode(status.code)
            text = status.message.decode()
            trial.expect(code == StatusCode.RESOURCE_EXHAUSTED, f"{what}: ended with {code.name}: {text}")
            trial.count("calls refused")
            return write
        acknowledged.append((write, answer))
    trial.violated(f"{what}: {MOST_WRITES} writes and the disk is not full")
    return None


def _expect_alive(trial: Trial, what: str, wire: Wire, acknowledged: list[tuple[Write, Answer]]) -> None:
    """With no room left: runs that are not recorded work, and so does reading."""
    _, status = wire.call(RUN, UNRECORDED)
    trial.expect(status.code == StatusCode.OK, f"{what}: an unrecorded run ended with {status.message.decode()}")
    listed = run_ids(wire, SESSION)
    wanted = [answer.run_id for _, answer in acknowledged]
    trial.expect(listed == wanted, f"{what}: {len(wanted)} runs were acknowledged, {len(listed)} are listed")
    for write, answer in acknowledged[-1:]:
        again, status = send(wire, write)
        trial.expect(again == answer, f"{what}: reading a run back ended with {status.message.decode()}")


def _expect_recovery(
    trial: Trial,
    what: str,
    wire: Wire,
    chance: random.Random,
    refused: Write | None,
    acknowledged: list[tuple[Write, Answer]],
) -> None:
    """With room again what was refused is taken at its first try, on the same connection."""
    if refused is not None:
        answer, status = send(wire, refused)
        if answer is None:
            trial.violated(f"{what}: with room again the retry ended with {status.message.decode()}")
        else:
            acknowledged.append((refused, answer))
            trial.count("recoveries")
    _write(trial, what, wire, chance, 2, acknowledged)


def _expect_kept(trial: Trial, what: str, daemon: Subject, acknowledged: list[tuple[Write, Answer]]) -> None:
    """After `kill -9` everything acknowledged is on the disk, and a new daemon lists it."""
    verdict, runs = stored(daemon.state, daemon.folder / "aside")
    trial.expect(verdict == "ok", f"{what}: integrity_check: {verdict}")
    ids = [run_id for each in runs.values() for run_id in each]
    lost = [answer.run_id for _, answer in acknowledged if ids.count(answer.run_id) != 1]
    trial.expect(not lost, f"{what}: acknowledged and not there once: {lost[:3]}")
    trial.count("acknowledged writes", len(acknowledged))
    daemon.begin()
    with Wire(daemon.socket) as wire:
        trial.expect(run_ids(wire, SESSION) == [answer.run_id for _, answer in acknowledged], f"{what}: lists differ")


@contextmanager
def _disk(path: Path) -> Iterator[Path]:
    """A small disk in memory, which only root may mount."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0755", "lensd-test", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def may_mount() -> bool:
    """Whether disks can be made here."""
    try:
        with folder() as path, _disk(path / "disk"):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _leave(disk: Path, pages: int) -> Path:
    """Fills the disk up to so many free pages; removing the file that is returned makes room again."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        while shutil.disk_usage(disk).free > pages * PAGE:
            file.write(bytes(PAGE))
            file.flush()
            if file.tell() > DISK_BYTES:
                raise AssertionError("the disk does not fill up")
    # What is free is what was asked for: the last page was taken whole.
    assert os.statvfs(disk).f_bavail <= pages
    return ballast

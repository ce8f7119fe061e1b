"""Daemons under strace: what they ask of the kernel, and calls that fail because they are told to."""

from __future__ import annotations

import functools
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


@functools.cache
def may_trace() -> bool:
    """Whether strace is there and allowed."""
    strace = shutil.which("strace")
    return (
        strace is not None and subprocess.run([strace, "-qq", "true"], capture_output=True, check=False).returncode == 0
    )


def injecting(calls: str, fault: str, count: int, log: Path, files: Sequence[Path] = ()) -> list[str]:
    """A prefix under which the given call fails, or ends the process, the given time it is made (thread by thread).

    `fault` is an errno's name, or "kill". With `files` only calls on those count. Lines of injected calls end with
    "(INJECTED)" in the log.
    """
    effect = "signal=SIGKILL" if fault == "kill" else f"error={fault}"
    paths = [f"--trace-path={file}" for file in files]
    # strace 6.1 forgets to send signals where a filter of the kernel's chooses the calls.
    quick = [] if fault == "kill" else ["--seccomp-bpf"]
    return [*_strace(log), *quick, f"--trace={calls}", *paths, f"--inject={calls}:{effect}:when={count}"]


def recording(calls: str, log: Path) -> list[str]:
    """A prefix that writes down the given calls with everything they read and write, in hexadecimal."""
    return [*_strace(log), "--seccomp-bpf", f"--trace={calls}", "-xx", "--string-limit=200000"]


def _strace(log: Path) -> list[str]:
    # -D: the daemon itself is our child, and strace its child's.
    return ["strace", "-D", "-f", "--quiet=attach,personality,superseded", "-o", str(log)]


def wait_for_end(log: Path) -> None:
    """strace outlives the daemon by a moment; its last line says how that ended."""
    give_up_at = time.monotonic() + 10
    while time.monotonic() < give_up_at:
        if log.exists() and log.stat().st_size > 0:
            with log.open("rb") as lines:
                lines.seek(max(0, log.stat().st_size - 40))
                if b"+++" in lines.read():
                    return
        time.sleep(0.005)

"""A lensd of the tests' own: the real binary, a socket and a state folder that nobody else uses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import lensd

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests" / "Fixtures"
BINARY = Path(os.environ.get("LENSD_BINARY", ROOT / ".build" / "release" / "lensd"))
# A small random GPT-Neo with one layer of 16 heads.
TINY = FIXTURES / "gpt-neo-1l-16h"
READY_SECONDS = 30
STOP_SECONDS = 30
# What would lead a daemon away from the test's own folder.
PLACES = ("LENSD_SOCKET", "LENSD_STATE", "LENSD_MODELS", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "NOTIFY_SOCKET")
SERVICE = ("WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "JOURNAL_STREAM", "LENSD_LOG")


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The tests' environment without what names a daemon's places."""
    return {key: value for key, value in os.environ.items() if key not in PLACES + SERVICE} | dict(extra or {})


class Daemon:
    """One daemon's places and its process; `start` may be called again after `kill` or `stop`."""

    def __init__(self, folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.socket = folder / "lensd.sock"
        self.state = folder / "state"
        self.log_file = folder / "log"
        self.binary = BINARY
        self.arguments = arguments or ("--model", f"tiny={TINY}")
        self.env = environment(env)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        return [str(self.binary), "--socket", str(self.socket), "--state", str(self.state), *self.arguments]

    def start(self, prefix: Sequence[str] = ()) -> Daemon:
        """Starts it and waits until it accepts calls."""
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen([*prefix, *self.command], stdout=log, stderr=log, env=self.env)
        give_up_at = time.monotonic() + READY_SECONDS
        while " ready" not in self.log():
            assert self.process.poll() is None, f"lensd ended with {self.process.returncode}: {self.log()}"
            assert time.monotonic() < give_up_at, f"lensd was not ready within {READY_SECONDS} s: {self.log()}"
            time.sleep(0.005)
        return self

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end and returns its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(by)
        return self.process.wait(STOP_SECONDS)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def connect(self, session: str | None = None) -> lensd.Client:
        return lensd.connect(self.socket, session=session, retry=None)


def refusal(*arguments: str, env: Mapping[str, str] | None = None, binary: Path = BINARY) -> tuple[int, str]:
    """Runs a daemon that should not start; returns its exit status and what it says, which must be one message."""
    done = subprocess.run(
        [binary, *arguments], capture_output=True, text=True, timeout=READY_SECONDS, env=environment(env)
    )
    assert " ready" not in done.stderr
    assert done.stdout == ""
    assert "Fatal error" not in done.stderr
    return done.returncode, done.stderr


def copy_model(to: Path, source: Path = TINY) -> Path:
    """A model folder that a test may spoil."""
    to.mkdir()
    for file in source.iterdir():
        if not file.name.startswith("reference"):
            shutil.copyfile(file, to / file.name)
    return to

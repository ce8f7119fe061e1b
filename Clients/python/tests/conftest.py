"""A private daemon for the tests that are marked `daemon`."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from reference import FIXTURES, ROOT

import lensd

READY_SECONDS = 30
# The name under which each checkpoint is served; the first is the default model.
MODELS = {
    "tiny": "gpt-neo-1l-16h",
    "local": "gpt-neo-3l-local",
    "f16": "gpt-neo-2l-f16",
    "bf16": "gpt-neo-2l-bf16",
    "untied": "gpt-neo-1l-untied",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"daemon", "own_daemon"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.daemon)


class Daemon:
    """A lensd of the tests' own, in a folder of its own."""

    def __init__(self, folder: Path, models: Mapping[str, str | Path] = MODELS) -> None:
        binary = Path(os.environ.get("LENSD_BINARY", ROOT / ".build" / "release" / "lensd"))
        if not binary.exists():
            pytest.fail(f"{binary} is missing: swift build -c release, or set LENSD_BINARY, or run -m 'not daemon'")
        self.folder = folder
        self.socket = str(folder / "lensd.sock")
        served = [option for name, at in models.items() for option in ("--model", f"{name}={FIXTURES / at}")]
        self._command = [str(binary), "--socket", self.socket, "--state", str(folder / "state"), *served]
        self.process = self._start()

    def restart(self) -> None:
        self.process = self._start()

    def kill(self) -> None:
        """Ends the daemon at once, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(10) == 0, self.log()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(self._command, stdout=log, stderr=log)
        give_up_at = time.monotonic() + READY_SECONDS
        while "ready" not in self.log():
            if process.poll() is not None:
                pytest.fail(f"lensd ended with {process.returncode} before it was ready: {self.log()}")
            if time.monotonic() > give_up_at:
                process.kill()
                pytest.fail(f"lensd was not ready within {READY_SECONDS} s: {self.log()}")
            time.sleep(0.01)
        return process


@contextmanager
def serving(models: Mapping[str, Path]) -> Iterator[lensd.Client]:
    """A client of a daemon of its own that serves these models."""
    # A socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="lensd-") as folder:
        daemon = Daemon(Path(folder), models)
        try:
            with lensd.connect(daemon.socket) as client:
                yield client
        finally:
            daemon.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a scripted server may listen."""
    return tmp_path / "s"


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    """The daemon that all tests share."""
    with tempfile.TemporaryDirectory(prefix="lensd-test-") as folder:
        running = Daemon(Path(folder))
        yield running
        running.stop()


@pytest.fixture
def own_daemon() -> Iterator[Daemon]:
    """A daemon that a test may kill."""
    with tempfile.TemporaryDirectory(prefix="lensd-test-") as folder:
        running = Daemon(Path(folder))
        yield running
        running.stop()


@pytest.fixture
def client(daemon: Daemon) -> Iterator[lensd.Client]:
    with lensd.connect(daemon.socket) as connected:
        yield connected


@pytest.fixture
def model(client: lensd.Client) -> lensd.Model:
    return client.model("tiny")

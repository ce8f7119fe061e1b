"""Daemons for end-to-end tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import BINARY, Daemon


def pytest_configure() -> None:
    if not BINARY.exists():
        raise pytest.UsageError(f"{BINARY} is missing: swift build -c release, or set LENSD_BINARY")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="lensd-e2e-") as path:
        yield Path(path)


@pytest.fixture
def stopped(folder: Path) -> Iterator[Daemon]:
    """A daemon that the test starts, and that is gone afterwards."""
    daemon = Daemon(folder)
    yield daemon
    if daemon.process is not None and daemon.process.poll() is None:
        daemon.kill()


@pytest.fixture
def daemon(stopped: Daemon) -> Daemon:
    """A daemon of the test's own that accepts calls."""
    return stopped.start()


@pytest.fixture(scope="module")
def shared() -> Iterator[Daemon]:
    """One daemon for the tests of a module that do it no harm."""
    with tempfile.TemporaryDirectory(prefix="lensd-e2e-") as path:
        daemon = Daemon(Path(path)).start()
        yield daemon
        assert daemon.stop() == 0, daemon.log()

"""The daemon under test: open to every user, quick to start, and looked at from outside."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon import READY_SECONDS, Daemon

# Nothing is proven of a user's separation where root alone asks.
IS_ROOT = os.geteuid() == 0


@dataclass(frozen=True)
class Resources:
    """What a process holds at a moment."""

    descriptors: int
    threads: int
    resident_bytes: int


class Subject(Daemon):
    """A daemon with the embedded model and a socket for everybody."""

    def __init__(self, folder: Path, *arguments: str, state: Path | None = None, configuration: str = "") -> None:
        super().__init__(folder, *arguments)
        folder.chmod(0o755)
        file = folder / "lensd.toml"
        file.write_text('socket_mode = "0666"\n' + configuration)
        file.chmod(0o644)
        self.arguments = ("--config", str(file), *arguments)
        self.state = state or self.state
        self._notices: socket.socket | None = None

    def launch(self, prefix: Sequence[str] = (), env: Mapping[str, str] | None = None) -> None:
        """Starts it and does not wait."""
        path = self.folder / "notify"
        path.unlink(missing_ok=True)
        if self._notices is not None:
            self._notices.close()
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(path))
        path.chmod(0o666)
        with self.log_file.open("wb") as log:
            env = self.env | {"NOTIFY_SOCKET": str(path), **(env or {})}
            self.process = subprocess.Popen([*prefix, *self.command], stdout=log, stderr=log, env=env)

    def wait_ready(self, seconds: float = READY_SECONDS) -> bool:
        """Waits until it accepts calls; false where it ends instead. Raises `TimeoutError`."""
        assert self.process is not None
        assert self._notices is not None
        ended = os.pidfd_open(self.process.pid)
        give_up_at = time.monotonic() + seconds
        try:
            while time.monotonic() < give_up_at:
                ready, _, _ = select.select([self._notices, ended], [], [], give_up_at - time.monotonic())
                if self._notices in ready and b"READY=1" in self._notices.recv(4096):
                    return True
                if ended in ready:
                    self.process.wait()
                    return False
        finally:
            os.close(ended)
        raise TimeoutError(f"lensd was not ready within {seconds} s: {self.log()}")

    def begin(self, prefix: Sequence[str] = (), env: Mapping[str, str] | None = None) -> Subject:
        """Starts it and waits until it accepts calls."""
        self.launch(prefix, env)
        assert self.wait_ready(), f"lensd ended: {self.log()}"
        return self

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Ends it however it can be ended."""
        if self.is_alive:
            self.kill()
        if self._notices is not None:
            self._notices.close()
            self._notices = None

    def resources(self) -> Resources:
        """What it holds now."""
        assert self.process is not None
        place = Path("/proc", str(self.process.pid))
        fields = (place / "statm").read_text().split()
        return Resources(
            descriptors=len(os.listdir(place / "fd")),
            threads=len(os.listdir(place / "task")),
            resident_bytes=int(fields[1]) * os.sysconf("SC_PAGE_SIZE"),
        )


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that every user may enter, with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="lensd-r-") as path:
        os.chmod(path, 0o755)
        yield Path(path)


@contextmanager
def subject(*arguments: str, configuration: str = "", env: Mapping[str, str] | None = None) -> Iterator[Subject]:
    """A daemon that accepts calls, gone afterwards."""
    with folder() as path:
        daemon = Subject(path, *arguments, configuration=configuration)
        try:
            yield daemon.begin(env=env)
        finally:
            daemon.end()

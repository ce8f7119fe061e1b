"""lensd under a service manager: the socket it is handed, what it tells, the watchdog, reloading."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import lensd
import pytest

from daemon import BINARY, TINY, Daemon, environment

# Hands a listening socket over as systemd does: as descriptor 3, named for the very process.
HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ |= {"LISTEN_FDS": sys.argv[2], "LISTEN_PID": sys.argv[3] or str(os.getpid())}
os.execv(sys.argv[4], sys.argv[4:])
"""


class Manager:
    """What a daemon tells on its notification socket."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))

    def next(self, timeout: float = 20) -> dict[str, str]:
        """The next message's assignments."""
        self.socket.settimeout(timeout)
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def until(self, name: str) -> dict[str, str]:
        """The first message that assigns this."""
        while name not in (message := self.next()):
            pass
        return message

    def count(self, name: str, seconds: float) -> int:
        """How many messages assign this within a time."""
        give_up_at = time.monotonic() + seconds
        found = 0
        while (left := give_up_at - time.monotonic()) > 0:
            try:
                found += name in self.next(left)
            except TimeoutError:
                break
        return found


@pytest.fixture
def manager(folder: Path, stopped: Daemon) -> Iterator[Manager]:
    manager = Manager(folder)
    stopped.env["NOTIFY_SOCKET"] = str(manager.path)
    yield manager
    manager.socket.close()


@pytest.fixture
def configured(folder: Path, stopped: Daemon) -> Path:
    """The configuration file of the stopped daemon."""
    file = folder / "lensd.toml"
    write(file)
    stopped.arguments = ("--config", str(file))
    return file


def write(file: Path, text: str = "", models: str = f'[[model]]\nname = "tiny"\npath = "{TINY}"\n') -> None:
    file.write_text(text + "\n" + models)
    file.chmod(0o600)


def listening(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX, kind)
    bound.bind(str(path))
    if kind == socket.SOCK_STREAM:
        bound.listen(8)
    return bound


def activated(daemon: Daemon, handed: socket.socket | IO[str], count: str = "1", pid: str = "") -> Daemon:
    """Starts a daemon that is handed the socket, by default as its own."""
    os.set_inheritable(handed.fileno(), True)
    with daemon.log_file.open("wb") as log:
        daemon.process = subprocess.Popen(
            [sys.executable, "-c", HAND_OVER, str(handed.fileno()), count, pid, *daemon.command],
            stdout=log, stderr=log, env=daemon.env, pass_fds=[handed.fileno()],
        )  # fmt: skip
    return daemon


def said(daemon: Daemon, text: str, times: int = 1) -> None:
    """Waits until the log says it so often."""
    give_up_at = time.monotonic() + 20
    while daemon.log().count(text) < times:
        assert time.monotonic() < give_up_at, daemon.log()
        time.sleep(0.01)


# Socket activation.


def test_a_handed_socket_is_served_and_left(folder: Path, stopped: Daemon) -> None:
    with listening(folder / "given.sock") as given:
        # A client is there before the daemon, which does not look at the path it was told.
        stopped.socket = folder / "given.sock"
        early = socket.socket(socket.AF_UNIX)
        early.connect(str(stopped.socket))
        activated(stopped, given)
        with stopped.connect() as client:
            assert client.status().process_id == stopped.process.pid
            assert client.status().connections >= 1
        early.close()
        ready = next(line for line in stopped.log().splitlines() if "ready" in line)
        assert str(stopped.socket) in ready
        assert stopped.stop() == 0
        assert stopped.socket.is_socket()
        # The next one takes it up where the first left it; who comes in between waits.
        between = socket.socket(socket.AF_UNIX)
        between.connect(str(stopped.socket))
        activated(stopped, given)
        with stopped.connect() as client:
            client.status()
        between.close()
        assert stopped.stop() == 0


def test_the_handed_socket_wins_over_the_flag(folder: Path, stopped: Daemon) -> None:
    with listening(folder / "given.sock") as given:
        activated(stopped, given)
        said(stopped, " ready")
        assert not stopped.socket.exists()
        with lensd.connect(folder / "given.sock") as client:
            assert client.status().process_id == stopped.process.pid
        assert stopped.stop() == 0


def test_a_socket_for_another_process_is_not_taken(folder: Path, stopped: Daemon) -> None:
    with listening(folder / "given.sock") as given:
        activated(stopped, given, pid="1")
        said(stopped, " ready")
        with stopped.connect() as client:
            client.status()
        assert stopped.stop() == 0
        assert not stopped.socket.exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("two", "takes over one socket; LISTEN_FDS says 2"),
        ("file", "it is no socket"),
        ("datagram", "it is not a stream socket"),
        ("silent", "it is not listening"),
        ("tcp", "it is not of the family AF_UNIX"),
    ],
)
def test_what_is_no_listening_socket_is_refused(folder: Path, stopped: Daemon, kind: str, message: str) -> None:
    path = folder / "given.sock"
    handed: socket.socket | IO[str]
    if kind == "file":
        handed = path.open("w")
    elif kind == "datagram":
        handed = listening(path, socket.SOCK_DGRAM)
    elif kind == "tcp":
        handed = socket.create_server(("127.0.0.1", 0))
    else:
        handed = socket.socket(socket.AF_UNIX)
        handed.bind(str(path))
        if kind == "two":
            handed.listen()
    with handed:
        activated(stopped, handed, count="2" if kind == "two" else "1")
    assert stopped.process.wait(20) == 64
    assert message in stopped.log()


# Notifications.


def test_the_watchdog_is_fed_while_the_daemon_gets_on(manager: Manager, stopped: Daemon) -> None:
    stopped.env["WATCHDOG_USEC"] = "400000"
    stopped.start()
    manager.until("READY")
    assert 3 <= manager.count("WATCHDOG", 1) <= 15
    # A daemon that hangs is not vouched for.
    stopped.process.send_signal(signal.SIGSTOP)
    manager.count("WATCHDOG", 0.1)
    assert manager.count("WATCHDOG", 0.6) == 0
    stopped.process.send_signal(signal.SIGCONT)
    assert manager.until("WATCHDOG") == {"WATCHDOG": "1"}
    assert stopped.stop() == 0


def test_the_watchdog_of_another_process_is_not_fed(manager: Manager, stopped: Daemon) -> None:
    stopped.env |= {"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}
    stopped.start()
    manager.until("READY")
    assert manager.count("WATCHDOG", 0.5) == 0
    assert stopped.stop() == 0


@pytest.mark.usefixtures("configured")
def test_reloading_is_told_with_its_time(manager: Manager, stopped: Daemon) -> None:
    stopped.start()
    manager.until("READY")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    stopped.process.send_signal(signal.SIGHUP)
    told = manager.next()
    assert told["RELOADING"] == "1"
    assert before <= int(told["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert manager.next()["READY"] == "1"
    assert stopped.stop() == 0
    assert "STOPPING" in manager.next()


# SIGHUP.


def test_a_reload_changes_quotas_and_the_log(stopped: Daemon, configured: Path) -> None:
    write(configured, "[quota]\nconnections = 3")
    stopped.start()
    with stopped.connect() as first, stopped.connect() as second, stopped.connect():
        first.status()
        assert second.status().quota.connections == 3
        with pytest.raises(lensd.ResourceExhausted, match="may have 3 connections"):
            stopped.connect().status()
        write(configured, 'log = "json"\nlog_level = "debug"\nthreads = 1\n[quota]\nconnections = 4\nsessions = 5')
        stopped.process.send_signal(signal.SIGHUP)
        said(stopped, "takes effect when lensd is restarted")
        with stopped.connect() as fourth:
            quota = fourth.status().quota
            assert (quota.connections, quota.sessions) == (4, 5)
    log = stopped.log()
    assert '"message":"the configuration was read again","changed":"log,quota"' in log
    assert '"keys":"threads"' in log
    assert stopped.stop() == 0


@pytest.mark.parametrize("broken", ["thraeds = 3", "quota = [", "[quota]\nconnections = 'many'"])
def test_a_broken_configuration_changes_nothing(stopped: Daemon, configured: Path, broken: str) -> None:
    write(configured, "[quota]\nconnections = 3")
    stopped.start()
    write(configured, broken)
    stopped.process.send_signal(signal.SIGHUP)
    said(stopped, "all stays as it was")
    assert "lensd.toml:" in stopped.log()
    with stopped.connect() as client:
        assert client.status().quota.connections == 3
        assert client.models() == ["tiny"]
    write(configured, "[quota]\nconnections = 5")
    stopped.process.send_signal(signal.SIGHUP)
    said(stopped, "changed=quota")
    with stopped.connect() as client:
        assert client.status().quota.connections == 5
    assert stopped.stop() == 0


def test_a_reload_brings_and_takes_models(stopped: Daemon, configured: Path) -> None:
    def models(*names: str) -> str:
        return "".join(f'[[model]]\nname = "{name}"\npath = "{TINY}"\n' for name in names)

    write(configured, models=models("a", "b"))
    stopped.start()
    with stopped.connect() as client:
        old = client.model("a")
        expected = float(old("Once upon a time", return_type="loss"))
        write(configured, models=models("c", "b"))
        stopped.process.send_signal(signal.SIGHUP)
        said(stopped, "changed=models")
        assert sorted(state.name for state in client.model_states()) == ["b", "c"]
        assert float(client.model()("Once upon a time", return_type="loss")) == pytest.approx(expected)
        assert client.model().name == "c"
        with pytest.raises(lensd.NotFound):
            old("Once upon a time", return_type="loss")
        write(configured, models=models("c") + '[[model]]\nname = "bad"\npath = "/nowhere"\n')
        stopped.process.send_signal(signal.SIGHUP)
        said(stopped, "the model 'bad' of the configuration cannot be served")
        assert float(client.model("c")("Once upon a time", return_type="loss")) == pytest.approx(expected)
    assert stopped.stop() == 0


def test_lensctl_reload(stopped: Daemon, configured: Path) -> None:
    stopped.start()
    write(configured, "[quota]\nsessions = 6")
    told = subprocess.run(
        [BINARY.parent / "lensctl", "--socket", stopped.socket, "reload"],
        capture_output=True, text=True, timeout=20, env=environment(), check=True,
    )  # fmt: skip
    assert told.stdout.startswith(f"process {stopped.process.pid} reads its configuration again")
    said(stopped, "changed=quota")
    with stopped.connect() as client:
        assert client.status().quota.sessions == 6
    assert stopped.stop() == 0


def test_the_watchdog_is_fed_under_load(manager: Manager, stopped: Daemon) -> None:
    stopped.env["WATCHDOG_USEC"] = "800000"
    stopped.start()
    manager.until("READY")
    end = time.monotonic() + 2

    def work(number: int) -> None:
        with stopped.connect() as client:
            model = client.model()
            for step in itertools.count():
                if time.monotonic() > end:
                    return
                # Another question each time: what was asked before is not computed again.
                model.sweep([[number * 90 + step % 90 + 1, step // 90 + 1, 2, 3]], lensd.zero("z0"), "head")

    workers = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    assert manager.count("WATCHDOG", 2) >= 5
    for worker in workers:
        worker.join()
    assert stopped.stop() == 0


def test_a_hangup_without_a_configuration_is_survived(daemon: Daemon) -> None:
    daemon.process.send_signal(signal.SIGHUP)
    said(daemon, "changed=nothing")
    with daemon.connect() as client:
        client.status()
    assert daemon.stop() == 0

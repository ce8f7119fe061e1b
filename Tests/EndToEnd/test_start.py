"""How a daemon starts, where, and what turns it away."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
from pathlib import Path

import lensd
import pytest

from daemon import BINARY, ROOT, TINY, Daemon, environment, refusal


def test_ready_serve_stop(daemon: Daemon) -> None:
    ready = [line for line in daemon.log().splitlines() if "ready" in line]
    assert len(ready) == 1
    assert str(daemon.socket) in ready[0]
    assert stat.S_IMODE(daemon.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(daemon.state.stat().st_mode) == 0o700
    with daemon.connect() as client:
        status = client.status()
        assert status.process_id == daemon.process.pid
        assert status.models == ["tiny"]
        assert status.connections == 1
        assert status.version == "0.1.0"
        assert 0 < status.uptime_seconds < 60
        assert status.resident_bytes > 1 << 20
    assert daemon.stop() == 0
    assert not daemon.socket.exists()
    assert "Fatal" not in daemon.log()


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_well(daemon: Daemon, by: signal.Signals) -> None:
    assert daemon.stop(by) == 0
    # Orderly: the write-ahead log went into the database.
    assert not (daemon.state / "lensd.sqlite-wal").exists()


def test_a_connected_client_does_not_hold_up_the_end(daemon: Daemon) -> None:
    with daemon.connect() as client:
        client.status()
        assert daemon.stop() == 0
        with pytest.raises(lensd.Unavailable):
            client.status()


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(folder: Path, stopped: Daemon, abstract: bool) -> None:
    name = f"@lensd-e2e-{os.getpid()}" if abstract else str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(name.replace("@", "\0", 1))
        systemd.settimeout(30)
        stopped.env["NOTIFY_SOCKET"] = name
        stopped.start()
        assert systemd.recv(500).startswith(b"STATUS=loading the model tiny\nEXTEND_TIMEOUT_USEC=120000000")
        assert systemd.recv(500).startswith(b"READY=1\nSTATUS=")
        stopped.process.send_signal(signal.SIGTERM)
        assert systemd.recv(500).startswith(b"STOPPING=1\nSTATUS=")
        assert stopped.stop() == 0


def test_a_second_daemon_on_the_same_state_is_turned_away(daemon: Daemon, folder: Path) -> None:
    code, message = refusal(
        "--state", str(daemon.state), "--socket", str(folder / "other.sock"), "--model", f"tiny={TINY}"
    )
    assert code == 75
    assert f"{daemon.state} is in use by another lensd (process {daemon.process.pid})" in message
    assert not (folder / "other.sock").exists()
    with daemon.connect() as client:
        client.status()


def test_a_second_daemon_on_the_same_socket_is_turned_away(daemon: Daemon, folder: Path) -> None:
    code, message = refusal("--state", str(folder / "other"), "--socket", str(daemon.socket), "--model", f"tiny={TINY}")
    assert code == 75
    assert f"already answers at {daemon.socket}" in message
    with daemon.connect() as client:
        client.status()


def test_a_stale_socket_is_taken_over(daemon: Daemon) -> None:
    daemon.kill()
    assert stat.S_ISSOCK(daemon.socket.stat().st_mode)
    with pytest.raises(lensd.Unavailable):
        daemon.connect()
    daemon.start()
    with daemon.connect() as client:
        client.status()


def test_what_is_not_a_socket_stays(folder: Path) -> None:
    plain = folder / "plain"
    plain.write_text("a thesis")
    code, message = refusal("--state", str(folder / "s"), "--socket", str(plain), "--model", f"tiny={TINY}")
    assert code == 64
    assert "is not a socket" in message
    assert plain.read_text() == "a thesis"


def test_a_socket_that_was_replaced_is_not_removed(daemon: Daemon) -> None:
    daemon.socket.unlink()
    daemon.socket.write_text("somebody else's")
    assert daemon.stop() == 0
    assert daemon.socket.read_text() == "somebody else's"


@pytest.mark.parametrize(
    ("path", "expected"),
    [("x" * 108, "at most 107 bytes"), ("no/such/folder/lensd.sock", "No such file"), ("", "")],
)
def test_a_socket_path_that_cannot_be(folder: Path, path: str, expected: str) -> None:
    code, message = refusal(
        "--state", str(folder / "s"), "--socket", path and f"{folder}/{path}", "--model", f"tiny={TINY}"
    )
    assert code in (1, 64)
    assert expected in message
    assert str(folder) in message or not path


def test_the_longest_socket_path_works(folder: Path, stopped: Daemon) -> None:
    stopped.socket = folder / ("s" * (107 - len(str(folder)) - 1))
    stopped.start()
    with stopped.connect() as client:
        client.status()


def test_a_log_level_that_is_none() -> None:
    code, message = refusal(env={"LENSD_LOG": "loud"})
    assert code == 64
    assert "trace, debug, info, notice, warning, error, critical; received 'loud'" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--threads", "0"], "1...1024; received 0"),
        (["--threads", "many"], "many"),
        (["--configure", "lensd.toml"], "--configure"),
        (["--memory", "much"], "a size is a number with K, M, G or T such as 8G; received 'much'"),
        (["--model", "tiny"], "NAME=DIR; received 'tiny'"),
        (["--model", "Tiny=/x"], "received 'Tiny'"),
        (["--model", "a=/x", "--model", "a=/y"], "twice"),
        (["surplus"], "surplus"),
    ],
)
def test_bad_usage(arguments: list[str], expected: str) -> None:
    code, message = refusal(*arguments)
    assert code == 64
    assert expected in message


def test_help_and_version() -> None:
    for flag, expected in (("--help", "USAGE"), ("--version", "0.1.0")):
        done = subprocess.run([BINARY, flag], capture_output=True, text=True, check=True)
        assert expected in done.stdout


class TestPlaces:
    """Where a daemon goes when its flags do not say."""

    def started(self, **env: str) -> str:
        """The socket of a daemon that was started without flags for places."""
        process = subprocess.Popen(
            [BINARY, "--model", f"tiny={TINY}"], stderr=subprocess.PIPE, text=True, env=environment(env)
        )
        assert process.stderr is not None
        line = next(line for line in process.stderr if "ready" in line)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        process.stderr.close()
        return line.split(": ", 1)[1].strip()

    def test_xdg(self, folder: Path) -> None:
        (folder / "run").mkdir()
        path = self.started(XDG_RUNTIME_DIR=f"{folder}/run", XDG_STATE_HOME=f"{folder}/deep/state")
        assert path == f"{folder}/run/lensd/lensd.sock"
        assert stat.S_IMODE((folder / "run/lensd").stat().st_mode) == 0o700
        assert (folder / "deep/state/lensd/lensd.sqlite").exists()

    def test_home(self, folder: Path) -> None:
        self.started(HOME=str(folder), LENSD_SOCKET=f"{folder}/s", XDG_STATE_HOME="relative/is/ignored")
        assert (folder / ".local/state/lensd/lensd.sqlite").exists()

    def test_lensd_variables_win(self, folder: Path) -> None:
        path = self.started(
            LENSD_SOCKET=f"{folder}/mine.sock",
            LENSD_STATE=f"{folder}/mine",
            XDG_RUNTIME_DIR=f"{folder}/absent",
            XDG_STATE_HOME=f"{folder}/absent",
        )
        assert path == f"{folder}/mine.sock"
        assert (folder / "mine/lensd.sqlite").exists()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root's place is /run/lensd")
    def test_no_place_for_the_socket(self, folder: Path) -> None:
        code, message = refusal("--state", str(folder / "s"), "--model", f"tiny={TINY}")
        assert code == 64
        assert "--socket" in message
        assert "XDG_RUNTIME_DIR" in message

    def test_no_place_for_the_state(self, folder: Path) -> None:
        code, message = refusal("--socket", str(folder / "s"), "--model", f"tiny={TINY}", env={"HOME": ""})
        assert code == 64
        assert "--state" in message

    def test_a_state_folder_of_others_is_refused(self, folder: Path) -> None:
        (folder / "open").mkdir()
        (folder / "open").chmod(0o777)
        code, message = refusal(
            "--socket", str(folder / "s"), "--state", str(folder / "open"), "--model", f"tiny={TINY}"
        )
        assert code == 77
        assert "writable by group or others" in message


class TestEmbeddedModel:
    """The model that is served when no other is named."""

    def served(self, daemon: Daemon) -> list[str]:
        daemon.arguments = ("--threads", "1")
        daemon.start()
        with daemon.connect() as client:
            return client.models()

    def test_it_is_found_from_a_build(self, stopped: Daemon) -> None:
        if not (ROOT / "Models/tinytales-1l/config.json").exists() or not BINARY.is_relative_to(ROOT):
            pytest.skip("not a build within the repository")
        assert self.served(stopped) == ["tinytales-1l"]

    def test_it_is_found_from_the_environment(self, folder: Path, stopped: Daemon) -> None:
        (folder / "models").mkdir()
        shutil.copytree(TINY, folder / "models/tinytales-1l")
        stopped.env["LENSD_MODELS"] = str(folder / "models")
        assert self.served(stopped) == ["tinytales-1l"]

    def test_it_is_found_from_an_installation(self, folder: Path, stopped: Daemon) -> None:
        stopped.binary = installed(folder)
        shutil.copytree(TINY, folder / "share/lensd/models/tinytales-1l")
        assert self.served(stopped) == ["tinytales-1l"]

    def test_it_is_missed_with_a_message(self, folder: Path) -> None:
        places = ("--state", str(folder / "s"), "--socket", str(folder / "k"))
        code, message = refusal(*places, env={"LENSD_MODELS": f"{folder}/nowhere"}, binary=installed(folder))
        assert code == 65
        assert "tinytales-1l" in message
        assert "--model NAME=DIR" in message
        for place in ("nowhere", "share/lensd/models", "Models"):
            assert f"{folder}/{place}" in message


def installed(folder: Path) -> Path:
    """The binary as `make install` would place it."""
    (folder / "bin").mkdir()
    return Path(shutil.copy(BINARY, folder / "bin/lensd"))

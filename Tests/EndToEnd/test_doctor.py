"""lensctl doctor and lensctl top: each trouble is made for real, found, and comes with what to do."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lensd._proto import daemon_pb2, frame_pb2

from daemon import BINARY, TINY, Daemon, environment

LENSCTL = BINARY.parent / "lensctl"
STRANGER = 12345
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")


def run(
    *arguments: str | Path,
    uid: int | None = None,
    groups: str = "--clear-groups",
    env: Mapping[str, str] | None = None,
    prefix: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    who = () if uid is None else ("setpriv", "--reuid", str(uid), "--regid", str(uid), groups)
    return subprocess.run(
        [*prefix, *who, str(LENSCTL), *map(str, arguments)],
        capture_output=True, text=True, timeout=60, env=environment({"LENSD_PYTHON": "/bin/false", **(env or {})}),
        check=False,
    )  # fmt: skip


def doctor(socket_path: Path, state: Path, status: int, **options: Any) -> dict[str, tuple[str, str, str]]:
    """What each check found: its state, message and advice."""
    done = run("--socket", socket_path, "--json", "doctor", "--state", state, **options)
    assert done.returncode == status, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["healthy"] == (status == 0)
    found: dict[str, tuple[str, str, str]] = {}
    for finding in answer["findings"]:
        told = (finding["state"], finding["message"], finding["advice"])
        assert (told[0] == "trouble") == bool(told[2]), told
        if finding["check"] not in found or told[0] == "trouble":
            found[finding["check"]] = told
    return found


@pytest.fixture
def state(folder: Path) -> Path:
    path = folder / "state"
    path.mkdir(mode=0o700)
    return path


def test_a_healthy_daemon(daemon: Daemon) -> None:
    # As much memory as there is for sure, whatever else this machine does.
    assert daemon.stop() == 0
    daemon.arguments = (*daemon.arguments, "--memory", "64M")
    daemon.start()
    found = doctor(daemon.socket, daemon.state, 0)
    assert {"daemon", "versions", "kernels", "memory", "file descriptors", "quota", "models", "state"} <= set(found)
    shown = run("--socket", daemon.socket, "doctor", "--state", daemon.state)
    assert shown.returncode == 0
    assert "TROUBLE" not in shown.stdout
    assert f"answers at {daemon.socket}" in shown.stdout


def test_no_daemon(folder: Path, state: Path) -> None:
    found = doctor(folder / "lensd.sock", state, 69)
    assert found["daemon"][1] == f"there is no socket {folder}/lensd.sock"
    assert "lensctl up" in found["daemon"][2]
    shown = run("--socket", folder / "lensd.sock", "doctor", "--state", state)
    assert shown.returncode == 69
    assert shown.stdout.startswith("TROUBLE  daemon: there is no socket")
    assert "  -> 'lensctl up'" in shown.stdout


def test_a_stale_socket(daemon: Daemon) -> None:
    daemon.kill()
    found = doctor(daemon.socket, daemon.state, 69)
    assert f"nobody answers at {daemon.socket}" in found["daemon"][1]
    assert "takes the stale socket over" in found["daemon"][2]
    daemon.start()
    assert doctor_daemon_state(daemon) == "good"


def doctor_daemon_state(daemon: Daemon) -> str:
    done = run("--socket", daemon.socket, "--json", "doctor", "--state", daemon.state)
    return next(each["state"] for each in json.loads(done.stdout)["findings"] if each["check"] == "daemon")


def test_something_else_in_the_sockets_place(folder: Path, state: Path) -> None:
    (folder / "lensd.sock").write_text("a thesis")
    found = doctor(folder / "lensd.sock", state, 69)
    assert "is no socket" in found["daemon"][1]


@root_only
def test_the_wrong_group(folder: Path) -> None:
    folder.chmod(0o755)
    file = folder / "lensd.toml"
    file.write_text(f'socket_group = "users"\n[[model]]\nname = "tiny"\npath = "{TINY}"')
    daemon = Daemon(folder, "--config", str(file)).start()
    nowhere = folder / "none"
    found = doctor(daemon.socket, nowhere, 77, uid=STRANGER)
    assert f"{daemon.socket} is for the group users, which you ({STRANGER}) are not in" in found["daemon"][1]
    assert f"usermod -aG users {STRANGER}" in found["daemon"][2]
    # With the group all is well.
    assert run("--socket", daemon.socket, "status", uid=STRANGER, groups="--groups=100").returncode == 0
    assert daemon.stop() == 0


@root_only
def test_a_socket_for_its_owner_alone(daemon: Daemon, folder: Path) -> None:
    folder.chmod(0o755)
    found = doctor(daemon.socket, folder / "none", 77, uid=STRANGER)
    assert f"{daemon.socket} is for the user root alone" in found["daemon"][1]
    folder.chmod(0o700)
    found = doctor(daemon.socket, Path("/none"), 77, uid=STRANGER)
    assert "its folder is closed to you" in found["daemon"][1]


class OldDaemon:
    """Answers the status as a lensd of another version would."""

    def __init__(self, path: Path, version: bytes) -> None:
        self.reply = daemon_pb2.DaemonStatusReply(
            lensd_version=version, protocol_version=1, blas=b"OpenBLAS", process_id=os.getpid()
        )
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                while len(head := stream.read(4)) == 4:
                    frame = frame_pb2.ClientFrame.FromString(stream.read(struct.unpack(">I", head)[0]))
                    answers = [frame_pb2.ServerFrame(hello=frame_pb2.ServerHello(protocol_version=1))]
                    if frame.HasField("start"):
                        answers = [
                            frame_pb2.ServerFrame(call_id=frame.call_id, message=self.reply.SerializeToString()),
                            frame_pb2.ServerFrame(call_id=frame.call_id, status=frame_pb2.Status()),
                        ]
                    elif not frame.HasField("hello"):
                        continue
                    for answer in answers:
                        data = answer.SerializeToString()
                        stream.write(struct.pack(">I", len(data)) + data)
                    stream.flush()


@pytest.fixture
def old(folder: Path) -> Iterator[Path]:
    daemon = OldDaemon(folder / "old.sock", b"0.0.9")
    yield folder / "old.sock"
    daemon.listener.close()


def test_version_skew(old: Path, state: Path) -> None:
    found = doctor(old, state, 1)
    assert found["versions"][1] == "lensctl is 0.1.0, and lensd 0.0.9 runs"
    assert "restart" in found["versions"][2]


def test_python_of_another_version(daemon: Daemon, folder: Path) -> None:
    program = folder / "python"
    program.write_text("#!/bin/sh\necho 0.0.8\n")
    program.chmod(0o755)
    found = doctor(daemon.socket, daemon.state, 1, env={"LENSD_PYTHON": str(program)})
    assert "is lensd 0.0.8, and lensctl 0.1.0" in found["python"][1]
    # Without the package there is nothing to compare.
    program.write_text("#!/bin/sh\nexit 1\n")
    done = run(
        "--socket", daemon.socket, "--json", "doctor", "--state", daemon.state, env={"LENSD_PYTHON": str(program)}
    )
    told = next(each for each in json.loads(done.stdout)["findings"] if each["check"] == "python")
    assert told["state"] == "unknown"


def test_too_little_memory(stopped: Daemon) -> None:
    stopped.arguments = (*stopped.arguments, "--memory", "900T")
    stopped.start()
    found = doctor(stopped.socket, stopped.state, 1)
    assert "the machine has" in found["memory"][1]
    assert "--memory" in found["memory"][2]


def test_too_few_file_descriptors(stopped: Daemon) -> None:
    stopped.start(prefix=("prlimit", "--nofile=100:100"))
    found = doctor(stopped.socket, stopped.state, 1)
    assert "lensd may open 100 files" in found["file descriptors"][1]
    assert "LimitNOFILE" in found["file descriptors"][2]


def test_slow_kernels(stopped: Daemon) -> None:
    if "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("no better kernels for this processor")
    stopped.env["OPENBLAS_CORETYPE"] = "PRESCOTT"
    stopped.start()
    found = doctor(stopped.socket, stopped.state, 1)
    assert "Prescott's kernels" in found["kernels"][1]
    assert "OPENBLAS_CORETYPE" in found["kernels"][2]


def test_a_quota_that_is_nearly_used_up(folder: Path) -> None:
    file = folder / "lensd.toml"
    file.write_text(f'[quota]\nconnections = 2\n[[model]]\nname = "tiny"\npath = "{TINY}"')
    file.chmod(0o600)
    daemon = Daemon(folder, "--config", str(file)).start()
    with daemon.connect() as client:
        client.status()
        found = doctor(daemon.socket, daemon.state, 1)
        assert found["quota"][1] == "you have 2 of 2 connections"
    assert daemon.stop() == 0


def test_the_rights_of_the_state_folder(folder: Path, state: Path) -> None:
    state.chmod(0o777)
    found = doctor(folder / "none", state, 69)
    assert "may be written by group or others" in found["state"][1]
    assert found["state"][2] == f"chmod 700 {state}"
    state.rmdir()
    state.write_text("a file")
    assert "is no folder" in doctor(folder / "none", state, 69)["state"][1]


@root_only
def test_somebody_elses_state_folder(folder: Path, state: Path) -> None:
    folder.chmod(0o755)
    found = doctor(folder / "none", state, 69, uid=STRANGER)
    assert f"{state} belongs to root" in found["state"][1]


@root_only
def test_a_disk_that_is_nearly_full(folder: Path, state: Path) -> None:
    mount = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=1m,mode=700 tmpfs {state} && exec "$@"', "sh")
    if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no tmpfs may be mounted here")
    found = doctor(folder / "none", state, 69, prefix=mount)
    assert "is nearly full: 1.0 MiB of 1.0 MiB free" in found["disk"][1]


def test_the_log_of_a_daemon_that_did_not_start(folder: Path, state: Path) -> None:
    (state / "lensd.log").write_text("lensd: cannot serve the model 'x'\n")
    found = doctor(folder / "none", state, 69)
    assert found["log"][1] == "the last daemon's log ends with: lensd: cannot serve the model 'x'"


# lensctl top


def test_top_once(daemon: Daemon) -> None:
    with daemon.connect() as client:
        client.model()("Once upon a time", return_type="loss")
        done = run("--socket", daemon.socket, "top", "--once")
        assert done.returncode == 0, done.stderr
        assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout
        assert "no calls in flight" in done.stdout
        answer = json.loads(run("--socket", daemon.socket, "top", "--json").stdout)
        assert answer["all_users"] is True
        assert answer["calls_ended"] >= 3
        assert answer["calls"] == []
        assert answer["users"][0]["uid"] == os.geteuid()


@root_only
def test_top_shows_a_stranger_his_own(folder: Path) -> None:
    folder.chmod(0o755)
    file = folder / "lensd.toml"
    file.write_text(f'socket_mode = "0666"\n[[model]]\nname = "tiny"\npath = "{TINY}"')
    daemon = Daemon(folder, "--config", str(file)).start()

    def wait(value: Any, hook: Any) -> None:
        del value, hook
        seen.append(json.loads(run("--socket", daemon.socket, "top", "--json").stdout))
        seen.append(json.loads(run("--socket", daemon.socket, "top", "--json", uid=STRANGER).stdout))

    seen: list[dict[str, Any]] = []
    with daemon.connect() as client:
        client.model().run_with_hooks("Once upon a time", fwd_hooks=[("blocks.0.attn.hook_z", wait)])
    everybody, own = seen
    assert [call["method"] for call in everybody["calls"]] == ["/lens.v1.Inference/RunHooked"]
    assert everybody["calls"][0]["seconds"] > 0
    assert everybody["calls"][0]["uid"] == 0
    assert own["all_users"] is False
    assert own["calls"] == []
    assert "users" not in own
    # His own calls alone: the status, and the question for everybody's that he may not ask.
    assert (own["calls_ended"], own["calls_failed"]) == (2, 1)
    assert daemon.stop() == 0


@pytest.mark.parametrize("key", [b"q", signal.SIGINT])
def test_top_lives_on_a_terminal(daemon: Daemon, key: bytes | signal.Signals) -> None:
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(inside)
    top = subprocess.Popen(
        [str(LENSCTL), "--socket", str(daemon.socket), "top"],
        stdin=inside, stdout=inside, stderr=inside, env=environment({"TERM": "xterm-256color", "LANG": "C.UTF-8"}),
    )  # fmt: skip
    shown = b""

    def read_until(done: Any) -> None:
        nonlocal shown
        give_up_at = time.monotonic() + 20
        while not done():
            assert time.monotonic() < give_up_at, shown
            if select.select([terminal], [], [], 0.05)[0]:
                shown += os.read(terminal, 65536)

    # Two pages at least: what is drawn first is drawn again, with rates.
    read_until(lambda: shown.count(b"\x1b[H") >= 2)
    assert shown.startswith(b"\x1b[?1049h\x1b[?25l")
    assert b"/s ended" in shown
    if isinstance(key, bytes):
        os.write(terminal, key)
    else:
        top.send_signal(key)
    read_until(lambda: top.poll() is not None and b"\x1b[?1049l" in shown)
    assert top.returncode == (0 if isinstance(key, bytes) else 130)
    # The terminal is as it was.
    assert termios.tcgetattr(inside)[3] == before[3]
    os.close(terminal)
    os.close(inside)

"""lensctl while its daemon is killed, restarts or stays away."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from lensd._proto.sessions_pb2 import ShowSessionRequest
from lensd.methods import SHOW_SESSION

from daemon import BINARY, Daemon, environment

LENSCTL = BINARY.parent / "lensctl"
WORDS = ["Tom", "saw", "the", "red", "ball", "and", "the", "cat", "sat", "near", "a", "big", "tree"]


def corpus(folder: Path) -> Path:
    """Enough prompts for a second's work, in several calls."""
    file = folder / "corpus.txt"
    lines = [" ".join(WORDS[(at * 7 + step * at) % len(WORDS)] for step in range(7)) for at in range(3000)]
    file.write_text("\n".join(lines) + "\n")
    return file


def started(daemon: Daemon, *arguments: str | Path, **streams: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [LENSCTL, *map(str, arguments)], env=environment({"LENSD_SOCKET": str(daemon.socket)}), **streams
    )


def runs(daemon: Daemon, session: str) -> int:
    with daemon.connect() as client:
        shown = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=session.encode()))
        return shown.session.run_count


def finished(process: subprocess.Popen[bytes]) -> tuple[int, bytes, str]:
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors.decode()


def on_terminal(daemon: Daemon, arguments: Sequence[str | Path]) -> tuple[subprocess.Popen[bytes], list[bytes]]:
    """A command on a terminal, and what it shows there, which grows until it ends."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    process = started(daemon, *arguments, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    shown: list[bytes] = []

    def read() -> None:
        # The terminal's end is an error when the last program that had it open is gone.
        with contextlib.suppress(OSError):
            while chunk := os.read(terminal, 1 << 16):
                shown.append(chunk)
        os.close(terminal)

    threading.Thread(target=read, daemon=True).start()
    return process, shown


def test_a_study_of_a_corpus_outlives_its_daemon(daemon: Daemon, folder: Path) -> None:
    prompts = corpus(folder)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    began = time.monotonic()
    code, whole, errors = finished(started(daemon, "ablate", "--corpus", prompts, "--session", "a", "--json", **pipes))
    seconds = time.monotonic() - began
    assert (code, errors) == (0, "")
    expected = runs(daemon, "a")
    process = started(daemon, "ablate", "--corpus", prompts, "--session", "b", "--json", **pipes)
    for _ in range(2):
        time.sleep(seconds / 4)
        assert process.poll() is None, "it was done before the daemon was killed"
        daemon.kill()
        time.sleep(0.1)
        daemon.start()
    code, again, errors = finished(process)
    assert (code, errors) == (0, "")
    first, second = json.loads(whole), json.loads(again)
    assert [head["head"] for head in first["heads"]] == [head["head"] for head in second["heads"]]
    for one, other in zip(first["heads"], second["heads"], strict=True):
        assert abs(one["delta"] - other["delta"]) < 1e-4
    # Each sweep is recorded once.
    assert runs(daemon, "b") == expected > 1


def test_a_terminal_says_that_it_waits(daemon: Daemon, folder: Path) -> None:
    process, shown = on_terminal(daemon, ["ablate", "--corpus", corpus(folder)])
    time.sleep(0.4)
    assert process.poll() is None, "it was done before the daemon was killed"
    daemon.kill()
    time.sleep(0.3)
    daemon.start()
    assert process.wait(120) == 0, b"".join(shown)
    assert b"".join(shown).count("waiting for the daemon…".encode()) == 1


def test_a_daemon_that_stays_away(daemon: Daemon, folder: Path) -> None:
    process = started(
        daemon, "ablate", "--corpus", corpus(folder), "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(0.4)
    assert process.poll() is None, "it was done before the daemon was killed"
    daemon.kill()
    began = time.monotonic()
    code, output, errors = finished(process)
    assert code == 69
    assert 3 < time.monotonic() - began < 10
    assert re.search(r"tried \d+ times", errors)
    assert "waiting" not in errors
    assert json.loads(output)["error"]["code"] == "UNAVAILABLE"


def test_a_daemon_that_was_never_there_is_not_waited_for(folder: Path) -> None:
    began = time.monotonic()
    done = subprocess.run([LENSCTL, "status", "--socket", folder / "none"], capture_output=True, env=environment())
    assert done.returncode == 69
    assert b"lensctl up" in done.stderr
    assert time.monotonic() - began < 2


def test_a_busy_daemon_says_when_to_come_back(folder: Path) -> None:
    (folder / "lensd.toml").write_text("[quota]\nconnections = 1\n")
    daemon = Daemon(folder, "--config", str(folder / "lensd.toml")).start()
    try:
        with daemon.connect() as client:
            assert client.status().connections == 1
            done = subprocess.run(
                [LENSCTL, "status", "--json"],
                capture_output=True,
                env=environment({"LENSD_SOCKET": str(daemon.socket)}),
            )
        assert done.returncode == 75
        error = json.loads(done.stdout)["error"]
        assert error["code"] == "RESOURCE_EXHAUSTED"
        assert error["retry_after_seconds"] > 0
        assert b"trying again can help in" in done.stderr
    finally:
        assert daemon.stop() == 0

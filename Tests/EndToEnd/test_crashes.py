"""`kill -9` at chosen system calls: strace ends the daemon in the middle of what it writes."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from pathlib import Path

import lensd
import pytest
from lensd._proto.common_pb2 import Prompt, TokenPrompt
from lensd._proto.run_pb2 import RunRequest
from lensd._proto.sessions_pb2 import ShowSessionRequest
from lensd.methods import RUN, SHOW_SESSION

from daemon import Daemon


def may_trace() -> bool:
    strace = shutil.which("strace")
    return (
        strace is not None and subprocess.run([strace, "-qq", "true"], capture_output=True, check=False).returncode == 0
    )


pytestmark = pytest.mark.skipif(not may_trace(), reason="strace is missing or may not trace")


def killing(call: str, count: int) -> list[str]:
    """A prefix that ends the daemon as it enters the given call for the given time."""
    inject = f"--inject={call}:signal=SIGKILL:when={count}"
    return ["strace", "-f", "-qq", "-o", "/dev/null", f"--trace={call}", inject]


def record_until_the_end(daemon: Daemon) -> list[str]:
    """Records runs until the daemon is gone; returns the ids of those that were acknowledged."""
    acknowledged = []
    with daemon.connect() as client:
        process_id = client.status().process_id
        try:
            # strace counts calls thread by thread, so it is not known beforehand how many runs it takes.
            for _ in range(400):
                prompts = [Prompt(tokens=TokenPrompt(ids=range(40)))]
                acknowledged.append(client.channel.unary(RUN, RunRequest(prompts=prompts)).run_id.decode())
        except lensd.Unavailable:
            return acknowledged
        os.kill(process_id, signal.SIGKILL)
        pytest.fail(f"{len(acknowledged)} runs were recorded and the daemon still lives")


def check_store(daemon: Daemon, acknowledged: list[str]) -> None:
    """Everything acknowledged is there, at most one run beyond it, and the database is sound."""
    assert "damaged" not in daemon.log()
    with daemon.connect() as client:
        found: list[str] = []
        if acknowledged:
            reply = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"default"))
            found = [each.id.decode() for each in reply.runs][::-1]
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1
    database = sqlite3.connect(f"file:{daemon.state}/lensd.sqlite?mode=ro", uri=True)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def started(daemon: Daemon, prefix: list[str]) -> bool:
    """Starts it; says whether it lived to accept calls."""
    try:
        daemon.start(prefix)
    except AssertionError:
        assert daemon.process is not None
        assert daemon.process.poll() is not None
        return False
    return True


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_killed_as_it_writes(stopped: Daemon, call: str, count: int) -> None:
    stopped.start()
    with stopped.connect() as client:
        prompts = [Prompt(tokens=TokenPrompt(ids=range(40)))]
        acknowledged = [client.channel.unary(RUN, RunRequest(prompts=prompts)).run_id.decode()]
    stopped.kill()
    if started(stopped, killing(call, count)):
        acknowledged += record_until_the_end(stopped)
    assert stopped.process is not None
    assert stopped.process.wait(30) != 0
    stopped.start()
    check_store(stopped, acknowledged)


def test_every_acknowledged_run_was_on_the_disk(stopped: Daemon) -> None:
    """What `kill -9` cannot show and a power failure would: the disk is told to keep each run before its reply."""
    trace = stopped.folder / "trace"
    stopped.start(["strace", "-f", "-qq", "-o", str(trace), "--trace=fdatasync"])
    with stopped.connect() as client:
        process_id = client.status().process_id
        prompts = [Prompt(tokens=TokenPrompt(ids=[1, 2]))]
        for _ in range(10):
            before = trace.read_text().count("fdatasync(")
            client.channel.unary(RUN, RunRequest(prompts=prompts))
            assert trace.read_text().count("fdatasync(") > before
        os.kill(process_id, signal.SIGTERM)
    assert stopped.process is not None
    assert stopped.process.wait(30) == 0


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync", "ftruncate", "unlink"])
def test_killed_as_it_makes_its_database(folder: Path, call: str) -> None:
    """At every such call of the very first start; the next start finds its way."""
    # Beyond the first ones, of which each is different, some are enough.
    for count in (*range(1, 40), *range(40, 400, 9)):
        at = folder / str(count)
        at.mkdir()
        daemon = Daemon(at)
        if started(daemon, killing(call, count)):
            with daemon.connect() as client:
                os.kill(client.status().process_id, signal.SIGTERM)
            assert daemon.process is not None
            daemon.process.wait(30)
            assert count > 1 or call == "unlink", f"the start made no {call}"
            return
        daemon.start()
        check_store(daemon, [])
        assert daemon.stop() == 0
    pytest.fail(f"the start makes more than 400 calls of {call}")

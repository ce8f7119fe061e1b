"""What was acknowledged is kept, whatever happens to the daemon."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import lensd
import numpy as np
import pytest
from lensd._proto.common_pb2 import Prompt, TokenPrompt
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd._proto.sessions_pb2 import ShowSessionRequest
from lensd.connection import Connection
from lensd.methods import RUN, SHOW_SESSION

from daemon import Daemon, refusal

HOOKS = ("hook_embed", "pattern0", "blocks.0.attn.hook_z", "blocks.0.mlp.hook_post", "resid_post0", "logits")


def request(*ids: int, session: str = "default") -> RunRequest:
    return RunRequest(session=session.encode(), prompts=[Prompt(tokens=TokenPrompt(ids=ids))], top_count=3)


def run(client: lensd.Client, *ids: int) -> RunReply:
    return client.channel.unary(RUN, request(*ids))


def recorded(client: lensd.Client, session: str = "default") -> list[str]:
    """The ids of a session's runs, newest first."""
    reply = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=session.encode()))
    return [each.id.decode() for each in reply.runs]


def run_once(daemon: Daemon, ids: list[int], request_id: bytes) -> RunReply:
    """Runs with a request id, as a client does that will try again."""
    with Connection(str(daemon.socket)) as connection:
        call = connection.start(RUN.path, request(*ids).SerializeToString(), 30, False, request_id)
        (message,) = list(call)
    return RunReply.FromString(message)


def test_a_tensor_is_the_same_after_a_kill(daemon: Daemon) -> None:
    ids = [random.randrange(50) for _ in range(24)]
    with daemon.connect() as client:
        run_id = run(client, *ids).run_id.decode()
        before = {hook: client.query(run_id, hook) for hook in HOOKS}
    daemon.kill()
    daemon.start()
    with daemon.connect() as client:
        for hook, expected in before.items():
            found = client.query(run_id, hook)
            assert found.shape == expected.shape
            np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-5, atol=1e-5, err_msg=hook)
        np.testing.assert_array_equal(client.query("last", "tokens")[0], ids)


def test_a_run_of_other_weights_is_not_answered_from_these(daemon: Daemon) -> None:
    with daemon.connect() as client:
        reply = run(client, 1, 2, 3)
    assert daemon.stop() == 0
    daemon.arguments = ("--model", f"tiny={daemon.arguments[1].split('=')[1].replace('1l-16h', '1l-untied')}")
    daemon.start()
    with daemon.connect() as client:
        with pytest.raises(lensd.FailedPrecondition, match=reply.model.fingerprint.decode()[:12]):
            client.query("last", "z0")
        # What was found out is still there.
        assert recorded(client) == [reply.run_id.decode()]


def test_a_run_finds_its_model_under_another_name(daemon: Daemon) -> None:
    with daemon.connect() as client:
        run(client, 1, 2, 3)
        expected = client.query("last", "z0")
    assert daemon.stop() == 0
    daemon.arguments = ("--model", daemon.arguments[1].replace("tiny=", "other="))
    daemon.start()
    with daemon.connect() as client:
        np.testing.assert_array_equal(client.query("last", "z0"), expected)


def test_a_run_of_a_model_that_is_gone(daemon: Daemon) -> None:
    with daemon.connect() as client:
        reply = run(client, 1, 2, 3)
    assert daemon.stop() == 0
    served = daemon.arguments[1].replace("tiny=", "other=").replace("1l-16h", "1l-untied")
    daemon.arguments = ("--model", served)
    daemon.start()
    said = f"{reply.model.fingerprint.decode()[:12]} of model 'tiny'"
    with daemon.connect() as client, pytest.raises(lensd.FailedPrecondition, match=said):
        client.query("last", "z0")


def ask_for_ever(client: lensd.Client) -> None:
    while True:
        client.status()


def test_a_waiting_client_hears_of_the_end(daemon: Daemon) -> None:
    with daemon.connect() as client:
        run(client, 1, 2, 3)
        threading.Timer(0.3, daemon.kill).start()
        with pytest.raises(lensd.Unavailable):
            ask_for_ever(client)


def test_no_acknowledged_run_is_lost_in_twenty_kills(daemon: Daemon) -> None:
    """Two clients write while the daemon is killed at random moments; after each restart everything is there."""
    acknowledged: dict[str, list[str]] = {"first": [], "second": []}
    generator = random.Random(7)

    def write(session: str, daemon: Daemon) -> None:
        try:
            with daemon.connect() as client:
                while True:
                    reply = client.channel.unary(RUN, request(1, 2, len(acknowledged[session]) % 50, session=session))
                    acknowledged[session].append(reply.run_id.decode())
        except lensd.Unavailable:
            return

    for kills in range(1, 21):
        writers = [threading.Thread(target=write, args=(session, daemon)) for session in acknowledged]
        for writer in writers:
            writer.start()
        time.sleep(generator.uniform(0.01, 0.15))
        daemon.kill()
        for writer in writers:
            writer.join()
        daemon.start()
        assert "damaged" not in daemon.log()
        with daemon.connect() as client:
            for session, ids in acknowledged.items():
                if not ids:
                    continue
                shown = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=session.encode()))
                found = [each.id.decode() for each in shown.runs]
                # The newest 1000 are shown, and at most one run per kill was never acknowledged.
                assert set(ids[-900:]) <= set(found)
                assert len(ids) <= shown.session.run_count <= len(ids) + kills
        database = sqlite3.connect(f"file:{daemon.state}/lensd.sqlite?mode=ro", uri=True)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        database.close()
    total = sum(map(len, acknowledged.values()))
    assert total > 40, "the daemon was killed before it did anything"


def test_a_retry_after_a_kill_is_recorded_once(daemon: Daemon) -> None:
    first = run_once(daemon, [4, 5, 6], b"retry-me")
    daemon.kill()
    daemon.start()
    second = run_once(daemon, [4, 5, 6], b"retry-me")
    assert second.run_id == first.run_id
    assert second.SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    with daemon.connect() as client:
        assert recorded(client) == [first.run_id.decode()]
    with pytest.raises(lensd.InvalidArgument, match="already used"):
        run_once(daemon, [4, 5, 7], b"retry-me")


def test_a_newer_database_is_refused_untouched(daemon: Daemon) -> None:
    assert daemon.stop() == 0
    database = daemon.state / "lensd.sqlite"
    connection = sqlite3.connect(database)
    connection.execute("INSERT INTO grdb_migrations VALUES ('9 from the future')")
    connection.commit()
    connection.close()
    before = database.read_bytes()
    code, message = refusal(*daemon.command[1:])
    assert code == 65
    assert "newer lensd" in message
    assert "9 from the future" in message
    assert database.read_bytes() == before
    assert not daemon.socket.exists()


def test_a_damaged_database_is_set_aside(daemon: Daemon) -> None:
    with daemon.connect() as client:
        for _ in range(20):
            run(client, 1, 2, 3)
    assert daemon.stop() == 0
    database = daemon.state / "lensd.sqlite"
    spoilt = database.read_bytes()[:6000] + b"\xde\xad\xbe\xef" * 3000
    database.write_bytes(spoilt)
    daemon.start()
    assert "is damaged" in daemon.log()
    (aside,) = (path for path in daemon.state.glob("lensd.sqlite.damaged-*") if path.suffix[-1] == "Z")
    assert aside.read_bytes() == spoilt
    assert str(aside) in daemon.log()
    with daemon.connect() as client:
        run(client, 1, 2, 3)
        assert len(recorded(client)) == 1


def fill(path: Path) -> None:
    """Writes until the disk is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_stops_only_what_writes(stopped: Daemon) -> None:
    stopped.state.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "lensd-e2e", stopped.state], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this root may not mount")
    try:
        stopped.start()
        with stopped.connect() as client:
            first = run(client, 1, 2, 3).run_id.decode()
            filler = stopped.state / "filler"
            fill(filler)
            kept = [first]
            with pytest.raises(lensd.ResourceExhausted, match="full"):
                kept.extend(run(client, *range(40)).run_id.decode() for _ in range(500))
            # Reads and unrecorded passes go on.
            assert client.query(first, "z0").shape[1] == 3
            unrecorded = request(1, 2)
            unrecorded.unrecorded = True
            assert client.channel.unary(RUN, unrecorded).run_id == b""
            assert recorded(client) == kept[::-1]
            filler.unlink()
            kept.append(run(client, 1).run_id.decode())
            assert recorded(client) == kept[::-1]
        assert stopped.stop() == 0
    finally:
        if stopped.process is not None and stopped.process.poll() is None:
            stopped.kill()
        subprocess.run(["umount", "-l", stopped.state], check=True)

"""Sessions belong to the user that the kernel names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import lensd
import pytest
from lensd._proto.common_pb2 import Prompt, TokenPrompt
from lensd._proto.run_pb2 import RunRequest
from lensd._proto.sessions_pb2 import DeleteSessionRequest, ListSessionsRequest, ShowSessionRequest
from lensd.methods import DELETE_SESSION, LIST_SESSIONS, RUN, SHOW_SESSION

from daemon import BINARY, TINY, Daemon

OTHER = 4711


def record(client: lensd.Client, session: str, *ids: int) -> str:
    prompts = [Prompt(tokens=TokenPrompt(ids=ids or (1, 2, 3)))]
    return client.channel.unary(RUN, RunRequest(session=session.encode(), prompts=prompts)).run_id.decode()


def names(client: lensd.Client) -> list[str]:
    return [each.name.decode() for each in client.channel.unary(LIST_SESSIONS, ListSessionsRequest()).sessions]


def test_list_show_delete(daemon: Daemon) -> None:
    with daemon.connect() as client:
        assert names(client) == []
        ids = [record(client, name) for name in ("one", "два 🎈", "one")]
        assert names(client) == ["one", "два 🎈"]
        shown = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"one"))
        assert [each.id.decode() for each in shown.runs] == [ids[2], ids[0]]
        assert shown.session.run_count == 2
        assert shown.runs[0].kind == b"run"
        assert shown.runs[0].token_count == 3
        assert client.channel.unary(DELETE_SESSION, DeleteSessionRequest(name=b"one")).run_count == 2
        assert names(client) == ["два 🎈"]
        with pytest.raises(lensd.NotFound, match="no session 'one'"):
            client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"one"))
        with pytest.raises(lensd.NotFound):
            client.query(ids[0], "z0")


@pytest.mark.parametrize("name", ["tab\there", "x" * 65, "\u202eevil"])
def test_bad_names(shared: Daemon, name: str) -> None:
    with (
        shared.connect() as client,
        pytest.raises(lensd.InvalidArgument, match="1 to 64 printable characters; received"),
    ):
        record(client, name)


@pytest.mark.parametrize("reference", ["abc", "nothex!", "", "0" * 33])
def test_bad_references(shared: Daemon, reference: str) -> None:
    with shared.connect() as client, pytest.raises(lensd.InvalidArgument):
        client.query(reference, "z0")


def test_prefixes_and_last(shared: Daemon) -> None:
    with shared.connect() as client:
        ids = [record(client, "default", index) for index in range(4)]
        assert client.query("last", "tokens")[0, 0] == 3
        assert client.query(ids[1][:10], "tokens")[0, 0] == 1
        with pytest.raises(lensd.NotFound, match="ffffffffffff"):
            client.query("ffffffffffff", "tokens")


# Run by another user: what it can see of what the first one made.
STRANGER = """
import json, sys, lensd
from lensd._proto.sessions_pb2 import *
from lensd.methods import DELETE_SESSION, LIST_SESSIONS, SHOW_SESSION
answers = {}
with lensd.connect(sys.argv[1]) as client:
    answers["sessions"] = len(client.channel.unary(LIST_SESSIONS, ListSessionsRequest()).sessions)
    for key, call in {
        "foreign run": lambda: client.query(sys.argv[2], "z0"),
        "absent run": lambda: client.query(sys.argv[2][::-1], "z0"),
        "foreign session": lambda: client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"secret")),
        "absent session": lambda: client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"nothing")),
        "foreign deletion": lambda: client.channel.unary(DELETE_SESSION, DeleteSessionRequest(name=b"secret")),
        "last": lambda: client.query("last", "z0"),
    }.items():
        try:
            call()
            answers[key] = "answered"
        except lensd.LensError as error:
            answers[key] = [error.code.name, error.message]
print(json.dumps(answers))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="two users need root")
def test_another_user_sees_nothing(folder: Path) -> None:
    """The daemon runs as another user, whose socket root may use all the same: two users of one daemon."""
    folder.chmod(0o755)
    own = folder / "own"
    own.mkdir()
    os.chown(own, OTHER, OTHER)
    prefix = ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups"]
    if subprocess.run([*prefix, BINARY, "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"uid {OTHER} may not run {BINARY}")
    daemon = Daemon(own, "--model", f"tiny={TINY}")
    daemon.start(prefix)
    try:
        with daemon.connect() as client:
            run_id = record(client, "secret", 5, 6, 7)
            stranger = subprocess.run(
                [*prefix, sys.executable, "-c", STRANGER, str(daemon.socket), run_id],
                capture_output=True,
                text=True,
                check=False,
                env=daemon.env | {"HOME": str(own)},
            )
            if stranger.returncode != 0 and "ModuleNotFoundError" in stranger.stderr:
                pytest.skip(f"uid {OTHER} may not read this Python")
            assert stranger.returncode == 0, stranger.stderr
            answers = json.loads(stranger.stdout)
            assert answers["sessions"] == 0
            for foreign, absent, mine, other in [
                ("foreign run", "absent run", run_id, run_id[::-1]),
                ("foreign session", "absent session", "secret", "nothing"),
            ]:
                assert answers[foreign][0] == "NOT_FOUND"
                assert answers[foreign][1].replace(mine, other) == answers[absent][1]
            assert answers["foreign deletion"] == answers["foreign session"]
            assert answers["last"][0] == "NOT_FOUND"
            assert names(client) == ["secret"]
            # And root, who may do everything elsewhere, sees only what is root's.
            assert client.query("last", "tokens")[0].tolist() == [5, 6, 7]
    finally:
        assert daemon.stop() == 0, daemon.log()

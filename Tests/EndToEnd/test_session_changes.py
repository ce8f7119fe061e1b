"""Changes of sessions whose answer is lost: the client asks again, and each is made exactly once."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import lensd
import pytest
from lensd._proto.sessions_pb2 import ExportSessionRequest, ImportMessage, ImportStart
from lensd.methods import EXPORT_SESSION, IMPORT_SESSION

from cut import Cut
from daemon import BINARY, Daemon, environment

STORY = "Once upon a time"
GUEST = 4711
LENSCTL = BINARY.parent / "lensctl"


@pytest.fixture
def cut(daemon: Daemon) -> Iterator[Cut]:
    cut = Cut(daemon.folder / "cut.sock", daemon.socket)
    yield cut
    cut.close()


@pytest.fixture
def client(cut: Cut) -> Iterator[lensd.Client]:
    with lensd.connect(cut.path) as client:
        yield client


def names(client: lensd.Client) -> set[str]:
    return {session.name for session in client.sessions()}


def filled(daemon: Daemon, name: str, runs: int) -> None:
    with daemon.connect(session=name) as client:
        model = client.model()
        for index in range(runs):
            assert model.run_with_cache(f"{STORY} {index}")[1].run_id


def test_every_change_is_made_once(daemon: Daemon, client: lensd.Client, cut: Cut, tmp_path: Path) -> None:
    session = client.session("first")
    with cut.armed():
        session.create("a note")
    assert session.info().note == "a note"
    filled(daemon, "first", 2)
    with cut.armed():
        session = session.rename("second")
    assert names(client) == {"second"}
    with cut.armed():
        session.note("another note")
    assert session.info().note == "another note"
    with cut.armed():
        session.note("of the run", run="last")
    assert session.runs()[0].note == "of the run"
    with cut.armed():
        assert [grant.uid for grant in session.share(GUEST)] == [GUEST]
    with cut.armed():
        assert session.unshare(GUEST) == []
    assert session.grants() == []
    file = session.export(tmp_path / "second.zip")
    with cut.armed():
        copy = client.import_session(file, "copy")
    assert len(copy.runs()) == 2
    assert names(client) == {"second", "copy"}
    with cut.armed():
        assert session.delete() == 2
    assert names(client) == {"copy"}
    assert cut.count == 8


def test_a_deleted_session_is_not_deleted_twice(daemon: Daemon, cut: Cut) -> None:
    """Between the lost answer and the retry somebody makes a session of the same name: it stays."""
    retry = lensd.Retry(seconds=10, first_delay=1.0, max_delay=1.0)
    with lensd.connect(cut.path, retry=retry) as slow, daemon.connect() as other:
        slow.session("mine").create()
        made = []

        def make() -> None:
            while "mine" in names(other):
                pass
            made.append(other.session("mine").create("the new one"))

        maker = threading.Thread(target=make)
        maker.start()
        with cut.armed():
            slow.session("mine").delete()
        maker.join(20)
        assert len(made) == 1
        assert other.session("mine").info().note == "the new one"


def test_lensctl_asks_again(daemon: Daemon, cut: Cut, tmp_path: Path) -> None:
    def lensctl(*arguments: str | Path) -> None:
        done = subprocess.run(
            [LENSCTL, "--socket", cut.path, *arguments], capture_output=True, text=True, env=environment(), check=False
        )
        assert (done.returncode, done.stderr) == (0, "")

    with cut.armed():
        lensctl("sessions", "create", "first")
    lensctl("run", STORY, "--session", "first")
    with cut.armed():
        lensctl("sessions", "rename", "first", "second")
    lensctl("sessions", "export", "second", "--out", tmp_path / "file.zip")
    with cut.armed():
        lensctl("sessions", "import", tmp_path / "file.zip", "--name", "copy")
    with cut.armed():
        lensctl("sessions", "delete", "second")
    with daemon.connect() as client:
        assert names(client) == {"copy"}
        assert len(client.session("copy").runs()) == 1


def test_without_a_retry_nobody_knows(cut: Cut) -> None:
    """The test can fail: a client that does not ask again hears of the loss, though the change was made."""
    with lensd.connect(cut.path, retry=None) as client:
        with cut.armed(), pytest.raises(lensd.Unavailable):
            client.session("first").create()
        assert names(client) == {"first"}
        with pytest.raises(lensd.AlreadyExists):
            client.session("first").create()


def test_a_kill_within_an_import_leaves_nothing(daemon: Daemon) -> None:
    filled(daemon, "out", 1)
    with daemon.connect() as client:
        part = list(client.channel.stream(EXPORT_SESSION, ExportSessionRequest(name=b"out")))[1].part
        exchange = client.channel.exchange(IMPORT_SESSION, ImportMessage(start=ImportStart(name=b"in")))
        exchange.send(ImportMessage(part=part))
        assert next(iter(exchange)).run_count == 1
        assert names(client) == {"out", "in"}
        daemon.kill()
    daemon.start()
    with daemon.connect() as client:
        assert names(client) == {"out"}

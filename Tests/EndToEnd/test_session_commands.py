"""lensctl sessions: names, notes, sharing, files, replays, against a real daemon."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
import zipfile
from pathlib import Path

import lensd
import pytest
from lensd._proto.sessions_pb2 import ExportSessionRequest, ImportMessage, ImportStart
from lensd.methods import EXPORT_SESSION, IMPORT_SESSION

from daemon import BINARY, TINY, Daemon
from test_lensctl import LENSCTL, STORY, ask, lensctl, refused

GRANTEE, STRANGER = 48211, 48212


def test_names_notes_and_search(daemon: Daemon) -> None:
    made = ask(daemon, "sessions", "create", "ioi", "--note", "second try")["session"]
    assert (made["name"], made["address"], made["note"], made["runs"]) == ("ioi", "ioi", "second try", 0)
    refused(lensctl("sessions", "create", "ioi", daemon=daemon), 1, "already")
    refused(lensctl("sessions", "create", "a/b", daemon=daemon), 65, "no '/'")
    run = ask(daemon, "run", STORY, "--session", "ioi")["run"]
    ask(daemon, "sessions", "note", "last", "head 8\nagain ü")
    ask(daemon, "sessions", "note", "--of", "ioi", "third try")
    refused(lensctl("sessions", "note", "last", "\x1b[31m", daemon=daemon), 65, "printable")
    refused(lensctl("sessions", "note", "last", daemon=daemon), 64, "RUN TEXT")
    assert ask(daemon, "sessions", "rename", "ioi", "names") == {"schema": 1, "renamed": "ioi", "to": "names"}
    shown = ask(daemon, "sessions", "show", "names")
    assert shown["session"]["note"] == "third try"
    assert shown["runs"][0]["note"] == "head 8\nagain ü"
    found = ask(daemon, "sessions", "search", "HEAD 8")
    assert [(each["run"], each["session"]) for each in found["runs"]] == [(run, "names")]
    assert ask(daemon, "sessions", "search", "red ball")["runs"][0]["run"] == run
    assert [each["name"] for each in ask(daemon, "sessions", "search", "third")["sessions"]] == ["names"]
    assert ask(daemon, "query", "names:last", "z0", "--head", "0")["run"] == run


def test_lists_stay_within_80_columns(daemon: Daemon) -> None:
    name = "n" * 64
    ask(daemon, "ablate", STORY, "--session", name)
    ask(daemon, "run", STORY * 2, "--session", name, "--edit", "zero z0 head=" + ",".join(map(str, range(16))))
    ask(daemon, "sessions", "note", "last", "a note")
    for arguments in (["list"], ["show", name], ["search", "Tom"], ["replay", name]):
        for line in lensctl("sessions", *arguments, daemon=daemon).stdout.decode().splitlines():
            # A session's own name and notes are shown whole above its runs.
            assert len(line) <= 80 or line.startswith(name), line
    effects = ask(daemon, "sessions", "show", name)["runs"][1]["effects"]
    assert len(effects) == 3
    assert abs(effects[0]["delta"]) >= abs(effects[1]["delta"]) >= abs(effects[2]["delta"]) > 0


def test_pages(daemon: Daemon) -> None:
    runs = [ask(daemon, "run", STORY, "--top", str(top))["run"] for top in (1, 2, 3)][::-1]
    first = ask(daemon, "sessions", "show", "--limit", "2")
    assert ([run["run"] for run in first["runs"]], first["more"]) == (runs[:2], True)
    rest = ask(daemon, "sessions", "show", "--before", runs[1])
    assert ([run["run"] for run in rest["runs"]], rest["more"]) == (runs[2:], False)


def test_a_session_travels(daemon: Daemon, tmp_path: Path) -> None:
    for command in (
        ["run", STORY, "--edit", "scale z0 0.5 head=3"],
        ["ablate", STORY],
        ["generate", STORY, "-n", "4", "--seed", "3"],
    ):
        ask(daemon, *command, "--session", "out")
    ask(daemon, "sessions", "note", "last", "the last one")
    file = tmp_path / "out.zip"
    assert ask(daemon, "sessions", "export", "out", "--out", file, "--activations", "pattern0, z0")["runs"] == 3
    assert file.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert sum(name.endswith(".safetensors") for name in archive.namelist()) == 3
        exported = [json.loads(archive.read(run["file"])) for run in json.loads(archive.read("manifest.json"))["runs"]]
    assert ask(daemon, "sessions", "import", file, "--name", "in")["session"]["runs"] == 3
    refused(lensctl("sessions", "import", file, "--name", "in", daemon=daemon), 1, "already")
    again = tmp_path / "again.zip"
    ask(daemon, "sessions", "export", "in", "--out", again)
    with zipfile.ZipFile(again) as archive:
        returned = [json.loads(archive.read(run["file"])) for run in json.loads(archive.read("manifest.json"))["runs"]]
    for first, second in zip(exported, returned, strict=True):
        assert second["imported"]
        assert {**first, "id": 0, "imported": 0} == {**second, "id": 0, "imported": 0}
    # What came from a file is queried and replayed as what was run here.
    assert ask(daemon, "query", "in:last", "resid_post0", "--pos", "-1")["shape"]
    replayed = ask(daemon, "sessions", "replay", "in")
    assert replayed["same"]
    assert [run["outcome"] for run in replayed["runs"]] == ["same"] * 3
    ask(daemon, "sessions", "export", "in", "--html", tmp_path / "in.html", "--markdown", tmp_path / "in.md")
    assert "the last one" in (tmp_path / "in.html").read_text()
    assert "the last one" in (tmp_path / "in.md").read_text()


def test_an_import_that_is_cut_short_leaves_nothing(daemon: Daemon) -> None:
    ask(daemon, "run", STORY, "--session", "out")
    with daemon.connect() as client:
        events = list(client.channel.stream(EXPORT_SESSION, ExportSessionRequest(name=b"out")))
        part = events[1].part
        exchange = client.channel.exchange(IMPORT_SESSION, ImportMessage(start=ImportStart(name=b"in")))
        exchange.send(ImportMessage(part=part))
        assert next(iter(exchange)).run_count == 1
        assert {each.name for each in client.sessions()} == {"out", "in"}
        exchange.cancel()
        give_up_at = time.monotonic() + 5
        while len(client.sessions()) > 1:
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        part.json = part.json[:-9]
        exchange = client.channel.exchange(IMPORT_SESSION, ImportMessage(start=ImportStart(name=b"in")))
        exchange.send(ImportMessage(part=part))
        with pytest.raises(lensd.InvalidArgument, match="run 0 of the file"):
            list(exchange)
        assert [each.name for each in client.sessions()] == ["out"]


def test_a_file_that_was_tampered_with(daemon: Daemon, tmp_path: Path) -> None:
    """A recipe with the right fingerprint and tokens that the model does not have is refused when it is used."""
    ask(daemon, "run", "--ids", "1,2,3", "--session", "out")
    file, bad = tmp_path / "out.zip", tmp_path / "bad.zip"
    ask(daemon, "sessions", "export", "out", "--out", file)
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(bad, "w") as spoilt:
        for name in archive.namelist():
            text = archive.read(name).decode()
            spoilt.writestr(name, text.replace("[[1,2,3]]", "[[1,2,2000000000]]"))
    ask(daemon, "sessions", "import", bad, "--name", "bad")
    refused(lensctl("query", "bad:last", "z0", daemon=daemon), 65, "2000000000")
    refused(lensctl("run", "--ids", "1,2,3", "--edit", "patch z0 from=bad:last", daemon=daemon), 65, "")
    replayed = lensctl("sessions", "replay", "bad", "--json", daemon=daemon)
    assert replayed.returncode == 1
    assert json.loads(replayed.stdout)["runs"][0]["outcome"] == "failed"
    refused(lensctl("sessions", "import", TINY / "config.json", daemon=daemon), 65, "zip")
    assert ask(daemon, "status")


def test_replay_finds_what_differs(daemon: Daemon) -> None:
    same = ask(daemon, "run", STORY, "--session", "r")["run"]
    changed = ask(daemon, "run", STORY, "--session", "r", "--edit", "zero z0 head=1")["run"]
    sweep = ask(daemon, "ablate", STORY, "--session", "r")["run"]
    assert daemon.stop() == 0
    database = sqlite3.connect(daemon.state / "lensd.sqlite")
    (result,) = database.execute("SELECT result FROM runs WHERE hex(id) = ?", (changed.upper(),)).fetchone()
    stored = json.loads(result)
    stored["loss"] += 0.25
    database.execute("UPDATE runs SET result = ? WHERE hex(id) = ?", (json.dumps(stored).encode(), changed.upper()))
    database.execute("UPDATE runs SET fingerprint = 'abcdef' WHERE hex(id) = ?", (sweep.upper(),))
    database.commit()
    database.close()
    daemon.start()
    done = lensctl("sessions", "replay", "r", "--json", daemon=daemon)
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert not answer["same"]
    found = {run["run"]: run for run in answer["runs"]}
    assert found[same]["outcome"] == "same"
    assert found[changed]["outcome"] == "differs"
    assert abs(found[changed]["loss_difference"] - 0.25) < 1e-4
    assert found[sweep]["outcome"] == "differs"
    assert "weights were abcdef" in found[sweep]["remark"]
    # The unspoilt one alone.
    assert ask(daemon, "sessions", "replay", "r", same[:12], "--into", "copy")["same"]
    assert ask(daemon, "sessions", "show", "copy")["session"]["runs"] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="several users need root")
def test_sharing_between_users(folder: Path) -> None:
    """The daemon and its socket's owner are one user, whose sessions two others ask for."""
    folder.chmod(0o755)
    own = folder / "own"
    own.mkdir(mode=0o755)
    prefixes = {uid: ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] for uid in (GRANTEE, STRANGER)}
    if subprocess.run([*prefixes[GRANTEE], BINARY, "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"uid {GRANTEE} may not run {BINARY}")
    daemon = Daemon(own, "--model", f"tiny={TINY}")
    daemon.start()
    daemon.socket.chmod(0o666)

    def as_user(uid: int, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        command = [*prefixes[uid], str(LENSCTL), *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, check=False, timeout=60, env=daemon.env | {"LENSD_SOCKET": str(daemon.socket)}
        )

    try:
        run = ask(daemon, "run", STORY, "--session", "secret")["run"]
        shared = ask(daemon, "sessions", "share", "secret", "--with", str(GRANTEE))["shared_with"]
        assert [each["uid"] for each in shared] == [GRANTEE]
        listed = json.loads(as_user(GRANTEE, "sessions", "--json").stdout)["sessions"]
        assert [(each["address"], each["read_only"]) for each in listed] == [("root/secret", True)]
        for words in (
            ["sessions", "show", "root/secret"], ["sessions", "show", "0/secret"], ["query", "root/secret:last", "z0"],
            ["query", run, "z0"], ["sessions", "replay", "root/secret", "--into", "mine"],
        ):  # fmt: skip
            assert as_user(GRANTEE, *words).returncode == 0, words
        for words in (
            ["delete", "root/secret"], ["rename", "root/secret", "x"], ["share", "root/secret", "--with", "1"],
            ["note", run, "mine"], ["note", "--of", "root/secret", "mine"],
        ):  # fmt: skip
            done = as_user(GRANTEE, "sessions", *words)
            assert (done.returncode, b"only its owner" in done.stderr) == (77, True), words
        assert b"no '/'" in as_user(GRANTEE, "run", STORY, "--session", "root/secret").stderr
        # To a stranger nothing is there: what he is told is what he would be told of anything else.
        for words in (
            ["sessions", "show", "NAME"], ["sessions", "delete", "NAME"], ["sessions", "rename", "NAME", "x"],
            ["sessions", "share", "NAME", "--with", "1"], ["sessions", "note", "--of", "NAME", "mine"],
            ["sessions", "replay", "NAME"], ["sessions", "export", "NAME", "--html", "/dev/null"],
            ["query", "NAME:last", "z0"], ["query", f"NAME:{run}", "z0"],
        ):  # fmt: skip
            told = as_user(STRANGER, *[word.replace("NAME", "root/secret") for word in words])
            absent = as_user(STRANGER, *[word.replace("NAME", "root/nothing") for word in words])
            assert told.returncode == absent.returncode == 65, told.stderr
            assert told.stderr.replace(b"secret", b"nothing") == absent.stderr
        told, absent = as_user(STRANGER, "query", run, "z0"), as_user(STRANGER, "query", run[::-1], "z0")
        assert told.stderr.replace(run.encode(), run[::-1].encode()) == absent.stderr
        assert json.loads(as_user(STRANGER, "sessions", "search", "Tom", "--json").stdout)["runs"] == []
        ask(daemon, "sessions", "unshare", "secret", "--with", str(GRANTEE))
        assert as_user(GRANTEE, "sessions", "show", "root/secret").returncode == 65
        assert as_user(GRANTEE, "query", run, "z0").returncode == 65
        refused(lensctl("sessions", "share", "secret", "--with", "no-such-user", daemon=daemon), 65, "no user of this")
    finally:
        assert daemon.stop() == 0, daemon.log()

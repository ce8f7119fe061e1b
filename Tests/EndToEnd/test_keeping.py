"""What the administrator does with the store of sessions, on a daemon that serves."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import lensd
import pytest
from lensd._proto.common_pb2 import Prompt, TokenPrompt
from lensd._proto.run_pb2 import RunRequest
from lensd._proto.sessions_pb2 import DeleteSessionRequest, ListSessionsRequest, ShowSessionRequest
from lensd._proto.store_pb2 import (
    AccountChoice,
    BackupRequest,
    CheckStoreRequest,
    PurgeRequest,
    ReassignRequest,
    StoreUsageRequest,
)
from lensd.methods import (
    BACKUP,
    CHECK_STORE,
    DELETE_SESSION,
    LIST_SESSIONS,
    PURGE,
    REASSIGN,
    RUN,
    SHOW_SESSION,
    STORE_USAGE,
)

from daemon import BINARY, Daemon, environment, refusal

LENSCTL = BINARY.with_name("lensctl")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="other users, and mounting, need root")


def run(client: lensd.Client, session: str = "default", length: int = 3) -> str:
    prompt = Prompt(tokens=TokenPrompt(ids=[1] * length))
    return client.channel.unary(RUN, RunRequest(session=session.encode(), prompts=[prompt])).run_id.decode()


def run_for_ever(client: lensd.Client, session: str) -> Iterator[str]:
    """Records until it is refused."""
    while True:
        yield run(client, session, length=48)


def sessions(client: lensd.Client) -> list[str]:
    return sorted(each.name.decode() for each in client.channel.unary(LIST_SESSIONS, ListSessionsRequest()).sessions)


def runs(client: lensd.Client, session: str = "default") -> list[str]:
    reply = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=session.encode()))
    return [each.id.decode() for each in reply.runs]


def lensctl(daemon: Daemon, *arguments: str | Path, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, LENSCTL, "--socket", daemon.socket, *arguments], capture_output=True, text=True, timeout=60,
        env=environment(),
    )  # fmt: skip


def configure(daemon: Daemon, text: str) -> None:
    path = daemon.folder / "lensd.toml"
    path.write_text(text)
    path.chmod(0o600)
    if "--config" not in daemon.arguments:
        daemon.arguments = (*daemon.arguments, "--config", str(path))


# Quotas


def test_quotas_are_kept(stopped: Daemon) -> None:
    configure(stopped, '[quota]\nsessions = 2\nstored = "100K"\n')
    stopped.start()
    with stopped.connect() as client:
        first = run(client, "one")
        run(client, "two")
        with pytest.raises(lensd.ResourceExhausted, match=r"the quota 'sessions' is 2, and you have 2.*such as 'one'"):
            run(client, "three")
        with pytest.raises(lensd.ResourceExhausted, match=r"the quota 'stored' is 102400 bytes.*such as 'two'"):
            list(run_for_ever(client, "two"))
        # What reads, what is not recorded and what deletes goes on.
        assert client.query(first, "z0").shape[1] == 3
        assert client.channel.unary(RUN,
            RunRequest(prompts=[Prompt(tokens=TokenPrompt(ids=[1, 2]))], unrecorded=True)
        ).run_id == b""  # fmt: skip
        client.channel.unary(DELETE_SESSION, DeleteSessionRequest(name=b"two"))
        run(client, "three")
        assert sessions(client) == ["one", "three"]


# Retention


def test_old_runs_go(stopped: Daemon) -> None:
    stopped.start()
    with stopped.connect() as client:
        old = [run(client, "old") for _ in range(5)]
        new = run(client, "new")
    assert stopped.stop() == 0
    database = sqlite3.connect(stopped.state / "lensd.sqlite")
    for run_id in old:
        database.execute("UPDATE runs SET created = created - 40 * 86400 WHERE id = ?", [bytes.fromhex(run_id)])
    database.execute("UPDATE sessions SET updated = updated - 40 * 86400 WHERE name = 'old'")
    database.commit()
    database.close()
    configure(stopped, "[retention]\ndays = 30\n")
    stopped.start()
    with stopped.connect() as client:
        deadline = threading.Event()
        for _ in range(100):
            if "old runs deleted" in stopped.log():
                break
            deadline.wait(0.05)
        assert sessions(client) == ["new"]
        assert runs(client, "new") == [new]
    assert "runs=5" in stopped.log()


# Who is who


def passwd(folder: Path, uid: int, name: str | None) -> Path:
    """A password file in which a uid is a certain account's; written in place, since it lies over the system's."""
    path = folder / "passwd"
    lines = [line for line in Path("/etc/passwd").read_text().splitlines() if line.split(":")[2] != str(uid)]
    if name is not None:
        lines.append(f"{name}:x:{uid}:{uid}::/nonexistent:/bin/false")
    path.write_text("\n".join(lines) + "\n")
    return path


def connect(daemon: Daemon, uid: int) -> lensd.Client:
    """Connects as another user: the kernel tells the effective uid of that moment."""
    os.seteuid(uid)
    try:
        client = daemon.connect()
        client.status()
        return client
    finally:
        os.seteuid(0)


def open_to_everybody(daemon: Daemon) -> Daemon:
    configure(daemon, 'socket_mode = "0666"\n')
    daemon.folder.chmod(0o755)
    return daemon


@as_root
def test_a_reused_uid_inherits_nothing(stopped: Daemon) -> None:
    uid = 54321
    passwd(stopped.folder, uid, "anna")
    script = f'mount --bind {stopped.folder}/passwd /etc/passwd && exec "$@"'
    if subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", "true"], check=False).returncode != 0:
        pytest.skip("this root may not mount")
    open_to_everybody(stopped).start(prefix=["unshare", "-m", "sh", "-c", script, "sh"])
    with connect(stopped, uid) as anna:
        hers = run(anna)
        passwd(stopped.folder, uid, "berta")
        assert sessions(anna) == []
        with pytest.raises(lensd.NotFound) as hidden:
            anna.query(hers, "z0")
        absent = "0" * 32
        with pytest.raises(lensd.NotFound) as none:
            anna.query(absent, "z0")
        assert str(hidden.value).replace(hers, absent) == str(none.value)
        theirs = run(anna)
        assert runs(anna) == [theirs]
    usage = json.loads(lensctl(stopped, "store", "--json").stdout)
    assert {(each["account"], each["present"]) for each in usage["accounts"]} == {("anna", False), ("berta", True)}
    refused = lensctl(stopped, "sessions", "purge", "--uid", str(uid))
    assert refused.returncode == 1
    assert "several accounts" in refused.stderr
    done = lensctl(stopped, "sessions", "purge", "--uid", str(uid), "--account", "anna")
    assert done.returncode == 0, done.stderr
    with connect(stopped, uid) as berta:
        assert runs(berta) == [theirs]
        # The account is renamed, and the administrator says that it is the same person.
        passwd(stopped.folder, uid, "berta-maria")
        assert sessions(berta) == []
        done = lensctl(stopped, "store", "reassign", "--uid", str(uid), "--to", str(uid))
        assert done.returncode == 0, done.stderr
        assert runs(berta) == [theirs]


@as_root
def test_only_the_administrator_looks_after_the_store(stopped: Daemon) -> None:
    open_to_everybody(stopped).start()
    with connect(stopped, 54321) as client:
        run(client)
        channel = client.channel
        for call in (
            lambda: channel.unary(STORE_USAGE, StoreUsageRequest()),
            lambda: channel.unary(PURGE, PurgeRequest(uid=54321)),
            lambda: channel.unary(PURGE, PurgeRequest(uid=1, account=AccountChoice(every=True))),
            lambda: channel.unary(REASSIGN, ReassignRequest(uid=1, new_uid=54321)),
            lambda: channel.unary(CHECK_STORE, CheckStoreRequest()),
            lambda: list(channel.stream(BACKUP, BackupRequest())),
        ):
            with pytest.raises(lensd.PermissionDenied):
                call()
        assert len(runs(client)) == 1
    assert lensctl(stopped, "sessions", "purge", "--uid", "54321").returncode == 0
    with connect(stopped, 54321) as client:
        assert sessions(client) == []


# Backup and restore


def test_a_backup_is_taken_while_calls_go_on_and_restored(daemon: Daemon) -> None:
    backup = daemon.folder / "backup.sqlite"
    with daemon.connect() as client:
        before = [run(client, length=40) for _ in range(50)]
        stop = threading.Event()
        meanwhile: list[str] = []

        def write() -> None:
            with daemon.connect() as other:
                while not stop.is_set():
                    meanwhile.append(run(other, "meanwhile"))

        writer = threading.Thread(target=write)
        writer.start()
        done = lensctl(daemon, "store", "backup", backup, "--json")
        stop.set()
        writer.join()
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["bytes"] == backup.stat().st_size
        assert backup.stat().st_mode & 0o777 == 0o600
        run(client, "later")
    assert [each.name for each in daemon.state.iterdir() if "copying" in each.name] == []

    assert refusal("--state", str(daemon.state), "--socket", str(daemon.socket), "--restore", str(backup))[0] == 75
    daemon.kill()
    done = subprocess.run(
        [*daemon.command, "--restore", str(backup)], capture_output=True, text=True, timeout=60, env=daemon.env
    )
    assert done.returncode == 0, done.stderr
    (aside,) = daemon.state.glob("lensd.sqlite.before-restore-*")
    assert str(aside) in done.stdout
    daemon.start()
    with daemon.connect() as client:
        assert runs(client) == before[::-1]
        assert "later" not in sessions(client)
        assert client.query(before[0], "z0").shape[1] == 40
        if "meanwhile" in sessions(client):
            found = runs(client, "meanwhile")[::-1]
            assert found == meanwhile[: len(found)]
    # What was set aside has everything, and is a backup itself.
    assert daemon.stop() == 0
    subprocess.run([*daemon.command, "--restore", aside], check=True, capture_output=True, timeout=60, env=daemon.env)
    daemon.start()
    with daemon.connect() as client:
        assert sessions(client) == ["default", "later", "meanwhile"]
        assert len(runs(client, "meanwhile")) == min(len(meanwhile), 1000)


def test_backups_into_a_folder_have_names(daemon: Daemon) -> None:
    folder = daemon.folder / "backups"
    folder.mkdir()
    done = lensctl(daemon, "store", "backup", folder)
    assert done.returncode == 0, done.stderr
    (file,) = folder.iterdir()
    assert file.name.startswith("lensd-")
    assert file.suffix == ".sqlite"
    assert sqlite3.connect(file).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    done = lensctl(daemon, "store", "backup", daemon.folder / "missing" / "file")
    assert done.returncode == 65


def test_a_file_that_is_no_backup_changes_nothing(daemon: Daemon) -> None:
    with daemon.connect() as client:
        kept = run(client)
    assert daemon.stop() == 0
    wrong = daemon.folder / "wrong"
    wrong.write_bytes(b"no database" * 1000)
    before = (daemon.state / "lensd.sqlite").read_bytes()
    code, message = refusal(*daemon.command[1:], "--restore", str(wrong))
    assert code == 65
    assert "Nothing was changed" in message
    assert (daemon.state / "lensd.sqlite").read_bytes() == before
    daemon.start()
    with daemon.connect() as client:
        assert runs(client) == [kept]


def test_a_newer_lensd_is_left_by_restoring_the_copy_from_before(daemon: Daemon) -> None:
    """The newer one's database is refused; one command brings back what there was before, and keeps the newer one."""
    with daemon.connect() as client:
        kept = run(client)
    assert daemon.stop() == 0
    database = daemon.state / "lensd.sqlite"
    copy = daemon.state / "lensd.sqlite.before-migration-20260101T000000Z"
    copy.write_bytes(database.read_bytes())
    connection = sqlite3.connect(database)
    connection.execute("INSERT INTO grdb_migrations VALUES ('9 from the future')")
    connection.commit()
    connection.close()
    newer = database.read_bytes()
    code, message = refusal(*daemon.command[1:])
    assert code == 65
    assert "--restore" in message
    subprocess.run([*daemon.command, "--restore", copy], check=True, capture_output=True, timeout=60, env=daemon.env)
    daemon.start()
    with daemon.connect() as client:
        assert runs(client) == [kept]
    (aside,) = daemon.state.glob("lensd.sqlite.before-restore-*")
    assert aside.read_bytes() == newer


def test_a_check_says_whether_the_store_is_sound(daemon: Daemon) -> None:
    with daemon.connect() as client:
        run(client)
    done = lensctl(daemon, "store", "check", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["sound"] is True
    assert daemon.stop() == 0
    connection = sqlite3.connect(daemon.state / "lensd.sqlite")
    connection.execute("UPDATE owners SET stored_bytes = 1")
    connection.commit()
    connection.close()
    daemon.start()
    done = lensctl(daemon, "store", "check")
    assert done.returncode == 1
    assert "sums of owner" in done.stdout


# A full disk


@contextlib.contextmanager
def small_disk(path: Path, size: str = "16m") -> Iterator[Path]:
    """A disk on which a filler takes all the room until it is removed."""
    path.mkdir(mode=0o700)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "lensd-e2e", path], check=False)
    if done.returncode != 0:
        pytest.skip("this root may not mount")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@as_root
def test_a_full_disk_at_every_point(stopped: Daemon) -> None:
    """Writing, backing up, deleting, retention, starting: the right status, no harm, and it goes on by itself."""
    filler = stopped.state / "filler"
    with small_disk(stopped.state):
        configure(stopped, "[retention]\ndays = 10000\n")
        stopped.start()
        try:
            with stopped.connect() as client:
                for _ in range(3):
                    kept = [run(client, "kept", length=40) for _ in range(20)]
                    doomed = f"doomed {len(kept)}"
                    run(client, doomed)
                    fill(filler)
                    written: list[str] = []
                    with pytest.raises(lensd.ResourceExhausted, match="full"):
                        written.extend(run_for_ever(client, "kept"))
                    kept += written
                    done = lensctl(stopped, "store", "backup", stopped.folder / "backup")
                    assert done.returncode == 75, done.stderr
                    assert not (stopped.state / "lensd.sqlite.copying").exists()
                    assert lensctl(stopped, "store", "check").returncode == 0
                    assert client.query(kept[0], "z0").shape[1] == 40
                    # Deleting may or may not find the room that it needs; it does no harm.
                    with contextlib.suppress(lensd.ResourceExhausted):
                        client.channel.unary(DELETE_SESSION, DeleteSessionRequest(name=doomed.encode()))
                    assert runs(client, "kept")[: len(kept)] == kept[::-1]
                    filler.unlink()
                    assert run(client, "kept")
                    client.channel.unary(DELETE_SESSION, DeleteSessionRequest(name=b"kept"))
                assert lensctl(stopped, "store", "backup", stopped.folder / "backup").returncode == 0
                kept = [run(client, "kept")]
            stopped.kill()
            # A start on a full disk may say so and end; it harms nothing.
            fill(filler)
            started = False
            with contextlib.suppress(AssertionError):
                stopped.start()
                started = True
            assert started or "full" in stopped.log()
            filler.unlink()
            if not started:
                stopped.start()
            with stopped.connect() as client:
                assert runs(client, "kept") == kept
                run(client)
            assert lensctl(stopped, "store", "check").returncode == 0
            assert stopped.stop() == 0
        finally:
            if stopped.process is not None and stopped.process.poll() is None:
                stopped.kill()


@as_root
def test_a_full_disk_stops_a_migration_and_harms_nothing(stopped: Daemon) -> None:
    """The copy that is made before a migration has no room: the start fails, the database is as it was."""
    filler = stopped.state / "filler"
    with small_disk(stopped.state):
        stopped.start()
        with stopped.connect() as client:
            kept = [run(client, length=48) for _ in range(100)]
        assert stopped.stop() == 0
        database = stopped.state / "lensd.sqlite"
        connection = sqlite3.connect(database)
        # As the version before left it.
        connection.executescript("DELETE FROM grdb_migrations WHERE identifier LIKE '5 %';" + BACK_TO_FOUR)
        connection.commit()
        connection.close()
        before = database.read_bytes()
        fill(filler)
        code, message = refusal(*stopped.command[1:])
        assert code == 1
        assert "full" in message
        assert database.read_bytes() == before
        assert [each.name for each in stopped.state.iterdir() if "partial" in each.name] == []
        filler.unlink()
        stopped.start()
        try:
            assert "was migrated" in stopped.log()
            with stopped.connect() as client:
                assert runs(client) == kept[::-1]
            assert stopped.stop() == 0
        finally:
            if stopped.process is not None and stopped.process.poll() is None:
                stopped.kill()


BACK_TO_FOUR = """
    DROP TRIGGER session_added; DROP TRIGGER session_deleted;
    DROP TRIGGER run_added; DROP TRIGGER run_deleted;
    DROP TRIGGER run_bytes_added; DROP TRIGGER run_bytes_deleted;
    DROP TRIGGER run_bytes_changing; DROP TRIGGER run_bytes_changed;
    DROP VIEW run_sizes; DROP INDEX runs_of_owner; DROP TABLE owners;
    ALTER TABLE sessions DROP COLUMN stored_bytes;
"""

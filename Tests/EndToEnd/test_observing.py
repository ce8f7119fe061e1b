"""What a daemon tells of what it does: its log, its metrics, who has what; and what it must not tell."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lensd
import pytest
from lensd._proto.daemon_pb2 import ActivityRequest, UsageReply, UsageRequest
from lensd.methods import ACTIVITY, Method
from prometheus_client.parser import text_string_to_metric_families

from daemon import BINARY, TINY, Daemon, environment

CANARY = "xylophonequark"
USERS = (12345, 23456)
LENSCTL = BINARY.parent / "lensctl"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="other users need root")


def lensctl(daemon: Daemon, *arguments: str, uid: int = os.geteuid()) -> subprocess.CompletedProcess[str]:
    prefix = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"] if uid != os.geteuid() else []
    return subprocess.run(
        [*prefix, str(LENSCTL), "--socket", str(daemon.socket), *arguments],
        capture_output=True, text=True, timeout=60, env=environment(), check=False,
    )  # fmt: skip


@contextlib.contextmanager
def connected(daemon: Daemon, uid: int) -> Iterator[lensd.Client]:
    """A client of another user's: the kernel goes by who connects."""
    os.seteuid(uid)
    try:
        client = daemon.connect()
    finally:
        os.seteuid(0)
    with client:
        yield client


def open_daemon(folder: Path, text: str = "", models: Sequence[str] = ("tiny",)) -> Daemon:
    """A daemon that every user may connect to."""
    folder.chmod(0o755)
    file = folder / "lensd.toml"
    names = "".join(f'[[model]]\nname = "{name}"\npath = "{TINY}"\n' for name in models)
    file.write_text('socket_mode = "0666"\n' + text + "\n" + names)
    file.chmod(0o600)
    return Daemon(folder, "--config", str(file)).start()


def until(condition: Any, what: str) -> None:
    give_up_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_at, what
        time.sleep(0.02)


# The log.


def calls(log: str) -> list[dict[str, str]]:
    """The log's lines of calls, by key."""
    return [
        dict(field.split("=", 1) for field in line.split(" call ", 1)[1].split())
        for line in log.splitlines()
        if " info call " in line
    ]


def test_every_call_has_its_line(daemon: Daemon) -> None:
    with daemon.connect() as client:
        client.model()("Once upon a time", return_type="loss")
        with pytest.raises(lensd.NotFound):
            client.query("0123", "z0")
        with pytest.raises(lensd.Unimplemented):
            client.channel.unary(Method(f"/lens.v1.Inference/{CANARY}", UsageRequest, UsageReply), UsageRequest())
    until(lambda: len(calls(daemon.log())) >= 4, daemon.log())
    lines = calls(daemon.log())
    assert all(set(line) == {"connection", "request", "uid", "method", "status", "ms", "wait_ms"} for line in lines)
    assert {line["uid"] for line in lines} == {str(os.geteuid())}
    assert len({line["request"] for line in lines}) == len(lines)
    assert all(line["request"].startswith(line["connection"] + ".") for line in lines)
    seen = {(line["method"].rsplit("/", 1)[-1], line["status"]) for line in lines}
    assert {("Run", "OK"), ("Query", "NOT_FOUND"), ("unknown", "UNIMPLEMENTED")} <= seen
    run = next(line for line in lines if line["method"].endswith("/Run"))
    assert 0 <= float(run["wait_ms"]) <= float(run["ms"]) < 60_000
    first = next(line for line in daemon.log().splitlines() if " info call " in line)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info call connection=", first)


def test_nothing_that_a_user_typed_is_logged(stopped: Daemon) -> None:
    """Everything a user can type has the canary in it, in calls that work and in calls that do not."""
    stopped.env["LENSD_LOG"] = "trace"
    stopped.start()
    text = f"Once {CANARY} upon"
    with stopped.connect(session=CANARY) as client:
        model = client.model()
        attempts = [
            lambda: model(text, return_type="loss"),
            lambda: model.run_with_cache(text)[1]["z0"],
            lambda: model.to_tokens(text),
            lambda: model.generate(text, max_new_tokens=3, stop=CANARY),
            lambda: model.ablate_heads(text),
            lambda: model.sweep(model.to_tokens(text), lensd.zero("z"), ("head",), [lensd.metrics.logit(CANARY)]),
            lambda: model.attention_html(text),
            lambda: model.run_with_interventions(text, [lensd.zero(CANARY)], return_type="loss"),
            lambda: model.run_with_interventions(text, [lensd.zero("z0", head=99)], return_type="loss"),
            lambda: client.model(CANARY),
            lambda: client.query(CANARY, "z0"),
            lambda: client.query("last", CANARY),
            lambda: client.load_model(CANARY),
            lambda: client.channel.unary(Method(f"/{CANARY}", UsageRequest, UsageReply), UsageRequest()),
            lambda: stopped.connect(session=f"/{CANARY}/").model()(text),
        ]
        worked = 0
        for attempt in attempts:
            with contextlib.suppress(lensd.LensError):
                attempt()
                worked += 1
        assert worked >= 6
    for arguments in (
        ["run", text], ["ablate", text], ["tokens", text], ["--session", CANARY, "run", text],
        ["sessions", "list"], ["sessions", "show", CANARY], ["sessions", "create", f"{CANARY}-2", "--note", text],
        ["--session", CANARY, "sessions", "note", "last", text], ["sessions", "note", "--of", CANARY, text],
        ["sessions", "rename", f"{CANARY}-2", f"{CANARY}-3"], ["sessions", "search", CANARY],
        ["sessions", "share", CANARY, "--with", "4711"], ["sessions", "delete", CANARY],
        ["sessions", "show", f"no-{CANARY}"], ["query", CANARY, "z0"],
    ):  # fmt: skip
        lensctl(stopped, *arguments)
    assert stopped.stop() == 0
    log = stopped.log()
    assert len(calls(log)) > 20
    assert CANARY not in log.lower()
    # The check can fail: the log says everything else of the calls.
    assert "/lens.v1.Inference/Run" in log


def test_the_log_as_json(folder: Path) -> None:
    daemon = open_daemon(folder, 'log = "json"')
    with daemon.connect() as client:
        client.status()
        with pytest.raises(lensd.NotFound):
            client.model("absent")
    assert daemon.stop() == 0
    lines = [json.loads(line) for line in daemon.log().splitlines() if not line.startswith("lensd ready: ")]
    assert all({"time", "level", "message"} <= set(line) for line in lines)
    call = next(line for line in lines if line["message"] == "call")
    assert call["uid"] == os.geteuid()
    assert isinstance(call["request"], str)
    assert isinstance(call["ms"], float | int)
    assert call["method"].startswith("/lens.v1.")


def test_the_journal_gets_priorities(stopped: Daemon) -> None:
    stopped.log_file.touch()
    status = stopped.log_file.stat()
    stopped.env["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
    stopped.start()
    with stopped.connect() as client:
        client.status()
    assert stopped.stop() == 0
    lines = [line for line in stopped.log().splitlines() if not line.startswith("lensd ready: ")]
    assert all(re.match(r"<[2-7]>\D", line) for line in lines), lines
    assert any(line.startswith("<6>call connection=") for line in lines)
    # Standard error that went elsewhere since is no journal.
    stopped.env["JOURNAL_STREAM"] = f"{status.st_dev}:1"
    stopped.start()
    assert stopped.stop() == 0
    assert not any(line.startswith("<") for line in stopped.log().splitlines())


def test_nobody_reads_the_log(folder: Path) -> None:
    """Who holds the daemon's standard error and does not read it loses lines, and nobody loses an answer."""
    (folder / "lensd.toml").write_text('log = "json"\n')
    daemon = Daemon(folder, "--config", str(folder / "lensd.toml"), "--model", f"tiny={TINY}")
    process = subprocess.Popen(daemon.command, stderr=subprocess.PIPE, env=daemon.env)
    daemon.process = process
    assert process.stderr is not None
    ready = next(line for line in process.stderr if b" ready" in line)
    # Of about 200 bytes a line: the pipe, what the daemon holds, and more than that.
    answered = 4000
    with daemon.connect() as client:
        for _ in range(answered):
            client.status()
        # It is read again: what is missing is said, in the place of it.
        lines = []
        while not lines or lines[-1]["message"] != "call":
            lines.append(json.loads(next(process.stderr)))
        while len(lines) < answered and "lines" not in lines[-1]:
            client.status()
            lines.append(json.loads(next(process.stderr)))
        dropped = lines[-1]["lines"]
        assert lines[-1]["level"] == "warning"
        assert 0 < dropped < answered
        # The pipe is full once more, and the end comes nevertheless.
        for _ in range(500):
            client.status()
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5
    assert ready.startswith(b"lensd ready: ")
    process.stderr.close()


# Metrics.


def test_metrics_are_what_prometheus_reads(folder: Path) -> None:
    file = folder / "lensd.prom"
    daemon = open_daemon(folder, f'metrics = "{file}"')

    def samples() -> dict[tuple[str, ...], float]:
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(file.read_text())
            for sample in family.samples
        }

    with daemon.connect() as client:
        for _ in range(3):
            client.model()("Once upon a time", return_type="loss")
        with pytest.raises(lensd.NotFound):
            client.query("0123", "z0")
        # A reload writes at once where the file's place has changed.
        moved = folder / "moved.prom"
        text = (folder / "lensd.toml").read_text()
        (folder / "lensd.toml").write_text(text.replace(str(file), str(moved)))
        assert file.exists()
        daemon.process.send_signal(1)
        until(moved.exists, daemon.log())
        assert not file.exists()
        file = moved
        assert file.stat().st_mode & 0o777 == 0o644
        families = {family.name: family for family in text_string_to_metric_families(file.read_text())}
        assert all(family.documentation for family in families.values())
        assert all(name.startswith("lensd_") for name in families)
        now = samples()
    assert now["lensd_calls_total", "Inference/Run", "OK"] == 3
    assert now["lensd_calls_total", "Inference/Query", "NOT_FOUND"] == 1
    assert now["lensd_call_seconds_count", "Inference/Run"] == 3
    assert 0 < now["lensd_call_seconds_sum", "Inference/Run"] < 60
    assert now["lensd_connections",] == 1
    assert now["lensd_weights_bytes",] > 1000
    assert now["lensd_store_bytes",] > 1000
    assert now["lensd_resident_bytes",] > 1 << 20
    assert 3 < now["lensd_open_descriptors",] < now["lensd_max_descriptors",]
    assert abs(now["lensd_start_time_seconds",] - time.time()) < 60
    assert now["lensd_info", "0.1.0"] == 1
    buckets = [value for key, value in now.items() if key[:2] == ("lensd_call_seconds_bucket", "Inference/Run")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 3
    # Nobody is named.
    assert str(os.geteuid() or "uid") not in file.read_text()
    assert daemon.stop() == 0
    assert not file.exists()
    assert [path.name for path in folder.glob("*.prom*")] == []


def test_metrics_that_cannot_be_written_hurt_nobody(folder: Path) -> None:
    daemon = open_daemon(folder, f'metrics = "{folder}/absent/lensd.prom"')
    until(lambda: "cannot write the metrics" in daemon.log(), daemon.log())
    with daemon.connect() as client:
        client.status()
    assert daemon.stop() == 0


# Who has what.


@root_only
def test_users_see_their_own_and_the_administrator_all(folder: Path) -> None:
    daemon = open_daemon(folder, models=["tiny", "hidden"])
    text = (folder / "lensd.toml").read_text()
    (folder / "lensd.toml").write_text(text + "users = [0]\n")
    daemon.process.send_signal(1)
    until(lambda: "changed=models" in daemon.log(), daemon.log())
    first, second = USERS
    with daemon.connect() as client:
        client.load_model("hidden")
        client.model("hidden")("Once upon a time", return_type="loss")
        status = client.status()
        one = next(state.weight_bytes for state in status.model_states if state.name == "tiny")
        assert status.weight_bytes == 2 * one
        assert status.own.connections == 1
        with connected(daemon, first) as other:
            told = other.status()
            assert told.own.connections == told.connections == 1
            assert told.weight_bytes == one
            assert told.cache_bytes == told.own.cached_bytes
            for call in (other.usage, lambda: other.channel.unary(ACTIVITY, ActivityRequest(all=True))):
                with pytest.raises(lensd.PermissionDenied, match=f"you are uid {first}"):
                    call()
            assert [(state.name, state.in_use) for state in other.model_states()] == [("tiny", False)]
            assert client.usage()[first].connections == 1
        usage = client.usage()
        assert usage[0].connections == 1
        assert second not in usage
    assert daemon.stop() == 0


@root_only
def test_status_all_is_a_table(folder: Path) -> None:
    daemon = open_daemon(folder)
    with daemon.connect():
        shown = lensctl(daemon, "status", "--all")
        assert shown.returncode == 0, shown.stderr
        head, *rows = shown.stdout.splitlines()
        assert head.split() == ["uid", "user", "connections", "calls", "queued", "sessions", "stored", "cached"]
        assert rows[0].split()[:4] == ["0", "root", "2", "1"]
        assert rows[-1].split()[:4] == ["at", "most", "64", "512"]
        assert all(len(line) <= 80 for line in shown.stdout.splitlines())
        answer = json.loads(lensctl(daemon, "status", "--all", "--json").stdout)
        assert answer["users"][0]["uid"] == 0
        assert answer["users"][0]["connections"] == 2
        refused = lensctl(daemon, "status", "--all", uid=USERS[0])
        assert refused.returncode == 77
        assert f"you are uid {USERS[0]}" in refused.stderr
        own = lensctl(daemon, "status", uid=USERS[0])
        assert own.returncode == 0, own.stderr
        assert "you have" in own.stdout
        assert "you may have" in own.stdout
        assert all(len(line) <= 80 for line in own.stdout.splitlines() if line.startswith("you"))
    assert daemon.stop() == 0


@root_only
def test_quotas_are_each_users_own(folder: Path) -> None:
    daemon = open_daemon(folder, "[quota]\nconnections = 2")
    with daemon.connect() as first, daemon.connect() as second:
        assert first.status().quota.connections == second.status().quota.connections == 2
        with pytest.raises(lensd.ResourceExhausted, match="may have 2 connections and has 2"):
            daemon.connect().status()
        with connected(daemon, USERS[0]) as other:
            assert other.status().own.connections == 1
    assert daemon.stop() == 0

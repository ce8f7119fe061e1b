"""A corpus on `dask.distributed`: two workers, each with a daemon of its own, and one that is lost in the middle."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Daemon

import lensd
from lensd import corpus

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

NAMES = ["Tom", "Lily", "Max", "the dog", "a red ball", "her mother", "the little girl"]
PROMPTS = [f"{one} saw {other}" for one in NAMES for other in NAMES]


class Placed(corpus.Ablation):
    """The ablation, and where it was computed."""

    def __call__(self, model: lensd.Model, prompt: corpus.Prompt) -> Iterator[dict[str, Any]]:
        model(prompt.input, return_type="loss")
        place = {"worker": os.getpid(), "socket": model._channel.path}
        return ({**row, **place} for row in super().__call__(model, prompt))


@pytest.fixture
def second_daemon() -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory(prefix="lensd-test-") as folder:
        running = Daemon(Path(folder))
        yield running
        running.stop()


@pytest.fixture
def cluster(daemon: Daemon, second_daemon: Daemon, tmp_path: Path) -> Iterator[Any]:
    """Two workers as on two machines: each finds a daemon of its own."""
    worker = {"cls": distributed.Nanny}
    workers = {
        at: {
            **worker,
            "options": {"nthreads": 2, "env": {"LENSD_SOCKET": each.socket}, "local_directory": str(tmp_path)},
        }
        for at, each in enumerate((daemon, second_daemon))
    }
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard": False, "dashboard_address": None}}
    with distributed.SpecCluster(workers=workers, scheduler=scheduler) as running, running.get_client() as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def found(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[lensd.Model]:
    monkeypatch.setenv("LENSD_SOCKET", daemon.socket)
    with lensd.connect() as client:
        yield client.model("tiny")


def check_same(rows: list[dict[str, Any]], serial: list[dict[str, Any]]) -> None:
    assert len(rows) == len(serial)
    for row, expected in zip(rows, serial, strict=True):
        assert [row[name] for name in ("prompt", "layer", "head")] == [
            expected[name] for name in ("prompt", "layer", "head")
        ]
        for name in ("loss", "baseline", "delta", "standard_error"):
            assert row[name] == pytest.approx(expected[name], abs=1e-5, nan_ok=True)


def test_two_daemons_say_what_one_says(
    daemon: Daemon, second_daemon: Daemon, cluster: Any, found: lensd.Model, tmp_path: Path
) -> None:
    serial = list(corpus.rows(found, PROMPTS, corpus.Ablation()))
    rows = list(corpus.rows(found, PROMPTS, Placed(), executor=cluster.get_executor(), chunk=2))
    check_same(rows, serial)
    assert {row["socket"] for row in rows} == {daemon.socket, second_daemon.socket}
    assert os.getpid() not in {row["worker"] for row in rows}


def test_a_lost_worker_is_survived(cluster: Any, found: lensd.Model, tmp_path: Path) -> None:
    serial = list(corpus.rows(found, PROMPTS, corpus.Ablation()))
    workers = list(cluster.run(os.getpid).values())
    half = threading.Event()

    def kill() -> None:
        half.wait(60)
        os.kill(workers[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()

    def tell(done: int, total: int) -> None:
        if done >= 10:
            half.set()

    out = tmp_path / "out.jsonl"
    done = corpus.write(found, PROMPTS, Placed(), out, executor=cluster.get_executor(), in_flight=8, progress=tell)
    killer.join()
    assert (done.prompts, done.resumed) == (len(PROMPTS), 0)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    check_same(rows, [{**row, "standard_error": _known(row["standard_error"])} for row in serial])
    # The killed one did some of the work, and others what it had not finished.
    by_prompt = {row["prompt"]: row["worker"] for row in rows}
    assert workers[0] in by_prompt.values()
    assert by_prompt[len(PROMPTS) - 1] != workers[0]


def _known(value: float) -> float | None:
    return None if value != value else value

"""Several threads, several clients, forks, and a daemon that dies."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import assert_close, assert_same_loss, sequence, tensors

import lensd

TINY = MODELS["tiny"]
SEQUENCES = ("seq2", "seq7", "seq24", "seq48")


def test_two_threads_at_once(model: lensd.Model) -> None:
    barrier = threading.Barrier(2)

    def work(seq: str) -> None:
        for _ in range(10):
            barrier.wait(10)
            logits, cache = model.run_with_cache(sequence(TINY, seq))
            assert_close(logits[0], tensors(TINY)[f"processed/{seq}/logits"])
            assert_close(cache["pattern0"][0], tensors(TINY)[f"processed/{seq}/blocks.0.attn.hook_pattern"])

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(work, seq) for seq in ("seq7", "seq24")]:
            each.result(60)


def test_many_threads_share_a_cache(model: lensd.Model) -> None:
    _, cache = model.run_with_cache(sequence(TINY, "seq24"))
    names = list(cache)
    with ThreadPoolExecutor(8) as pool:
        values = list(pool.map(cache.__getitem__, names * 4))
    for index, value in enumerate(values):
        assert value is cache[names[index % len(names)]]


def test_many_calls_of_all_kinds(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client:
        model, raw = client.model("tiny"), client.model("tiny@raw")

        def work(index: int) -> None:
            seq = SEQUENCES[index % len(SEQUENCES)]
            ids = sequence(TINY, seq)
            if index % 3 == 0:
                assert_same_loss(model(ids, return_type="loss"), tensors(TINY)[f"processed/{seq}/loss"])
            elif index % 3 == 1:
                assert_close(raw(ids)[0], tensors(TINY)[f"raw/{seq}/logits"])
            else:
                with pytest.raises(lensd.InvalidArgument):
                    model([1000])

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(work, range(120)))


def test_client_of_a_forked_child(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client:
        model = client.model("tiny")
        expected = model([1, 2, 3])
        process = os.fork()
        if process == 0:
            try:
                os._exit(0 if np.allclose(model([1, 2, 3]), expected) else 1)
            except BaseException:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        assert np.allclose(model([1, 2, 3]), expected)


def test_with_block_closes(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client:
        model = client.model()
    with pytest.raises(lensd.FailedPrecondition):
        model([1, 2])


def test_timeout(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, timeout=30) as client:
        assert client.model()([1, 2]).shape[1] == 2


def test_status(client: lensd.Client, daemon: Daemon) -> None:
    status = client.status()
    assert status.process_id == daemon.process.pid
    assert status.socket == daemon.socket
    assert status.models == list(MODELS)
    assert status.resident_bytes > 0
    assert status.connections >= 1


def test_socket_of_the_environment(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSD_SOCKET", daemon.socket)
    with lensd.connect() as client:
        assert client.path == daemon.socket


def test_daemon_killed_under_waiting_clients(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket, retry=None) as client:
        model = client.model("tiny")
        prompts = [sequence(TINY, "seq48")] * 64
        started = threading.Event()

        def ablate_for_ever() -> None:
            while True:
                model.ablate_heads(prompts)
                started.set()

        def work() -> float:
            ways = r"closed the connection|went away|ended within|no daemon answers"
            with pytest.raises(lensd.Unavailable, match=ways):
                ablate_for_ever()
            return time.monotonic()

        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(work) for _ in range(3)]
            assert started.wait(60)
            killed_at = time.monotonic()
            own_daemon.kill()
            for each in waiting:
                assert each.result(10) - killed_at < 2
        with pytest.raises(lensd.Unavailable, match=f"no daemon answers at {own_daemon.socket}"):
            model([1, 2])
        own_daemon.restart()
        # The next call finds the new daemon by itself.
        assert model([1, 2]).shape[1] == 2


def test_the_environment_names_the_model(client: lensd.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSD_MODEL", "local@raw")
    assert client.model().name == "local@raw"
    assert client.model("tiny").name == "tiny"
    monkeypatch.setenv("LENSD_MODEL", "nobody")
    with pytest.raises(lensd.NotFound, match="nobody"):
        client.model()

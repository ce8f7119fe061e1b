"""Ctrl-C: the call stops here and in the daemon, and whatever else goes on goes on."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import MODELS, Daemon
from reference import sequence
from scripted_server import Peer, page, serving, status

import lensd
from lensd.channel import Channel

SEQ48 = sequence(MODELS["tiny"], "seq48")


@pytest.fixture(autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts what runs in its background deaf to Ctrl-C, and these tests would wait for ever."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt(after: float) -> threading.Timer:
    """Ctrl-C for the main thread."""
    timer = threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    return timer


def cancelled_calls(daemon: Daemon, method: str) -> int:
    return sum(method in line and "CANCELLED" in line for line in daemon.log().splitlines())


def sweep(model: lensd.Model) -> None:
    while True:
        model.ablate_heads([SEQ48] * 300)


def generate(model: lensd.Model) -> None:
    while True:
        model.generate([SEQ48[:2]] * 600, 40, stop_at_eos=False)


@pytest.mark.parametrize(("work", "method"), [(sweep, "Inference/Sweep"), (generate, "Inference/Generate")])
def test_ctrl_c_cancels_in_the_daemon(own_daemon: Daemon, work: Callable[[lensd.Model], None], method: str) -> None:
    with lensd.connect(own_daemon.socket) as client, ThreadPoolExecutor(3) as pool:
        model = client.model("tiny")
        stop = threading.Event()

        def others() -> int:
            count = 0
            while not stop.is_set():
                model([1, 2, 3], return_type="loss")
                count += 1
            return count

        working = [pool.submit(others) for _ in range(3)]
        try:
            interrupt(0.4)
            with pytest.raises(KeyboardInterrupt):
                work(model)
            interrupted_at = time.monotonic()
            while not cancelled_calls(own_daemon, method):
                assert time.monotonic() - interrupted_at < 5, own_daemon.log()[-2000:]
                time.sleep(0.01)
            time.sleep(0.2)
        finally:
            stop.set()
        # Nobody else noticed.
        assert all(each.result(30) > 10 for each in working)
        assert cancelled_calls(own_daemon, method) == 1
        assert cancelled_calls(own_daemon, "Inference/Run") == 0
        assert client.status().running_jobs == 0


def test_ctrl_c_while_waiting_for_a_daemon(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket, retry=lensd.Retry(seconds=60)) as client:
        own_daemon.kill()
        started = time.monotonic()
        interrupt(0.3)
        with pytest.raises(KeyboardInterrupt):
            client.status()
        assert time.monotonic() - started < 5


def test_another_thread_ends_a_wait(path: os.PathLike[str]) -> None:
    """Only the main thread has Ctrl-C; a call of any other is ended by its stream's `cancel` or by `close`."""

    def script(peer: Peer) -> None:
        first = peer.expect("start").call_id
        peer.expect("start")
        assert peer.expect("cancel").call_id == first
        assert peer.read() is None

    with serving(path, script) as at, ThreadPoolExecutor(2) as pool:  # type: ignore[arg-type]
        channel = Channel(at)
        stream = page(channel)
        taking = pool.submit(list, stream)
        asking = pool.submit(status, channel)
        time.sleep(0.1)
        stream.cancel()
        with pytest.raises(lensd.Cancelled):
            taking.result(5)
        channel.close()
        with pytest.raises(lensd.Unavailable, match="closed"):
            asking.result(5)

"""Connections that are lost, closed or forked."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scripted_server import REPLY, Peer, chunk, hang_up, page, serving, status

import lensd
import lensd.call_state
import lensd.connection
from lensd._proto.daemon_pb2 import DaemonStatusReply
from lensd._proto.reports_pb2 import PageChunk
from lensd.channel import Channel, Stream


def truncate(peer: Peer) -> None:
    peer.raw(b"\0\0\1\0" + b"half")


def garble(peer: Peer) -> None:
    peer.raw(b"\0\0\0\4\xff\xff\xff\xff")


def overflow(peer: Peer) -> None:
    peer.raw(b"\x7f\xff\xff\xff")


def complain(peer: Peer) -> None:
    peer.status(0, 8, "too many connections")


@pytest.mark.parametrize(
    ("ending", "error", "message"),
    [
        (hang_up, lensd.Unavailable, "closed the connection"),
        (truncate, lensd.Unavailable, "after 4 of 256 bytes"),
        (garble, lensd.Internal, "does not parse"),
        (overflow, lensd.Internal, "announced 2147483647"),
        (complain, lensd.ResourceExhausted, "too many connections"),
    ],
)
def test_every_waiting_call_hears_of_a_lost_connection(
    path: Path, ending: Callable[[Peer], None], error: type[lensd.LensError], message: str
) -> None:
    count = 4

    def script(peer: Peer) -> None:
        for _ in range(count):
            peer.expect("start")
        ending(peer)

    with serving(path, script) as at, ThreadPoolExecutor(count) as pool:
        channel = Channel(at)
        started = time.monotonic()
        for call in [pool.submit(status, channel) for _ in range(count)]:
            with pytest.raises(error, match=message):
                call.result(10)
        assert time.monotonic() - started < 5


def test_messages_before_the_loss_are_delivered(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.message(peer.expect("start").call_id, chunk(b"a"))

    with serving(path, script) as at:
        stream = iter(page(Channel(at)))
        assert next(stream).html == b"a"
        with pytest.raises(lensd.Unavailable):
            next(stream)


def test_next_call_makes_a_new_connection(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.answer(peer.expect("start").call_id, REPLY)

    with serving(path, script, script) as at:
        channel = Channel(at)
        assert status(channel).threads == 2
        while channel._connection is not None and channel._connection.is_open:
            time.sleep(0.01)
        assert status(channel).threads == 2


def test_daemon_that_does_not_come_back(path: Path) -> None:
    with serving(path, hang_up) as at:
        channel = Channel(at)
    path.unlink()
    while channel._connection is not None and channel._connection.is_open:
        time.sleep(0.01)
    with pytest.raises(lensd.Unavailable, match=f"no daemon answers at {path}"):
        status(channel)


def test_close(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.expect("start")
        started.set()
        assert peer.read() is None

    started = threading.Event()
    with serving(path, script) as at, ThreadPoolExecutor(1) as pool:
        channel = Channel(at)
        waiting = pool.submit(status, channel)
        assert started.wait(10)
        channel.close()
        with pytest.raises(lensd.Unavailable, match="closed"):
            waiting.result(10)
        with pytest.raises(lensd.FailedPrecondition, match="this client was closed"):
            status(channel)
        channel.close()


def test_unreferenced_channel_hangs_up(path: Path) -> None:
    def script(peer: Peer) -> None:
        assert peer.read() is None

    with serving(path, script) as at:
        channel = Channel(at)
        del channel
        gc.collect()


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_child_gets_a_connection_of_its_own(path: Path) -> None:
    child_ended = threading.Event()

    def for_parent(peer: Peer) -> None:
        peer.answer(peer.expect("start").call_id, REPLY)
        stream_id = peer.expect("start").call_id
        assert child_ended.wait(10)
        # The child's end left this connection alone.
        peer.status(stream_id)
        peer.answer(peer.expect("start").call_id, REPLY)

    def for_child(peer: Peer) -> None:
        peer.answer(peer.expect("start").call_id, DaemonStatusReply(threads=5).SerializeToString())

    def in_child(channel: Channel, stream: Stream[PageChunk]) -> int:
        try:
            with pytest.raises(lensd.Unavailable, match="the process that forked"):
                next(iter(stream))
            stream.cancel()
            return 0 if status(channel).threads == 5 else 1
        except BaseException:
            return 2

    other = path.with_name("child")
    with serving(path, for_parent) as at, serving(other, for_child):
        channel = Channel(at)
        assert status(channel).threads == 2
        stream = page(channel)
        # Another thread may be in the middle of something.
        assert channel._connection is not None
        with channel._lock, channel._connection._calls._lock, channel._connection._send_lock:
            process = os.fork()
            if process == 0:
                signal.alarm(20)
                # So that each script has one client: the child finds its daemon elsewhere.
                channel.path = str(other)
                os._exit(in_child(channel, stream))
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        child_ended.set()
        assert list(stream) == []
        assert status(channel).threads == 2

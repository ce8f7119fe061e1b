"""Streams, credit and cancelling against a scripted server."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from scripted_server import REPLY, Peer, chunk, page, serving, status

import lensd
import lensd.call
import lensd.connection
from lensd._proto.frame_pb2 import Credit, ServerFrame
from lensd.channel import Channel


def test_stream_returns_credit_for_what_was_taken(path: Path) -> None:
    piece = chunk(b"x" * (512 << 10))
    total = 40

    def script(peer: Peer) -> None:
        start = peer.expect("start")
        window = start.start.window
        for _ in range(total):
            while window <= 0:
                credit = peer.expect("credit")
                assert credit.call_id == start.call_id
                window += credit.credit.bytes
            peer.message(start.call_id, piece)
            window -= len(piece)
        peer.status(start.call_id)
        # Never more than was sent.
        assert window + sum(iter(lambda: credit_or_end(peer), 0)) <= start.start.window

    def credit_or_end(peer: Peer) -> int:
        frame = peer.read()
        return frame.credit.bytes if frame else 0

    with serving(path, script) as at:
        channel = Channel(at)
        assert sum(len(each.html) for each in page(channel)) == total * (512 << 10)
        channel.close()


def test_stream_that_nobody_takes_gets_no_credit(path: Path) -> None:
    taken = threading.Event()

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        for _ in range(4):
            peer.message(call_id, chunk(b"x" * (1 << 20)))
        peer.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            peer.read()
        taken.set()
        peer.socket.settimeout(10)
        assert peer.expect("credit").credit.bytes >= 1 << 20
        peer.status(call_id)

    with serving(path, script) as at:
        stream = iter(page(Channel(at)))
        assert taken.wait(10)
        assert len(list(stream)) == 4


def test_stream_error_comes_after_what_was_sent_before(path: Path) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, chunk(b"a"))
        peer.status(call_id, 8, "disk full")

    with serving(path, script) as at:
        stream = iter(page(Channel(at)))
        assert next(stream).html == b"a"
        with pytest.raises(lensd.ResourceExhausted, match="disk full"):
            next(stream)


def test_leaving_a_stream_early_cancels_it(path: Path) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, chunk(b"a"))
        assert peer.expect("cancel").call_id == call_id
        peer.status(call_id, 1, "cancelled")
        peer.answer(peer.expect("start").call_id, REPLY)

    with serving(path, script) as at:
        channel = Channel(at)
        with page(channel) as stream:
            assert next(iter(stream)).html == b"a"
        with pytest.raises(lensd.Cancelled):
            next(iter(stream))
        assert status(channel).threads == 2


def test_cancel_from_another_thread(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.expect("start")
        peer.expect("cancel")

    with serving(path, script) as at:
        stream = page(Channel(at))
        threading.Timer(0.1, stream.cancel).start()
        with pytest.raises(lensd.Cancelled, match="AttentionPage was cancelled"):
            list(stream)


def test_an_ended_stream_is_not_cancelled(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.status(peer.expect("start").call_id)
        assert peer.read() is None

    with serving(path, script) as at:
        channel = Channel(at)
        with page(channel) as stream:
            assert list(stream) == []
        channel.close()


def test_requests_that_stream_wait_for_credit_and_half_close(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call, "WINDOW_BYTES", 10)
    sent = threading.Event()

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        assert peer.expect("message").message == b"x" * 10
        assert not sent.wait(0.2)
        peer.send(ServerFrame(call_id=call_id, credit=Credit(bytes=1)))
        assert peer.expect("message").message == b"y"
        assert peer.expect("end_stream").call_id == call_id
        peer.answer(call_id, b"after the half-close")

    with serving(path, script) as at, lensd.connection.Connection(at) as connection:
        call = connection.start("/lens.v1.Test/Bidirectional", b"", timeout=None, is_stream=True)
        call.send(b"x" * 10)
        call.send(b"y")
        sent.set()
        call.end_stream()
        assert list(call) == [b"after the half-close"]

"""Streams, credit and cancelling against a scripted server."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from scripted_server import REPLY, Peer, chunk, page, serving, status

import lensd
import lensd.call_state
import lensd.connection
from lensd._proto.frame_pb2 import Credit, ServerFrame
from lensd._proto.reports_pb2 import AttentionPageRequest, PageChunk
from lensd.channel import Channel, Exchange
from lensd.methods import ATTENTION_PAGE


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
    monkeypatch.setattr(lensd.call_state, "WINDOW_BYTES", 10)
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


# Messages both ways.


def exchange(channel: Channel, timeout: float | None = None) -> Exchange[AttentionPageRequest, PageChunk]:
    """A call that takes titles and answers chunks."""
    return channel.exchange(ATTENTION_PAGE, titled(b"first"), timeout)


def titled(title: bytes) -> AttentionPageRequest:
    return AttentionPageRequest(title=title)


def test_an_exchange_takes_turns(path: Path) -> None:
    def script(peer: Peer) -> None:
        start = peer.expect("start")
        assert AttentionPageRequest.FromString(start.start.request).title == b"first"
        for _ in range(3):
            peer.message(start.call_id, chunk(b"?"))
            assert AttentionPageRequest.FromString(peer.expect("message").message).title == b"answer"
        peer.status(start.call_id)

    with serving(path, script) as at, exchange(Channel(at)) as replies:
        count = 0
        for reply in replies:
            assert reply.html == b"?"
            replies.send(titled(b"answer"))
            count += 1
        assert count == 3


def test_what_ended_the_call_is_raised_by_send(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.status(peer.expect("start").call_id, 3, "shape")

    with serving(path, script) as at, exchange(Channel(at)) as replies:
        with pytest.raises(lensd.InvalidArgument, match="shape"):
            list(replies)
        with pytest.raises(lensd.InvalidArgument, match="shape"):
            replies.send(titled(b"late"))


def test_a_send_that_waits_for_credit_ends_with_the_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call_state, "WINDOW_BYTES", 1)

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.expect("message")
        peer.status(call_id, 4, "the call waited 600 seconds")

    with serving(path, script) as at, exchange(Channel(at)) as replies:
        replies.send(titled(b"overdraws the credit"))
        with pytest.raises(lensd.DeadlineExceeded, match="600"):
            replies.send(titled(b"waits"))


def test_leaving_an_exchange_cancels_it(path: Path) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, chunk(b"?"))
        assert peer.expect("cancel").call_id == call_id

    def answer(channel: Channel) -> None:
        with exchange(channel) as replies:
            next(iter(replies))
            raise ZeroDivisionError

    with serving(path, script) as at, pytest.raises(ZeroDivisionError):
        answer(Channel(at))


def test_thinking_does_not_count_against_the_timeout(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call_state, "GRACE_SECONDS", 0.0)

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, chunk(b"?"))
        peer.expect("message")
        time.sleep(0.1)
        peer.message(call_id, chunk(b"!"))
        peer.expect("cancel")

    with serving(path, script) as at, exchange(Channel(at), timeout=0.3) as replies:
        answers = iter(replies)
        assert next(answers).html == b"?"
        with replies.paused():
            time.sleep(0.4)
        replies.send(titled(b"thought about"))
        assert next(answers).html == b"!"
        with pytest.raises(lensd.DeadlineExceeded, match=r"longer than 0\.3 s"):
            next(answers)

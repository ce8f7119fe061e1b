"""Calls whose replies go to a receiver on the reading thread, against a scripted server."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scripted_server import REPLY, Peer, serving, status

import lensd
import lensd.call_state
from lensd._proto.frame_pb2 import ServerFrame
from lensd._proto.inference_pb2 import QueryEvent, QueryRequest, TensorHeader
from lensd.activations import IncomingTensors
from lensd.channel import Channel
from lensd.framing import LANDING_BYTES
from lensd.methods import QUERY
from lensd.retry import Tries

PIECE = 1 << 20


def fetched(channel: Channel) -> list[npt.NDArray[Any]]:
    incoming = IncomingTensors()
    channel.deliver(QUERY, QueryRequest(hook=b"z"), incoming)
    return [values for _, values in incoming.tensors()]


def header(*shape: int) -> bytes:
    return QueryEvent(header=TensorHeader(element_type=b"F32", shape=shape)).SerializeToString()


def values(data: bytes) -> bytes:
    return QueryEvent(values=data).SerializeToString()


def tensor(count: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(count).random(count, np.float32)


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1000, LANDING_BYTES + 5, PIECE, 3 << 20])
def test_values_arrive_byte_by_byte(path: Path, size: int) -> None:
    sent = [tensor(2_000_003), tensor(7), tensor(0), tensor(400_000)]

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        for each in sent:
            peer.message(call_id, header(each.size))
            for piece in pieces(each.tobytes(), size):
                peer.message(call_id, values(piece))
        peer.status(call_id)

    with serving(path, script) as at:
        found = fetched(Channel(at))
    assert len(found) == len(sent)
    for each, expected in zip(found, sent, strict=True):
        np.testing.assert_array_equal(each, expected)
        assert each.flags.writeable


def test_frames_of_other_calls_come_in_between(path: Path) -> None:
    sent = tensor(1_000_000)

    def script(peer: Peer) -> None:
        calls = [peer.expect("start").call_id for _ in range(2)]
        for call_id in calls:
            peer.message(call_id, header(sent.size))
        for piece in pieces(sent.tobytes(), 300_000):
            for call_id in calls:
                peer.heartbeat(call_id)
                peer.message(call_id, values(piece))
        for call_id in calls:
            peer.status(call_id)

    results: list[npt.NDArray[Any]] = []
    with serving(path, script) as at:
        channel = Channel(at)
        threads = [threading.Thread(target=lambda: results.extend(fetched(channel))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert len(results) == 2
    for found in results:
        np.testing.assert_array_equal(found, sent)


def test_a_slow_daemon_drips(path: Path) -> None:
    sent = tensor(50_000)

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, header(sent.size))
        body = ServerFrame(call_id=call_id, message=values(sent.tobytes())).SerializeToString()
        for piece in pieces(len(body).to_bytes(4, "big") + body, 7919):
            peer.raw(piece)
            time.sleep(0.005)
        peer.status(call_id)

    with serving(path, script) as at:
        (found,) = fetched(Channel(at))
    np.testing.assert_array_equal(found, sent)


def test_credit_is_returned_for_what_was_received(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call_state, "RECEIVER_WINDOW_BYTES", 2 * PIECE)
    sent = tensor(10 * PIECE // 4)

    def script(peer: Peer) -> None:
        start = peer.expect("start")
        assert start.start.window == 2 * PIECE
        peer.message(start.call_id, header(sent.size))
        window = start.start.window - len(header(sent.size))
        for piece in pieces(sent.tobytes(), PIECE):
            while window <= 0:
                credit = peer.expect("credit")
                assert credit.call_id == start.call_id
                window += credit.credit.bytes
            peer.message(start.call_id, values(piece))
            window -= len(values(piece))
        peer.status(start.call_id)
        while frame := peer.read():
            window += frame.credit.bytes
        # Never more than was sent.
        assert window <= start.start.window

    with serving(path, script) as at:
        channel = Channel(at)
        (found,) = fetched(channel)
        channel.close()
    np.testing.assert_array_equal(found, sent)


@pytest.mark.parametrize(
    "events",
    [
        [header(2), values(b"x" * 12)],
        [header(2), values(b"x" * LANDING_BYTES)],
        [header(2), header(2)],
        [values(b"x" * LANDING_BYTES)],
        [b"\xff" * 10],
        [header(1 << 45)],
    ],
)
def test_a_daemon_that_errs_ends_the_call_and_no_other(path: Path, events: list[bytes]) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        for event in events:
            peer.message(call_id, event)
        assert peer.expect("cancel").call_id == call_id
        # What was under way.
        peer.message(call_id, values(b"y" * LANDING_BYTES))
        peer.status(call_id, 1, "cancelled")
        peer.answer(peer.expect("start").call_id, REPLY)

    with serving(path, script) as at:
        channel = Channel(at)
        with pytest.raises((lensd.Internal, MemoryError)):
            fetched(channel)
        assert status(channel).threads == 2


def test_an_end_before_the_last_value(path: Path) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, header(8))
        peer.message(call_id, values(b"x" * 16))
        peer.status(call_id)

    with serving(path, script) as at, pytest.raises(lensd.Internal, match="ended 16 bytes before its end"):
        fetched(Channel(at))


def test_a_status_in_the_middle_is_raised(path: Path) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, header(PIECE))
        peer.message(call_id, values(b"x" * PIECE))
        peer.status(call_id, 8, "too much")

    with serving(path, script) as at, pytest.raises(lensd.ResourceExhausted, match="too much"):
        fetched(Channel(at))


def test_a_lost_connection_in_the_middle_of_values(path: Path) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, header(PIECE))
        peer.raw((PIECE).to_bytes(4, "big") + b"\x08\x01\x1a")

    with serving(path, script) as at, pytest.raises(lensd.Unavailable):
        fetched(Channel(at))


def test_leaving_in_the_middle_of_values(path: Path) -> None:
    """Whoever leaves cancels; the rest of the frame goes where its values were to go, and the next call is answered."""
    begun = threading.Event()

    class Leaving(IncomingTensors):
        def place(self, field: int, size: int) -> memoryview | None:
            begun.set()
            return super().place(field, size)

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, header(PIECE))
        body = ServerFrame(call_id=call_id, message=values(b"x" * PIECE)).SerializeToString()
        peer.raw(len(body).to_bytes(4, "big") + body[:1000])
        assert peer.expect("cancel").call_id == call_id
        peer.raw(body[1000:])
        peer.message(call_id, values(b"y" * PIECE))
        peer.status(call_id, 1, "cancelled")
        peer.answer(peer.expect("start").call_id, REPLY)

    with serving(path, script) as at:
        channel = Channel(at)
        call = channel._start(Tries(None, "/lens.v1.Inference/Query", None, True), QueryRequest(), Leaving())
        assert begun.wait(10)
        call.cancel()
        with pytest.raises(lensd.Cancelled):
            call.wait()
        assert status(channel).threads == 2


def test_timeouts_end_a_call_that_gets_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call_state, "SILENCE_SECONDS", 0.2)

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, header(PIECE))
        assert peer.expect("cancel").call_id == call_id

    with serving(path, script) as at, pytest.raises(lensd.Unavailable, match="silent"):
        fetched(Channel(at))

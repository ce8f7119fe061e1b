"""Frames as bytes."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable

import numpy as np
import pytest

import lensd
from lensd._proto.frame_pb2 import ClientFrame, ClientHello, Ping, ServerFrame, ServerHello
from lensd._proto.inference_pb2 import QueryEvent, TensorHeader
from lensd.framing import (
    LANDING_BYTES,
    MAX_REPLY_BYTES,
    ByteStream,
    FrameReader,
    LandedFrame,
    MessageFrame,
    SocketStream,
    encode_frame,
    read_by,
    read_frame,
    sole_bytes,
)


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def nowhere(call_id: int, field: int, size: int) -> None:
    """The place of values that nobody waits for."""


def read_message_or_frame(stream: ByteStream) -> LandedFrame | MessageFrame | ServerFrame | None:
    return read_by(FrameReader(nowhere), stream)


def test_request_is_length_and_message() -> None:
    frame = ClientFrame(hello=ClientHello(protocol_versions=[1], client=b"test/1"))
    data = encode_frame(frame)
    assert int.from_bytes(data[:4], "big") == len(data) - 4
    assert ClientFrame.FromString(data[4:]) == frame


def test_request_limit() -> None:
    frame = ClientFrame(call_id=1, message=b"x" * 100)
    size = len(frame.SerializeToString())
    assert encode_frame(frame, limit=size)
    with pytest.raises(lensd.ResourceExhausted, match=f"at most {size - 1} bytes; this one has {size}"):
        encode_frame(frame, limit=size - 1)


def test_replies_follow_one_another() -> None:
    frames = [ServerFrame(hello=ServerHello(protocol_version=1)), ServerFrame(call_id=7, message=b"")]
    stream = io.BytesIO(b"".join(framed(frame.SerializeToString()) for frame in frames))
    assert [read_frame(stream), read_frame(stream), read_frame(stream)] == [*frames, None]


@pytest.mark.parametrize("size", [1, 3])
def test_end_within_the_length(size: int) -> None:
    with pytest.raises(lensd.Unavailable, match=f"after {size} of 4 bytes"):
        read_frame(io.BytesIO(b"\0\0\0\5"[:size]))


@pytest.mark.parametrize("size", [0, 4])
def test_end_within_the_message(size: int) -> None:
    with pytest.raises(lensd.Unavailable, match=f"after {size} of 5 bytes"):
        read_frame(io.BytesIO(b"\0\0\0\5" + b"x" * size))


@pytest.mark.parametrize("length", [0, MAX_REPLY_BYTES + 1, 0xFFFFFFFF])
def test_bad_length_is_refused_before_anything_is_read(length: int) -> None:
    stream = io.BytesIO(length.to_bytes(4, "big") + b"x" * 10)
    with pytest.raises(lensd.Internal, match=f"announced {length}"):
        read_frame(stream)
    assert stream.tell() == 4


@pytest.mark.parametrize("body", [b"\xff" * 8, b"\x12\x7f\x00"])
def test_bytes_that_do_not_parse(body: bytes) -> None:
    with pytest.raises(lensd.Internal, match="does not parse"):
        read_frame(io.BytesIO(framed(body)))


def test_unknown_fields_are_skipped() -> None:
    # Field 99, varint 1, behind a good frame: a newer daemon.
    body = ServerFrame(call_id=3, message=b"m").SerializeToString() + b"\x98\x06\x01"
    frame = read_frame(io.BytesIO(framed(body)))
    assert frame is not None
    assert (frame.call_id, frame.message) == (3, b"m")


def test_ping_needs_no_call() -> None:
    assert encode_frame(ClientFrame(ping=Ping())) == b"\0\0\0\2\x42\0"


@pytest.mark.parametrize("size", [1, 127, 128, 20_000, LANDING_BYTES - 8, LANDING_BYTES, LANDING_BYTES + 1])
@pytest.mark.parametrize("call_id", [1, 127, 128, 0xFFFFFFFF])
def test_messages_stay_where_they_were_received(size: int, call_id: int) -> None:
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    body = ServerFrame(call_id=call_id, message=message).SerializeToString()
    frame = read_message_or_frame(io.BytesIO(framed(body)))
    assert isinstance(frame, MessageFrame)
    assert (frame.call_id, bytes(frame.message)) == (call_id, message)


@pytest.mark.parametrize(
    "body",
    [
        ServerFrame(hello=ServerHello(protocol_version=1)).SerializeToString(),
        # A newer daemon's further field; the other order; a number of six bytes.
        ServerFrame(call_id=3, message=b"m").SerializeToString() + b"\x98\x06\x01",
        b"\x1a\x01m\x08\x03",
        b"\x08\xff\xff\xff\xff\xff\x01",
        ServerFrame(call_id=3, message=b"m" * LANDING_BYTES).SerializeToString() + b"\x98\x06\x01",
    ],
)
def test_other_frames_are_parsed(body: bytes) -> None:
    assert read_message_or_frame(io.BytesIO(framed(body))) == ServerFrame.FromString(body)


@pytest.mark.parametrize("body", [b"\x08\x03\x1a\x7f\x00", b"\x08", b"\x08\x03\x1a"])
def test_messages_that_do_not_parse(body: bytes) -> None:
    with pytest.raises(lensd.Internal, match="does not parse"):
        read_message_or_frame(io.BytesIO(framed(body)))


def test_a_field_of_bytes_alone() -> None:
    found = sole_bytes(memoryview(b"\x12\x02ab"), 2)
    assert found is not None
    assert bytes(found) == b"ab"
    for data in (b"", b"\x12", b"\x12\x03ab", b"\x12\x01ab", b"\x0a\x02ab", b"\x12\xff\xff\xff\xff\xff\x01"):
        assert sole_bytes(memoryview(data), 2) is None


# Values that are received where they belong.


class Landing:
    """Memory for the values of one call, and what was asked of it."""

    def __init__(self, size: int, call_id: int = 7) -> None:
        self.values = np.zeros(size, np.uint8)
        self.asked: list[tuple[int, int, int]] = []
        self._call_id = call_id
        self._filled = 0

    def place(self, call_id: int, field: int, size: int) -> memoryview | None:
        self.asked.append((call_id, field, size))
        if call_id != self._call_id or field != QueryEvent.VALUES_FIELD_NUMBER:
            return None
        start, self._filled = self._filled, self._filled + size
        return self.values.data[start : self._filled]


def values_frame(values: bytes, call_id: int = 7) -> bytes:
    message = QueryEvent(values=values).SerializeToString()
    return framed(ServerFrame(call_id=call_id, message=message).SerializeToString())


def pattern(size: int) -> bytes:
    return np.random.default_rng(size).bytes(size)


def through_a_file(data: bytes, read: Callable[[ByteStream], None]) -> None:
    read(io.BytesIO(data))


def through_a_socket(data: bytes, read: Callable[[ByteStream], None]) -> None:
    """In pieces of any size, so that reads come back short."""

    def send() -> None:
        at, size = 0, 1
        while at < len(data):
            here.sendall(data[at : at + size])
            at, size = at + size, size * 3 % 70_001 + 1
        here.close()

    here, there = socket.socketpair()
    with there:
        thread = threading.Thread(target=send)
        thread.start()
        read(SocketStream(there))
        thread.join()


@pytest.mark.parametrize("through", [through_a_file, through_a_socket])
@pytest.mark.parametrize("call_id", [7, 300, 0xFFFFFFFF])
@pytest.mark.parametrize("size", [LANDING_BYTES, LANDING_BYTES + 1, 1 << 20])
def test_values_land_in_their_place(
    through: Callable[[bytes, Callable[[ByteStream], None]], None], call_id: int, size: int
) -> None:
    pieces = [pattern(size + index) for index in range(3)]
    landing = Landing(sum(map(len, pieces)), call_id)

    def read(stream: ByteStream) -> None:
        for piece in pieces:
            frame = read_by(FrameReader(landing.place), stream)
            assert frame == LandedFrame(call_id, len(QueryEvent(values=piece).SerializeToString()))
        assert read_by(FrameReader(landing.place), stream) is None

    through(b"".join(values_frame(piece, call_id) for piece in pieces), read)
    assert landing.values.tobytes() == b"".join(pieces)
    assert landing.asked == [(call_id, QueryEvent.VALUES_FIELD_NUMBER, len(piece)) for piece in pieces]


def test_what_has_no_place_is_kept_whole() -> None:
    landing = Landing(0, call_id=9)
    values = pattern(1 << 20)
    frame = read_by(FrameReader(landing.place), io.BytesIO(values_frame(values)))
    assert isinstance(frame, MessageFrame)
    found = sole_bytes(frame.message, QueryEvent.VALUES_FIELD_NUMBER)
    assert found is not None
    assert bytes(found) == values


def test_large_messages_that_are_no_values_are_kept_whole() -> None:
    landing = Landing(0)
    header = QueryEvent(header=TensorHeader(hook=b"h" * LANDING_BYTES)).SerializeToString()
    more = QueryEvent(values=b"v" * LANDING_BYTES).SerializeToString() + b"\x98\x06\x01"
    for message in (header, more, b"\xff" * LANDING_BYTES, b"\x12\xff\xff\xff\xff\xff" * LANDING_BYTES):
        body = ServerFrame(call_id=7, message=message).SerializeToString()
        frame = read_by(FrameReader(landing.place), io.BytesIO(framed(body)))
        assert isinstance(frame, MessageFrame)
        assert bytes(frame.message) == message
    assert landing.asked == [(7, QueryEvent.HEADER_FIELD_NUMBER, len(header) - 4)]


@pytest.mark.parametrize("kept", [5, 20, 40, LANDING_BYTES])
def test_end_within_values(kept: int) -> None:
    data = values_frame(b"v" * (1 << 20))
    for place in (nowhere, Landing(1 << 20).place):
        with pytest.raises(lensd.Unavailable, match=f"after {kept} of {len(data) - 4} bytes"):
            read_by(FrameReader(place), io.BytesIO(data[: 4 + kept]))

"""Frames as bytes."""

from __future__ import annotations

import io

import pytest

import lensd
from lensd._proto.frame_pb2 import ClientFrame, ClientHello, Ping, ServerFrame, ServerHello
from lensd.framing import MAX_REPLY_BYTES, MessageFrame, encode_frame, read_frame, read_message_or_frame, sole_bytes


def framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


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


@pytest.mark.parametrize("size", [1, 127, 128, 20_000])
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

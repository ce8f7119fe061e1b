"""Frames of a lensd socket: a 4-byte big-endian length and that many bytes of one message."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from google.protobuf.message import DecodeError

from lensd._proto.frame_pb2 import ClientFrame, ServerFrame
from lensd.errors import Internal, ResourceExhausted, Unavailable

PROTOCOL_VERSIONS = (1,)
HEADER_BYTES = 4
# Larger frames are refused by either side before anything is allocated; the daemon's Hello may say less.
MAX_REQUEST_BYTES = 1 << 20
MAX_REPLY_BYTES = 4 << 20
# A frame from so many bytes on may have values whose place is asked for before they are received.
LANDING_BYTES = 16 << 10
# At least what a frame has in front of such values: a call's id, two fields and their lengths.
_HEAD_BYTES = 32
# The wire type of a field that is bytes.
_BYTES = 2

# Where so many bytes of a call's values are to go, which are this field of a reply message and all of it.
Place: TypeAlias = Callable[[int, int, int], memoryview | None]


class ByteStream(Protocol):
    """Where frames are read from."""

    def read(self, size: int, /) -> bytes:
        """Blocks until `size` bytes are there or the stream ends; fewer mean the end."""

    def readinto(self, room: memoryview, /) -> int | None:
        """Blocks until `room` is full or the stream ends; says how many bytes came."""


class SocketStream:
    """A socket's bytes, without a buffer: a buffer's lock would not survive a fork."""

    def __init__(self, source: socket.socket) -> None:
        self._socket = source

    def read(self, size: int, /) -> bytes:
        """Blocks until `size` bytes are there or the stream ends. Raises `OSError`."""
        data = self._socket.recv(size, socket.MSG_WAITALL)
        while data and len(data) < size:
            more = self._socket.recv(size - len(data), socket.MSG_WAITALL)
            if not more:
                break
            data += more
        return data

    def readinto(self, room: memoryview, /) -> int:
        """Blocks until `room` is full or the stream ends; says how many bytes came. Raises `OSError`."""
        received = 0
        while received < len(room):
            more = self._socket.recv_into(room[received:], 0, socket.MSG_WAITALL)
            if not more:
                break
            received += more
        return received


def encode_frame(frame: ClientFrame, limit: int = MAX_REQUEST_BYTES) -> bytes:
    """A frame as it travels. Raises `ResourceExhausted` above `limit` bytes, for which the daemon would hang up."""
    body = frame.SerializeToString()
    if len(body) > limit:
        raise ResourceExhausted(f"a request has at most {limit} bytes; this one has {len(body)}")
    return len(body).to_bytes(HEADER_BYTES, "big") + body


class MessageFrame(NamedTuple):
    """A frame that carries one reply message, which is left where it was received: it may have megabytes."""

    call_id: int
    message: memoryview


class LandedFrame(NamedTuple):
    """A frame that carried one reply message of so many bytes, whose values were received in their place."""

    call_id: int
    size: int


def read_frame(stream: ByteStream, limit: int = MAX_REPLY_BYTES) -> ServerFrame | None:
    """The next frame, or `None` where the stream ends between two frames.

    Raises `Unavailable` where the stream ends within a frame, `Internal` for a length of zero or above `limit` and
    for bytes that do not parse.
    """
    length = _read_length(stream, limit)
    return None if length is None else _parse(_read_body(stream, length))


def read_reply(
    stream: ByteStream, place: Place, limit: int = MAX_REPLY_BYTES
) -> LandedFrame | MessageFrame | ServerFrame | None:
    """The same, but a frame with a reply message is not copied through protobuf.

    Large values, alone in their message, are received straight into the memory that `place` gives for them.
    """
    length = _read_length(stream, limit)
    if length is None:
        return None
    if length < LANDING_BYTES:
        return _message_or_frame(_read_body(stream, length))
    head = _read_body(stream, min(length, _HEAD_BYTES), length)
    body = memoryview(head)
    call_id, at = _message_start(body, length)
    if call_id and body[at] & 7 == _BYTES:
        size, start = _varint(body, at + 1)
        room = place(call_id, body[at] >> 3, size) if size == length - start else None
        if room is not None:
            room[: len(head) - start] = body[start:]
            _read_rest(stream, room, len(head) - start, length - size)
            return LandedFrame(call_id, length - at)
    # Uninitialized, unlike a bytearray.
    body = np.empty(length, np.uint8).data
    body[: len(head)] = head
    _read_rest(stream, body, len(head), 0)
    return _message_or_frame(body)


def sole_bytes(data: memoryview, field: int) -> memoryview | None:
    """The value of an encoded message that is one field of bytes and nothing else, in place; otherwise `None`."""
    if len(data) < 2 or data[0] != (field << 3 | _BYTES):
        return None
    length, start = _varint(data, 1)
    return data[start:] if length == len(data) - start else None


def _message_or_frame(body: bytes | memoryview) -> MessageFrame | ServerFrame:
    view = memoryview(body)
    call_id, start = _message_start(view, len(body))
    return MessageFrame(call_id, view[start:]) if call_id else _parse(bytes(body))


def _message_start(body: memoryview, length: int) -> tuple[int, int]:
    """The call of a frame of `length` bytes that is one reply message, and where this begins; otherwise zeros.

    What a daemon writes: call_id as a varint, then the message to the frame's end. Anything else is parsed.
    """
    if body[0] != ServerFrame.CALL_ID_FIELD_NUMBER << 3:
        return 0, 0
    call_id, at = _varint(body, 1)
    if not 0 < call_id < 1 << 32 or at >= len(body) or body[at] != ServerFrame.MESSAGE_FIELD_NUMBER << 3 | _BYTES:
        return 0, 0
    size, start = _varint(body, at + 1)
    return (call_id, start) if size == length - start else (0, 0)


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """A number and where it ends; -1 where there is none of at most five bytes."""
    value = 0
    for index, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    return -1, at


def _read_length(stream: ByteStream, limit: int) -> int | None:
    header = stream.read(HEADER_BYTES)
    if not header:
        return None
    if len(header) < HEADER_BYTES:
        raise Unavailable(f"the connection ended within a frame's length, after {len(header)} of {HEADER_BYTES} bytes")
    length = int.from_bytes(header, "big")
    if not 0 < length <= limit:
        raise Internal(f"a reply frame has 1 to {limit} bytes; the daemon announced {length}")
    return length


def _read_body(stream: ByteStream, size: int, length: int = 0) -> bytes:
    """The first `size` bytes of a frame of `length`, or all."""
    body = stream.read(size)
    if len(body) < size:
        raise _ended(len(body), length or size)
    return body


def _read_rest(stream: ByteStream, room: memoryview, filled: int, before: int) -> None:
    """Fills `room`, which has the end of a frame, from `filled` on; `before` are the frame's bytes before it."""
    received = stream.readinto(room[filled:]) or 0
    if received < len(room) - filled:
        raise _ended(before + filled + received, before + len(room))


def _ended(received: int, length: int) -> Unavailable:
    return Unavailable(f"the connection ended within a frame, after {received} of {length} bytes")


def _parse(body: bytes) -> ServerFrame:
    try:
        return ServerFrame.FromString(body)
    except DecodeError as error:
        raise Internal(f"the daemon sent a frame of {len(body)} bytes that does not parse") from error

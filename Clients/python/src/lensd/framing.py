"""Frames of a lensd socket: a 4-byte big-endian length and that many bytes of one message."""

from __future__ import annotations

import socket
from typing import NamedTuple, Protocol

from google.protobuf.message import DecodeError

from lensd._proto.frame_pb2 import ClientFrame, ServerFrame
from lensd.errors import Internal, ResourceExhausted, Unavailable

PROTOCOL_VERSIONS = (1,)
HEADER_BYTES = 4
# Larger frames are refused by either side before anything is allocated; the daemon's Hello may say less.
MAX_REQUEST_BYTES = 1 << 20
MAX_REPLY_BYTES = 4 << 20


class ByteStream(Protocol):
    """Where frames are read from."""

    def read(self, size: int, /) -> bytes:
        """Blocks until `size` bytes are there or the stream ends; fewer mean the end."""


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


def read_frame(stream: ByteStream, limit: int = MAX_REPLY_BYTES) -> ServerFrame | None:
    """The next frame, or `None` where the stream ends between two frames.

    Raises `Unavailable` where the stream ends within a frame, `Internal` for a length of zero or above `limit` and
    for bytes that do not parse.
    """
    body = _read_body(stream, limit)
    return None if body is None else _parse(body)


def read_message_or_frame(stream: ByteStream, limit: int = MAX_REPLY_BYTES) -> MessageFrame | ServerFrame | None:
    """The same, but a frame with a reply message is not copied through protobuf."""
    body = _read_body(stream, limit)
    if body is None:
        return None
    # What a daemon writes: call_id as a varint, then the message to the frame's end. Anything else is parsed.
    if body[0] == ServerFrame.CALL_ID_FIELD_NUMBER << 3:
        call_id, start = _varint(body, 1)
        message = sole_bytes(memoryview(body)[start:], ServerFrame.MESSAGE_FIELD_NUMBER)
        if message is not None and 0 < call_id < 1 << 32:
            return MessageFrame(call_id, message)
    return _parse(body)


def sole_bytes(data: memoryview, field: int) -> memoryview | None:
    """The value of an encoded message that is one field of bytes and nothing else, in place; otherwise `None`."""
    if len(data) < 2 or data[0] != (field << 3 | 2):
        return None
    length, start = _varint(data, 1)
    return data[start:] if length == len(data) - start else None


def _varint(data: bytes | memoryview, at: int) -> tuple[int, int]:
    """A number and where it ends; -1 where there is none of at most five bytes."""
    value = 0
    for index, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    return -1, at


def _read_body(stream: ByteStream, limit: int) -> bytes | None:
    header = stream.read(HEADER_BYTES)
    if not header:
        return None
    if len(header) < HEADER_BYTES:
        raise Unavailable(f"the connection ended within a frame's length, after {len(header)} of {HEADER_BYTES} bytes")
    length = int.from_bytes(header, "big")
    if not 0 < length <= limit:
        raise Internal(f"a reply frame has 1 to {limit} bytes; the daemon announced {length}")
    body = stream.read(length)
    if len(body) < length:
        raise Unavailable(f"the connection ended within a frame, after {len(body)} of {length} bytes")
    return body


def _parse(body: bytes) -> ServerFrame:
    try:
        return ServerFrame.FromString(body)
    except DecodeError as error:
        raise Internal(f"the daemon sent a frame of {len(body)} bytes that does not parse") from error

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

    def readinto(self, room: memoryview, /) -> int | None:
        """Blocks until `room` is full or the stream ends; says how many bytes came."""


class SocketStream:
    """A socket's bytes, without a buffer: a buffer's lock would not survive a fork."""

    def __init__(self, source: socket.socket) -> None:
        self._socket = source

    def readinto(self, room: memoryview, /) -> int:
        """Blocks until `room` is full, a signal came or the stream ends; says how many bytes came. Raises `OSError`."""
        return self._socket.recv_into(room, 0, socket.MSG_WAITALL)


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


Frame: TypeAlias = LandedFrame | MessageFrame | ServerFrame


class FrameReader:
    """Makes frames of bytes, wherever these come from: put what comes next into `room`, and say how much it was.

    With a `place` a frame that carries a reply message is not copied through protobuf, and large values, alone in
    their message, go straight into the memory that `place` gives for them.
    """

    def __init__(self, place: Place | None = None, limit: int = MAX_REPLY_BYTES) -> None:
        self._place = place
        self._limit = limit
        self._header = memoryview(bytearray(HEADER_BYTES))
        # What comes now and what is left of it; how much of the frame follows, of how much in all.
        self._body = self._room = self._header
        self._behind = 0
        self._length: int | None = None
        self._step: Callable[[], Frame | None] = self._take_length

    @property
    def room(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        return self._room

    def filled(self, count: int) -> Frame | None:
        """So many bytes came into `room`. Returns a frame that is complete with them.

        Raises `Internal` for a length of zero or above the limit and for bytes that do not parse.
        """
        if count < len(self._room):
            self._room = self._room[count:]
            return None
        return self._step()

    def end(self) -> None:
        """The bytes have ended. Raises `Unavailable` where that is within a frame."""
        missing = len(self._room) + self._behind
        if self._length is not None:
            came = self._length - missing
            raise Unavailable(f"the connection ended within a frame, after {came} of {self._length} bytes", 0.0)
        if missing < HEADER_BYTES:
            came = HEADER_BYTES - missing
            raise Unavailable(
                f"the connection ended within a frame's length, after {came} of {HEADER_BYTES} bytes", 0.0
            )

    def _begin(self) -> None:
        """The next frame's length comes."""
        self._length = None
        self._expect(self._header, self._take_length)

    def _expect(self, body: memoryview, step: Callable[[], Frame | None], filled: int = 0, behind: int = 0) -> None:
        """`body` is what comes, all but the first `filled` bytes of it, and then `step`; `behind` follow of a frame."""
        self._body = body
        self._room = body[filled:] if filled else body
        self._step = step
        self._behind = behind

    def _take_length(self) -> Frame | None:
        length = int.from_bytes(self._body, "big")
        if not 0 < length <= self._limit:
            raise Internal(f"a reply frame has 1 to {self._limit} bytes; the daemon announced {length}")
        self._length = length
        if length < LANDING_BYTES or self._place is None:
            self._expect(memoryview(bytearray(length)), self._take_body)
        else:
            self._expect(memoryview(bytearray(_HEAD_BYTES)), self._take_head, behind=length - _HEAD_BYTES)
        return None

    def _take_head(self) -> Frame | None:
        """Of a large frame: its values may have a place."""
        head, length = self._body, len(self._body) + self._behind
        call_id, at = _message_start(head, length)
        if call_id and self._place is not None and head[at] & 7 == _BYTES:
            size, start = _varint(head, at + 1)
            room = self._place(call_id, head[at] >> 3, size) if size == length - start else None
            if room is not None:
                room[: len(head) - start] = head[start:]
                self._landed = LandedFrame(call_id, length - at)
                self._expect(room, self._take_landed, filled=len(head) - start)
                return None
        # Uninitialized, unlike a bytearray.
        body = np.empty(length, np.uint8).data
        body[: len(head)] = head
        self._expect(body, self._take_body, filled=len(head))
        return None

    def _take_landed(self) -> Frame:
        self._begin()
        return self._landed

    def _take_body(self) -> Frame:
        body = self._body
        self._begin()
        return _parse(bytes(body)) if self._place is None else _message_or_frame(body)


def read_by(reader: FrameReader, stream: ByteStream) -> Frame | None:
    """The next frame of a stream that one reader reads, or `None` where it ends between two frames."""
    while True:
        count = stream.readinto(reader.room)
        if not count:
            reader.end()
            return None
        if (frame := reader.filled(count)) is not None:
            return frame


def read_frame(stream: ByteStream, limit: int = MAX_REPLY_BYTES) -> ServerFrame | None:
    """The next frame, or `None` where the stream ends between two frames. Raises as `FrameReader`."""
    frame = read_by(FrameReader(None, limit), stream)
    assert frame is None or isinstance(frame, ServerFrame)
    return frame


def sole_bytes(data: memoryview, field: int) -> memoryview | None:
    """The value of an encoded message that is one field of bytes and nothing else, in place; otherwise `None`."""
    if len(data) < 2 or data[0] != (field << 3 | _BYTES):
        return None
    length, start = _varint(data, 1)
    return data[start:] if length == len(data) - start else None


def _message_or_frame(body: memoryview) -> MessageFrame | ServerFrame:
    call_id, start = _message_start(body, len(body))
    return MessageFrame(call_id, body[start:]) if call_id else _parse(bytes(body))


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


def _parse(body: bytes) -> ServerFrame:
    try:
        return ServerFrame.FromString(body)
    except DecodeError as error:
        raise Internal(f"the daemon sent a frame of {len(body)} bytes that does not parse") from error

"""One connection to a daemon, frame by frame: good frames, and any bytes at all."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from google.protobuf.message import Message
from lensd._proto.frame_pb2 import ClientFrame, ClientHello, ServerFrame, StartCall, Status
from lensd.framing import encode_frame

# Longer than anything that is asked here takes on a busy machine.
SECONDS = 60.0

HELLO = encode_frame(ClientFrame(hello=ClientHello(protocol_versions=[1], client=b"reliability")))


class HungUp(Exception):
    """The daemon closed the connection, or went away."""


class Wire:
    """A connection that exchanged Hellos, unless it is told not to."""

    def __init__(self, path: Path | str, greet: bool = True, timeout: float = SECONDS) -> None:
        """Raises `HungUp` where nothing answers."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self._buffer = bytearray()
        self._last_id = 0
        try:
            self.socket.connect(str(path))
            if greet:
                self.write(HELLO)
                if self.read().WhichOneof("body") != "hello":
                    raise HungUp("the daemon sent no Hello")
        except OSError as error:
            self.close()
            raise HungUp(str(error)) from error
        except HungUp:
            self.close()
            raise

    def write(self, data: bytes) -> None:
        """Sends bytes as they are."""
        try:
            self.socket.sendall(data)
        except TimeoutError:
            raise
        except OSError as error:
            raise HungUp(str(error)) from error

    def read(self) -> ServerFrame:
        """The next frame; raises `HungUp` at the end of the stream and `TimeoutError` where none comes."""
        length = int.from_bytes(self._take(4), "big")
        return ServerFrame.FromString(self._take(length))

    def read_bytes(self, size: int) -> None:
        """Reads so many bytes, whatever they are, or fewer where no more come for a moment."""
        self.socket.settimeout(0.02)
        with suppress(TimeoutError):
            self._take(size)

    def read_to_end(self) -> Iterable[ServerFrame]:
        """Frames until the daemon hangs up."""
        while True:
            try:
                yield self.read()
            except HungUp:
                return

    def call(
        self, method: str, request: Message | bytes, request_id: bytes = b"", deadline_ms: int = 0
    ) -> tuple[list[bytes], Status]:
        """Makes one call and waits for its end: the reply messages and the status."""
        self._last_id += 1
        self.write(start(self._last_id, method, request, request_id, deadline_ms))
        messages = []
        while True:
            frame = self.read()
            body = frame.WhichOneof("body")
            if frame.call_id == 0 and body == "status":
                raise HungUp(frame.status.message.decode("utf-8", "replace"))
            if frame.call_id != self._last_id:
                continue
            if body == "message":
                messages.append(frame.message)
            elif body == "status":
                return messages, frame.status

    def end_writing(self) -> None:
        """Sends no more; what the daemon still says can be read."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise HungUp(str(error)) from error

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                raise
            except OSError as error:
                raise HungUp(str(error)) from error
            if not data:
                raise HungUp("the daemon closed the connection")
            self._buffer += data
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def start(call_id: int, method: str, request: Message | bytes, request_id: bytes = b"", deadline_ms: int = 0) -> bytes:
    """The frame that starts a call."""
    data = request if isinstance(request, bytes) else request.SerializeToString()
    call = StartCall(method=method.encode(), request=data, request_id=request_id, deadline_ms=deadline_ms)
    return encode_frame(ClientFrame(call_id=call_id, start=call))

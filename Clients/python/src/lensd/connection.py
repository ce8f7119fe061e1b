"""One socket to a daemon: the Hello, a thread that reads, and the calls in flight."""

from __future__ import annotations

import os
import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import NoReturn

from lensd._proto.frame_pb2 import ClientFrame, ClientHello, ServerFrame, ServerHello
from lensd._version import __version__
from lensd.call import Call, Receiver
from lensd.errors import InvalidArgument, LensError, StatusCode, Unavailable, error_for
from lensd.framing import (
    MAX_REQUEST_BYTES,
    PROTOCOL_VERSIONS,
    LandedFrame,
    MessageFrame,
    SocketStream,
    encode_frame,
    read_frame,
    read_reply,
)

HELLO_SECONDS = 5.0
# A daemon that does not take a frame for so long is stuck; the connection is given up.
SEND_SECONDS = 30
# Longest path that fits in sockaddr_un with its final zero.
MAX_PATH_BYTES = 107
# Call ids are never reused on a connection.
MAX_CALL_ID = (1 << 32) - 1


class Connection:
    """A socket that greeted a daemon. Safe from several threads, of the process that opened it only."""

    def __init__(self, path: str) -> None:
        """Connects and exchanges Hellos.

        Raises `Unavailable` where no daemon answers, `InvalidArgument` for a path that cannot be a socket's.
        """
        self.path = path
        self.process_id = os.getpid()
        # Reentrant: a channel that is collected closes its connection from whatever the thread is doing.
        self._lock = threading.RLock()
        self._send_lock = threading.Lock()
        self._calls: dict[int, Call] = {}
        self._last_id = 0
        self._failure: LensError | None = None
        self._socket = _connect(path)
        self._stream = SocketStream(self._socket)
        try:
            self.hello = self._greet()
            self._socket.settimeout(None)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", SEND_SECONDS, 0))
        except BaseException:
            self._socket.close()
            raise
        self._reader = threading.Thread(target=self._read, name=f"lensd {path}", daemon=True)
        self._reader.start()

    @property
    def is_open(self) -> bool:
        """Whether calls can be started: neither closed nor lost, not another process's, call ids left."""
        return self._failure is None and self.process_id == os.getpid() and self._last_id < MAX_CALL_ID

    def start(
        self,
        method: str,
        request: bytes,
        timeout: float | None,
        is_stream: bool,
        request_id: bytes = b"",
        receiver: Receiver | None = None,
    ) -> Call:
        """Starts a call of `/package.Service/Method`; `timeout` is in seconds, `None` means the method's default.

        Raises `Unavailable` where the connection is lost, `ResourceExhausted` for a request that is too long.
        """
        with self._lock:
            if self._failure is not None:
                raise error_for(self._failure.code, self._failure.message)
            self._last_id += 1
            call = Call(self, self._last_id, method, timeout, is_stream, receiver)
            self._calls[call.id] = call
        try:
            self.send(call.start_frame(request, request_id))
        except BaseException:
            self.forget(call.id)
            raise
        return call

    def send(self, frame: ClientFrame) -> None:
        """Sends a frame. Raises `Unavailable` where the daemon does not take it."""
        data = encode_frame(frame, self.hello.max_request_bytes or MAX_REQUEST_BYTES)
        try:
            with self._send_lock:
                self._socket.sendall(data)
        except OSError as error:
            # What the daemon said before it hung up tells more than the broken pipe.
            self._reader.join(timeout=1.0)
            self._fail(Unavailable(f"the daemon at {self.path} went away: {error.strerror or error}"))
            self._raise_failure()
        except BaseException:
            # Ctrl-C within a frame: what follows on this socket would be read as the rest of it.
            self._fail(Unavailable(f"sending to {self.path} was interrupted"))
            raise

    def forget(self, call_id: int) -> None:
        """Drops an ended call; what still comes for it is ignored."""
        with self._lock:
            self._calls.pop(call_id, None)

    def close(self) -> None:
        """Hangs up; calls in flight end with `Unavailable`."""
        self._fail(Unavailable("this client was closed"))

    def abandon(self) -> None:
        """Drops the socket in a forked child without touching the parent's connection or any of its locks."""
        os.close(self._socket.detach())

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _greet(self) -> ServerHello:
        hello = ClientHello(protocol_versions=PROTOCOL_VERSIONS, client=f"lensd-python/{__version__}".encode())
        self._socket.settimeout(HELLO_SECONDS)
        try:
            self._socket.sendall(encode_frame(ClientFrame(hello=hello)))
            frame = read_frame(self._stream)
        except TimeoutError as error:
            raise Unavailable(f"{self.path} did not answer a Hello within {HELLO_SECONDS:g} s") from error
        except OSError as error:
            raise Unavailable(f"{self.path} hung up on a Hello: {error.strerror or error}") from error
        if frame is None:
            raise Unavailable(f"{self.path} hung up on a Hello")
        if frame.call_id == 0 and frame.WhichOneof("body") == "status":
            raise error_for(frame.status.code, frame.status.message.decode("utf-8", "replace"))
        if frame.call_id != 0 or frame.WhichOneof("body") != "hello":
            raise Unavailable(f"{self.path} does not speak lensd's protocol: it sent no Hello")
        if frame.hello.protocol_version not in PROTOCOL_VERSIONS:
            raise Unavailable(
                f"{self.path} speaks protocol version {frame.hello.protocol_version}; this client knows "
                + ", ".join(map(str, PROTOCOL_VERSIONS))
            )
        return frame.hello

    def _read(self) -> None:
        try:
            while (frame := read_reply(self._stream, self._place)) is not None:
                self._dispatch(frame)
            failure: LensError = Unavailable(f"the daemon at {self.path} closed the connection")
        except LensError as error:
            failure = error
        except OSError as error:
            # As after a kill, with a request of ours unread.
            failure = Unavailable(f"the daemon at {self.path} went away: {error.strerror or error}")
        self._fail(failure)

    def _place(self, call_id: int, field: int, size: int) -> memoryview | None:
        with self._lock:
            call = self._calls.get(call_id)
        return None if call is None else call.place(field, size)

    def _dispatch(self, frame: LandedFrame | MessageFrame | ServerFrame) -> None:
        body = frame.WhichOneof("body") if isinstance(frame, ServerFrame) else "message"
        if frame.call_id == 0:
            if isinstance(frame, ServerFrame) and body == "status":
                raise error_for(frame.status.code, frame.status.message.decode("utf-8", "replace"))
            return
        with self._lock:
            call = self._calls.pop(frame.call_id, None) if body == "status" else self._calls.get(frame.call_id)
            is_known = frame.call_id <= self._last_id
        if call is not None:
            call.receive(frame)
        elif not is_known:
            raise error_for(StatusCode.INTERNAL, f"the daemon answered call {frame.call_id}, which was never made")

    def _fail(self, failure: LensError) -> None:
        """Ends the connection: the first failure counts, every waiting call gets it."""
        with self._lock:
            if self._failure is not None:
                return
            self._failure = failure
            calls = list(self._calls.values())
            self._calls.clear()
        for call in calls:
            call.end(failure.code, failure.message)
        with suppress(OSError):  # The other side was faster.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _raise_failure(self) -> NoReturn:
        failure = self._failure or Unavailable(f"the connection to {self.path} is closed")
        raise error_for(failure.code, failure.message)


def _connect(path: str) -> socket.socket:
    length = len(os.fsencode(path))
    if not 0 < length <= MAX_PATH_BYTES or "\0" in path:
        raise InvalidArgument(f"a socket's path has 1 to {MAX_PATH_BYTES} bytes; received {length}: {path!r}")
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(HELLO_SECONDS)
        connected.connect(path)
    except OSError as error:
        connected.close()
        reason = error.strerror or error
        raise Unavailable(f"no daemon answers at {path}: {reason}; `lensctl up` starts your own") from error
    return connected

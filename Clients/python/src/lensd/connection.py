"""One socket to a daemon: the Hello, a thread that reads, and the calls in flight."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType

from lensd._proto.frame_pb2 import ClientFrame, ServerHello
from lensd.call import Call
from lensd.call_state import Receiver
from lensd.call_table import CallTable, client_hello, server_hello
from lensd.errors import InvalidArgument, LensError, Unavailable
from lensd.framing import MAX_REQUEST_BYTES, FrameReader, SocketStream, encode_frame, read_by, read_frame

HELLO_SECONDS = 5.0
# A daemon that does not take a frame for so long is stuck; the connection is given up.
SEND_SECONDS = 30
# Longest path that fits in sockaddr_un with its final zero.
MAX_PATH_BYTES = 107
# What connecting says while a daemon starts or restarts.
_PASSING = (errno.ENOENT, errno.ECONNREFUSED, errno.EAGAIN, errno.ECONNRESET)


class Connection:
    """A socket that greeted a daemon. Safe from several threads, of the process that opened it only."""

    def __init__(self, path: str) -> None:
        """Connects and exchanges Hellos.

        Raises `Unavailable` where no daemon answers, `InvalidArgument` for a path that cannot be a socket's.
        """
        self.path = path
        self.process_id = os.getpid()
        self._calls: CallTable[Call] = CallTable(path)
        self._send_lock = threading.Lock()
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
        return self._calls.is_open and self.process_id == os.getpid()

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

        Raises `Unavailable` where the connection is lost, `ResourceExhausted` for a request that is too long; the
        daemon has not heard of the call then.
        """
        call = self._calls.add(lambda call_id: Call(self, call_id, method, timeout, is_stream, receiver))
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
            self._fail(self._calls.lost(error))
            self._calls.check()
        except BaseException:
            # Ctrl-C within a frame: what follows on this socket would be read as the rest of it.
            self._fail(Unavailable(f"sending to {self.path} was interrupted", 0.0))
            raise

    def forget(self, call_id: int) -> None:
        """Drops an ended call; what still comes for it is ignored."""
        self._calls.forget(call_id)

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
        self._socket.settimeout(HELLO_SECONDS)
        try:
            # A daemon that has no room says so and hangs up, which may be faster than this.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._socket.sendall(encode_frame(client_hello()))
            frame = read_frame(self._stream)
        except TimeoutError as error:
            raise Unavailable(f"{self.path} did not answer a Hello within {HELLO_SECONDS:g} s", 0.0) from error
        except OSError as error:
            raise Unavailable(f"{self.path} hung up on a Hello: {error.strerror or error}", 0.0) from error
        return server_hello(frame, self.path)

    def _read(self) -> None:
        try:
            frames = FrameReader(self._calls.place)
            while (frame := read_by(frames, self._stream)) is not None:
                self._calls.dispatch(frame)
            failure: LensError = self._calls.closed()
        except LensError as error:
            failure = error
        except OSError as error:
            failure = self._calls.lost(error)
        self._fail(failure)

    def _fail(self, failure: LensError) -> None:
        """Ends the connection: the first failure counts, every waiting call gets it."""
        if not self._calls.fail(failure):
            return
        with suppress(OSError):  # The other side was faster.
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def check_path(path: str) -> None:
    """Raises `InvalidArgument` for a path that cannot be a socket's."""
    length = len(os.fsencode(path))
    if not 0 < length <= MAX_PATH_BYTES or "\0" in path:
        raise InvalidArgument(f"a socket's path has 1 to {MAX_PATH_BYTES} bytes; received {length}: {path!r}")


def no_daemon(path: str, error: OSError) -> Unavailable:
    """Nobody answers at a path, for now or for good."""
    reason = error.strerror or error
    return Unavailable(
        f"no daemon answers at {path}: {reason}; `lensctl up` starts your own",
        0.0 if error.errno in _PASSING or isinstance(error, TimeoutError) else None,
    )


def _connect(path: str) -> socket.socket:
    check_path(path)
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(HELLO_SECONDS)
        connected.connect(path)
    except OSError as error:
        connected.close()
        raise no_daemon(path, error) from error
    return connected

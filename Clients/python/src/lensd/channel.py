"""The way to a daemon: finds its socket, keeps a connection, makes typed calls."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from lensd.call import Call, Receiver
from lensd.connection import Connection
from lensd.errors import FailedPrecondition, Internal, InvalidArgument, Unavailable

if TYPE_CHECKING:
    from typing_extensions import Self

Request = TypeVar("Request", bound=Message)
Reply = TypeVar("Reply", bound=Message)

MACHINE_SOCKET = "/run/lensd/lensd.sock"
MAX_TIMEOUT = 365 * 24 * 3600


class Channel:
    """Typed calls to one daemon, from any thread, and from a forked child on a connection of its own.

    A connection that is lost ends the calls in flight with `Unavailable`; the next call makes a new one.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, timeout: float | None = None) -> None:
        """Connects to `path`, or to the socket that `find` chooses; `timeout` is in seconds, for every call.

        Raises `Unavailable` where no daemon answers, `InvalidArgument` for a path that cannot be a socket's.
        """
        if timeout is not None and not 0 < timeout <= MAX_TIMEOUT:
            raise InvalidArgument(f"a timeout is above 0 and at most {MAX_TIMEOUT} seconds; received {timeout}")
        connection = find() if path is None else Connection(os.fspath(path))
        self.path = connection.path
        self.timeout = timeout
        self._lock = threading.Lock()
        self._connection: Connection | None = connection
        self._is_closed = False
        _channels.add(self)

    @property
    def server(self) -> str:
        """Program and version of the daemon, such as `lensd/0.1.0`."""
        return self._connected().hello.server.decode("utf-8", "replace")

    def unary(self, method: str, request: Message, reply: type[Reply], timeout: float | None = None) -> Reply:
        """Makes a call with one reply. Raises what the call ended with."""
        with self._start(method, request, timeout, is_stream=False) as call:
            replies = list(call)
        if len(replies) != 1:
            raise Internal(f"{method} answers with one message; received {len(replies)}")
        return _decode(replies[0], reply, method)

    def stream(self, method: str, request: Message, reply: type[Reply], timeout: float | None = None) -> Stream[Reply]:
        """Starts a call with many replies."""
        return Stream(self, self._start(method, request, timeout, is_stream=True), reply)

    def deliver(self, method: str, request: Message, receiver: Receiver, timeout: float | None = None) -> None:
        """Makes a call whose replies go to `receiver` as they come. Raises what it raises or the call ended with."""
        with self._start(method, request, timeout, is_stream=True, receiver=receiver) as call:
            call.wait()

    def exchange(
        self, method: str, request: Request, reply: type[Reply], timeout: float | None = None
    ) -> Exchange[Request, Reply]:
        """Starts a call with many messages both ways; `request` is the first."""
        return Exchange(self, self._start(method, request, timeout, is_stream=True), reply)

    def close(self) -> None:
        """Hangs up; calls in flight end with `Unavailable`, later ones with `FailedPrecondition`."""
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __del__(self) -> None:
        # The reading thread keeps its connection alive, so an unreferenced channel hangs up itself.
        if (connection := getattr(self, "_connection", None)) is not None:
            connection.close()

    def _start(
        self, method: str, request: Message, timeout: float | None, is_stream: bool, receiver: Receiver | None = None
    ) -> Call:
        timeout = self.timeout if timeout is None else timeout
        data = request.SerializeToString()
        return self._connected().start(method, data, timeout, is_stream, receiver=receiver)

    def _connected(self) -> Connection:
        with self._lock:
            if self._is_closed:
                raise FailedPrecondition("this client was closed")
            if self._connection is None or not self._connection.is_open:
                self._connection = Connection(self.path)
            return self._connection

    def _after_fork(self) -> None:
        """In the child: the parent's locks may be held by threads that are not here, its socket stays its own."""
        self._lock = threading.Lock()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()


class Stream(Generic[Reply]):
    """An iterator over the reply messages of a call. Leaving a `with` block cancels a call that has not ended."""

    def __init__(self, channel: Channel, call: Call, reply: type[Reply]) -> None:
        # Kept: a channel that nobody refers to hangs up.
        self._channel = channel
        self._call = call
        self._reply = reply

    def __iter__(self) -> Iterator[Reply]:
        for message in self._call:
            yield _decode(message, self._reply, self._call.method)

    def cancel(self) -> None:
        """Tells the daemon to stop, unless the call has ended."""
        self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call.cancel()


class Exchange(Stream[Reply], Generic[Request, Reply]):
    """A stream of replies to a stream of requests."""

    def send(self, message: Request) -> None:
        """Sends one more request message, once the daemon has room for it. Raises what the call ended with."""
        self._call.send(message.SerializeToString())

    def end_stream(self) -> None:
        """Says that no more request messages come; replies go on."""
        self._call.end_stream()

    def paused(self) -> AbstractContextManager[None]:
        """A block during which the daemon waits for this side, which does not count against the call's timeout."""
        return self._call.paused()


def candidates() -> list[str]:
    """The sockets that are tried, in order: `$LENSD_SOCKET` alone where it is set, else one's own, the machine's."""
    if path := os.environ.get("LENSD_SOCKET"):
        return [path]
    own = os.environ.get("XDG_RUNTIME_DIR")
    return [*([os.path.join(own, "lensd", "lensd.sock")] if own else []), MACHINE_SOCKET]


def find() -> Connection:
    """Connects to the first of `candidates` that answers. Raises `Unavailable` that names all that were tried."""
    failures = []
    for path in candidates():
        try:
            return Connection(path)
        except Unavailable as error:
            failures.append(error.message)
    raise Unavailable(f"{'; '.join(failures)}; start one's own daemon with: lensctl up")


def _decode(message: memoryview, reply: type[Reply], method: str) -> Reply:
    try:
        return reply.FromString(bytes(message))
    except DecodeError as error:
        raise Internal(f"{method} answered with {len(message)} bytes that are no {reply.DESCRIPTOR.name}") from error


_channels: weakref.WeakSet[Channel] = weakref.WeakSet()


def _forget_connections() -> None:
    for channel in list(_channels):
        channel._after_fork()


os.register_at_fork(after_in_child=_forget_connections)

"""The way to a daemon: finds its socket, keeps a connection, makes typed calls."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from lensd.call import Call
from lensd.call_state import Receiver
from lensd.connection import Connection
from lensd.errors import FailedPrecondition, Internal, InvalidArgument, LensError, Unavailable
from lensd.methods import Method, Reply, Request
from lensd.retry import Retry, Tries

if TYPE_CHECKING:
    from typing_extensions import Self

Result = TypeVar("Result")

MACHINE_SOCKET = "/run/lensd/lensd.sock"
MAX_TIMEOUT = 365 * 24 * 3600


class Channel:
    """Typed calls to one daemon, from any thread, and from a forked child on a connection of its own.

    A connection that is lost ends the calls in flight; those that may be are made again, on a new one, as `retry` says.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        timeout: float | None = None,
        retry: Retry | None = None,
    ) -> None:
        """Connects to `path`, or to the socket that `find` chooses; `timeout` is in seconds, for every call.

        `retry` says how calls are tried again, `None` that they are not. Raises `Unavailable` where no daemon answers,
        `InvalidArgument` for a path that cannot be a socket's.
        """
        check_timeout(timeout)
        connection = find() if path is None else Connection(os.fspath(path))
        self._set_up(connection.path, timeout, retry, connection, is_found=path is None)

    def _set_up(
        self,
        path: str,
        timeout: float | None,
        retry: Retry | None,
        connection: Connection | None,
        key: bytes | None = None,
        is_found: bool = False,
    ) -> None:
        self.path = path
        # Whether it was looked for, rather than given: a copy looks again where it arrives.
        self._is_found = is_found
        self.timeout = timeout
        self.retry = retry
        self._lock = threading.Lock()
        self._connection = connection
        self._closed = threading.Event()
        # Copies of this channel that reach this process by pickle are this channel.
        self._key = os.urandom(16) if key is None else key
        _channels[self._key] = self

    @property
    def server(self) -> str:
        """Program and version of the daemon, such as `lensd/0.1.0`."""
        return self._connected().hello.server.decode("utf-8", "replace")

    def unary(self, method: Method[Request, Reply], request: Request, timeout: float | None = None) -> Reply:
        """Makes a call with one reply. Raises what the call ended with."""
        tries = self._tries(method.path, timeout, is_stream=False)
        while True:
            with self._start(tries, request) as call:
                try:
                    return sole(list(call), method.reply, method.path)
                except LensError as error:
                    self._pause(tries, call, error)

    def stream(self, method: Method[Request, Reply], request: Request, timeout: float | None = None) -> Stream[Reply]:
        """Starts a call with many replies. It is tried again as long as none was taken."""
        return Stream(self, self._tries(method.path, timeout), request, method.reply)

    def deliver(
        self, method: Method[Request, Reply], request: Request, receiver: Receiver, timeout: float | None = None
    ) -> None:
        """Makes a call whose replies go to `receiver` as they come. Raises what it raises or the call ended with."""
        tries = self._tries(method.path, timeout)
        while True:
            with self._start(tries, request, receiver) as call:
                try:
                    return call.wait()
                except LensError as error:
                    self._pause(tries, call, error)
            receiver.start_over()

    def exchange(
        self, method: Method[Request, Reply], request: Request, timeout: float | None = None
    ) -> Exchange[Request, Reply]:
        """Starts a call with many messages both ways; `request` is the first."""
        return Exchange(self, self._tries(method.path, timeout), request, method.reply)

    def close(self) -> None:
        """Hangs up; calls in flight end with `Unavailable`, later ones with `FailedPrecondition`."""
        self._closed.set()
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Where it leads to: in another process a copy makes a connection of its own, at its first call.

        A client that was given no path looks for its daemon there too, which may be another machine's.
        """
        if self._closed.is_set():
            raise FailedPrecondition("this client was closed")
        return _channel_of, (self._key, "" if self._is_found else self.path, self.timeout, self.retry)

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        # The reading thread keeps its connection alive, so an unreferenced channel hangs up itself. At the
        # interpreter's end the modules that this needs may be gone already, and the system hangs up.
        if not is_finalizing() and (connection := getattr(self, "_connection", None)) is not None:
            connection.close()

    def _tries(self, method: str, timeout: float | None, is_stream: bool = True) -> Tries:
        return Tries(self.retry, method, self.timeout if timeout is None else timeout, is_stream)

    def _start(self, tries: Tries, request: Message, receiver: Receiver | None = None) -> Call:
        """Starts a try; waits for a daemon that went away. Raises what `Tries.delay_after` does."""
        data = request.SerializeToString()
        while True:
            try:
                connection = self._connected()
                timeout = tries.begin()
                return connection.start(tries.method, data, timeout, tries.is_stream, tries.request_id, receiver)
            except LensError as error:
                self._closed.wait(tries.delay_after(error, was_sent=False))

    def _pause(self, tries: Tries, call: Call, error: LensError) -> None:
        """Waits until the next try. Raises the error where there is to be none."""
        if error is not call.failure:
            # Not the call's, but of the function that reads it.
            raise error
        self._closed.wait(tries.delay_after(error, was_sent=True))

    def _connected(self) -> Connection:
        with self._lock:
            if self._closed.is_set():
                raise FailedPrecondition("this client was closed")
            if self._connection is None or not self._connection.is_open:
                self._connection = Connection(self.path) if self.path else find()
                self.path = self._connection.path
            return self._connection

    def _after_fork(self) -> None:
        """In the child: the parent's locks may be held by threads that are not here, its socket stays its own."""
        self._lock = threading.Lock()
        is_closed, self._closed = self._closed.is_set(), threading.Event()
        if is_closed:
            self._closed.set()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()


class Stream(Generic[Reply]):
    """An iterator over the reply messages of a call. Leaving a `with` block cancels a call that has not ended."""

    def __init__(self, channel: Channel, tries: Tries, request: Message, reply: type[Reply]) -> None:
        # Kept: a channel that nobody refers to hangs up.
        self._channel = channel
        self._tries = tries
        self._request = request
        self._reply = reply
        # More was sent than the request, and goes with it.
        self._has_sent = False
        self._call = channel._start(tries, request)

    def __iter__(self) -> Iterator[Reply]:
        is_taken = False
        while True:
            try:
                for message in self._call:
                    is_taken = True
                    yield decode(message, self._reply, self._call.method)
                return
            except LensError as error:
                if is_taken or self._has_sent:
                    raise
                self.start_over(error)

    def whole(self, read: Callable[[Iterator[Reply]], Result]) -> Result:
        """What `read` makes of all messages: of all of a new try, where there is one."""
        while True:
            try:
                return read(iter(self))
            except LensError as error:
                self.start_over(error)

    def start_over(self, error: LensError) -> None:
        """Makes the call again after a failure that it ended with. Raises it where that is not to be."""
        self._channel._pause(self._tries, self._call, error)
        self._has_sent = False
        self._call = self._channel._start(self._tries, self._request)

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
        with self._sending():
            self._call.send(message.SerializeToString())

    def end_stream(self) -> None:
        """Says that no more request messages come; replies go on."""
        with self._sending():
            self._call.end_stream()

    @contextmanager
    def _sending(self) -> Iterator[None]:
        self._has_sent = True
        try:
            yield
        except LensError as error:
            self._call.failure = error
            raise

    def paused(self) -> AbstractContextManager[None]:
        """A block during which the daemon waits for this side, which does not count against the call's timeout."""
        return self._call.paused()


def check_timeout(timeout: float | None) -> None:
    """Raises `InvalidArgument` for a number of seconds that no call may take."""
    if timeout is not None and not 0 < timeout <= MAX_TIMEOUT:
        raise InvalidArgument(f"a timeout is above 0 and at most {MAX_TIMEOUT} seconds; received {timeout}")


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
    raise none_answers(failures)


def none_answers(failures: list[str]) -> Unavailable:
    """No socket that was tried has a daemon."""
    return Unavailable(f"{'; '.join(failures)}; start one's own daemon with: lensctl up")


def sole(messages: list[memoryview], reply: type[Reply], method: str) -> Reply:
    """The one message of a reply. Raises `Internal` where there are none or several."""
    if len(messages) != 1:
        raise Internal(f"{method} answers with one message; received {len(messages)}")
    return decode(messages[0], reply, method)


def decode(message: memoryview, reply: type[Reply], method: str) -> Reply:
    """A reply message. Raises `Internal` where it is none."""
    try:
        return reply.FromString(bytes(message))
    except DecodeError as error:
        raise Internal(f"{method} answered with {len(message)} bytes that are no {reply.DESCRIPTOR.name}") from error


_channels: weakref.WeakValueDictionary[bytes, Channel] = weakref.WeakValueDictionary()


def _channel_of(key: bytes, path: str, timeout: float | None, retry: Retry | None) -> Channel:
    """The channel that was pickled, or this process's copy of it."""
    channel = _channels.get(key)
    if channel is None:
        channel = Channel.__new__(Channel)
        channel._set_up(path, timeout, retry, None, key, is_found=not path)
    return channel


def _forget_connections() -> None:
    for channel in list(_channels.values()):
        channel._after_fork()


os.register_at_fork(after_in_child=_forget_connections)

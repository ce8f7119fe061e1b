"""The way to a daemon from an event loop: keeps a connection, makes typed calls."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic

from lensd.aio.call import Call
from lensd.aio.connection import Connection
from lensd.call_state import Receiver
from lensd.channel import candidates, check_timeout, decode, none_answers, sole
from lensd.errors import FailedPrecondition, LensError, Unavailable
from lensd.methods import Method, Reply, Request
from lensd.retry import Retry, Tries

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from typing_extensions import Self


class Channel:
    """Typed calls to one daemon from the tasks of one event loop. Calls are made again as `retry` says."""

    def __init__(self, connection: Connection, timeout: float | None, retry: Retry | None) -> None:
        """Use `open`."""
        self.path = connection.path
        self.timeout = timeout
        self.retry = retry
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._process_id = os.getpid()
        self._connecting = asyncio.Lock()
        self._closed = asyncio.Event()

    @classmethod
    async def open(cls, path: str | None, timeout: float | None, retry: Retry | None) -> Channel:
        """Connects to `path`, or to the first that answers of the sockets that are tried.

        Raises `Unavailable` where no daemon answers, `InvalidArgument` for a path that cannot be a socket's.
        """
        check_timeout(timeout)
        return cls(await _find() if path is None else await Connection.open(path), timeout, retry)

    async def unary(self, method: Method[Request, Reply], request: Request) -> Reply:
        """Makes a call with one reply. Raises what the call ended with."""
        tries = self._tries(method, is_stream=False)
        while True:
            async with await self._start(tries, request) as call:
                try:
                    return sole([message async for message in call], method.reply, method.path)
                except LensError as error:
                    await self._pause(tries, call, error)

    def stream(self, method: Method[Request, Reply], request: Request) -> Stream[Reply]:
        """A call with many replies, which begins when the first is asked for."""
        return Stream(self, method, request)

    async def deliver(self, method: Method[Request, Reply], request: Request, receiver: Receiver) -> None:
        """Makes a call whose replies go to `receiver` as they come. Raises what it raises or the call ended with."""
        tries = self._tries(method)
        while True:
            async with await self._start(tries, request, receiver) as call:
                try:
                    return await call.wait()
                except LensError as error:
                    await self._pause(tries, call, error)
            receiver.start_over()

    def close(self) -> None:
        """Hangs up; calls in flight end with `Unavailable`, later ones with `FailedPrecondition`."""
        self._closed.set()
        self._connection.close()

    def __del__(self) -> None:
        # The loop keeps the connection alive, so an unreferenced channel hangs up itself.
        if not self._loop.is_closed() and self._process_id == os.getpid():
            self._loop.call_soon_threadsafe(self._connection.close)

    def _tries(self, method: Method[Request, Reply], is_stream: bool = True) -> Tries:
        return Tries(self.retry, method.path, self.timeout, is_stream)

    async def _start(self, tries: Tries, request: Message, receiver: Receiver | None = None) -> Call:
        """Starts a try; waits for a daemon that went away. Raises what `Tries.delay_after` does."""
        data = request.SerializeToString()
        while True:
            try:
                connection = await self._connected()
                timeout = tries.begin()
                return await connection.start(tries.method, data, timeout, tries.is_stream, tries.request_id, receiver)
            except LensError as error:
                await self._wait(tries.delay_after(error, was_sent=False))

    async def _pause(self, tries: Tries, call: Call, error: LensError) -> None:
        """Waits until the next try. Raises the error where there is to be none."""
        if error is not call.failure:
            # Not the call's, but of whoever reads it.
            raise error
        await self._wait(tries.delay_after(error, was_sent=True))

    async def _wait(self, seconds: float) -> None:
        """Waits so long, or until the channel is closed."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    async def _connected(self) -> Connection:
        if asyncio.get_running_loop() is not self._loop or os.getpid() != self._process_id:
            raise FailedPrecondition("this client belongs to another event loop: connect in this one")
        async with self._connecting:
            if self._closed.is_set():
                raise FailedPrecondition("this client was closed")
            if not self._connection.is_open:
                self._connection = await Connection.open(self.path)
            return self._connection


class Stream(Generic[Reply]):
    """The reply messages of a call, for one task to iterate over; made again as long as none was taken.

    Leaving an `async with` block, a cancelled task, and letting it go cancel a call that has not ended.
    """

    def __init__(self, channel: Channel, method: Method[Request, Reply], request: Request) -> None:
        # Kept: a channel that nobody refers to hangs up.
        self._channel = channel
        self._tries = channel._tries(method)
        self._method = method.path
        self._reply = method.reply
        self._request: Message = request
        self._call: Call | None = None
        self._is_taken = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Reply:
        """The next message. Raises what the call ended with."""
        while True:
            try:
                if self._call is None:
                    self._call = await self._channel._start(self._tries, self._request)
                message = await self._call.__anext__()
                self._is_taken = True
                return decode(message, self._reply, self._method)
            except LensError as error:
                if self._is_taken or self._call is None:
                    raise
                await self.start_over(error)
            except asyncio.CancelledError:
                self.cancel()
                raise

    async def whole(self, on_each: Callable[[Reply], object] | None = None) -> list[Reply]:
        """All messages: all of a new try, where there is one. `on_each` is called with each as it comes."""
        while True:
            messages = []
            try:
                async for message in self:
                    if on_each is not None:
                        on_each(message)
                    messages.append(message)
                return messages
            except LensError as error:
                await self.start_over(error)

    async def start_over(self, error: LensError) -> None:
        """Makes the call again after a failure that it ended with. Raises it where that is not to be."""
        if self._call is None:
            raise error
        await self._channel._pause(self._tries, self._call, error)
        self._call, self._is_taken = None, False

    def cancel(self) -> None:
        """Tells the daemon to stop, unless the call has ended."""
        if self._call is not None:
            self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.cancel()

    def __del__(self) -> None:
        if self._call is not None and not self._channel._loop.is_closed():
            self._channel._loop.call_soon_threadsafe(self._call.cancel)


async def _find() -> Connection:
    """Connects to the first socket that answers. Raises `Unavailable` that names all that were tried."""
    failures = []
    for path in candidates():
        try:
            return await Connection.open(path)
        except Unavailable as error:
            failures.append(error.message)
    raise none_answers(failures)

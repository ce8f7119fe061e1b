"""One call in flight that a task waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from lensd._proto.frame_pb2 import CancelCall, ClientFrame
from lensd.call_state import CallState, Receiver
from lensd.errors import StatusCode

if TYPE_CHECKING:
    from lensd.aio.connection import Connection


class Call(CallState):
    """The encoded reply messages of one call, for one task to iterate over; `wait` where a receiver takes them.

    Leaving an `async with` block, also by a cancelled task, cancels a call that has not ended.
    """

    def __init__(
        self,
        connection: Connection,
        call_id: int,
        method: str,
        timeout: float | None,
        is_stream: bool,
        receiver: Receiver | None = None,
    ) -> None:
        super().__init__(call_id, method, timeout, is_stream, receiver)
        self._connection = connection
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Call:
        return self

    async def __anext__(self) -> memoryview:
        """The next reply message. Raises what the call ended with, `DeadlineExceeded`, `Unavailable`."""
        while True:
            is_late = not await self._wait_until(self._is_readable)
            if self._messages:
                message = self._messages.popleft()
                self._return_credit(len(message))
                return message
            if self._check_status():
                raise StopAsyncIteration
            if is_late:
                self._stop(*self._overdue())

    async def wait(self) -> None:
        """Waits until the receiver has all messages. Raises what it raised, else as iterating does."""
        while True:
            is_late = not await self._wait_until(self._is_credit_due)
            size, self._received_bytes = self._received_bytes, 0
            if self._receiver_error is not None:
                raise self._receiver_error
            if self._check_status():
                return
            if is_late:
                self._stop(*self._overdue())
            else:
                self._return_credit(size)

    def cancel(self) -> None:
        """Tells the daemon to stop, unless the call has ended; whoever iterates gets `Cancelled`."""
        self._stop(StatusCode.CANCELLED, f"{self.method} was cancelled")

    async def __aenter__(self) -> Call:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.cancel()

    def _changed(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait_until(self, is_ready: Callable[[], bool]) -> bool:
        """Waits for something or the call's end; false when that takes too long."""
        started = time.monotonic()
        while not is_ready() and self._status is None:
            patience = self._patience(started)
            if patience <= 0:
                return False
            # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with a message.
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(patience, self._changed)
            try:
                await self._waiter
            finally:
                timer.cancel()
        return True

    def _stop(self, code: StatusCode, message: str) -> None:
        """Ends the call from this side and tells the daemon, unless it has ended before."""
        if self.end(code, message):
            self._connection.forget(self.id)
            self._connection.post(ClientFrame(call_id=self.id, cancel=CancelCall()))

    def _return_credit(self, size: int) -> None:
        if self._status is None and (frame := self._credit(size)) is not None:
            self._connection.post(frame)

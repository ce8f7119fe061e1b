"""One call in flight that threads wait for."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from lensd._proto.frame_pb2 import CancelCall, ClientFrame, EndStream
from lensd.call_state import CallState, Receiver
from lensd.errors import LensError, StatusCode, Unavailable, error_for

if TYPE_CHECKING:
    from lensd.connection import Connection


class Call(CallState):
    """An iterator over the encoded reply messages of one call; ends when the daemon's status comes.

    Iterating raises the status's error. Leaving a `with` block cancels a call that has not ended. Where a `receiver`
    takes the messages, `wait` for the end instead.
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
        self._condition = threading.Condition(self._lock)

    def __iter__(self) -> Call:
        return self

    def __next__(self) -> memoryview:
        """The next reply message. Raises what the call ended with, `DeadlineExceeded`, `Unavailable`."""
        self._check_process()
        while True:
            with self._condition:
                is_late = not self._wait_until(self._is_readable)
                is_ended = self._status is not None
                message = self._messages.popleft() if self._messages else None
                if message is None and self._check_status():
                    raise StopIteration
            if message is not None:
                if not is_ended:
                    self._return_credit(len(message))
                return message
            if is_late:
                self._stop(*self._overdue())

    def wait(self) -> None:
        """Waits until the receiver has all messages. Raises what it raised, else as iterating does."""
        self._check_process()
        while True:
            with self._condition:
                is_late = not self._wait_until(self._is_credit_due)
                size, self._received_bytes = self._received_bytes, 0
                if self._receiver_error is not None:
                    raise self._receiver_error
                if self._check_status():
                    return
            if is_late:
                self._stop(*self._overdue())
            else:
                self._return_credit(size)

    def send(self, message: bytes) -> None:
        """Sends one more request message, once the daemon has room for it. Raises what the call ended with."""
        self._check_process()
        while True:
            with self._condition:
                is_late = not self._wait_until(self._is_writable)
                if self._status is not None:
                    raise error_for(*self._status)
                if not is_late:
                    self._send_window -= len(message)
                    break
            self._stop(*self._overdue())
        self._connection.send(ClientFrame(call_id=self.id, message=message))

    def end_stream(self) -> None:
        """Says that no more request messages come; replies go on."""
        self._check_process()
        self._connection.send(ClientFrame(call_id=self.id, end_stream=EndStream()))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A block during which the daemon waits for this side: its clock stands still, and so does this one."""
        started = time.monotonic()
        try:
            yield
        finally:
            if self._give_up_at is not None:
                self._give_up_at += time.monotonic() - started

    def cancel(self) -> None:
        """Tells the daemon to stop, unless the call has ended; whoever iterates gets `Cancelled`."""
        if self._connection.process_id == os.getpid():
            self._stop(StatusCode.CANCELLED, f"{self.method} was cancelled")

    def __enter__(self) -> Call:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.cancel()

    def _changed(self) -> None:
        self._condition.notify_all()

    def _wait_until(self, is_ready: Callable[[], bool]) -> bool:
        """Waits, holding the condition, for something or the call's end; false when that takes too long."""
        started = time.monotonic()
        while not is_ready() and self._status is None:
            patience = self._patience(started)
            if patience <= 0:
                return False
            self._condition.wait(patience)
        return True

    def _stop(self, code: StatusCode, message: str) -> None:
        """Ends the call from this side and tells the daemon, unless it has ended before."""
        if not self.end(code, message):
            return
        self._connection.forget(self.id)
        with suppress(LensError):  # A lost connection has cancelled it already.
            self._connection.send(ClientFrame(call_id=self.id, cancel=CancelCall()))

    def _return_credit(self, size: int) -> None:
        if (frame := self._credit(size)) is not None:
            with suppress(LensError):  # What was received counts; the next message tells that the connection is lost.
                self._connection.send(frame)

    def _check_process(self) -> None:
        if self._connection.process_id != os.getpid():
            raise Unavailable(f"{self.method} was called by the process that forked this one, and answers there")

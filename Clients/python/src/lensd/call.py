"""One call in flight."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from lensd._proto.frame_pb2 import CancelCall, ClientFrame, Credit, EndStream, ServerFrame, StartCall
from lensd.errors import LensError, StatusCode, Unavailable, error_for
from lensd.framing import MessageFrame

if TYPE_CHECKING:
    from lensd.connection import Connection

UNARY_SECONDS = 60.0
# The daemon keeps the deadline; a client that got nothing so long after it stops waiting.
GRACE_SECONDS = 5.0
# Streams have heartbeats: without any frame for so long, the daemon is stuck.
SILENCE_SECONDS = 60.0
WINDOW_BYTES = 4 << 20


class Call:
    """An iterator over the encoded reply messages of one call; ends when the daemon's status comes.

    Iterating raises the status's error. Leaving a `with` block cancels a call that has not ended.
    """

    def __init__(
        self, connection: Connection, call_id: int, method: str, timeout: float | None, is_stream: bool
    ) -> None:
        self.id = call_id
        self.method = method
        self._connection = connection
        self._timeout = timeout
        now = time.monotonic()
        patience = timeout if timeout is not None else None if is_stream else UNARY_SECONDS
        self._give_up_at = None if patience is None else now + patience + GRACE_SECONDS
        self._condition = threading.Condition()
        # Below: guarded by the condition.
        self._messages: deque[bytes | memoryview] = deque()
        self._status: tuple[int, str] | None = None
        self._heard_at = now
        self._send_window = WINDOW_BYTES
        # Of the one thread that iterates.
        self._owed_credit = 0

    def start_frame(self, request: bytes, request_id: bytes) -> ClientFrame:
        """The frame that starts the call."""
        start = StartCall(method=self.method.encode(), request=request, window=WINDOW_BYTES, request_id=request_id)
        if self._timeout is not None:
            start.deadline_ms = max(1, round(self._timeout * 1000))
        return ClientFrame(call_id=self.id, start=start)

    def __iter__(self) -> Call:
        return self

    def __next__(self) -> bytes | memoryview:
        """The next reply message. Raises what the call ended with, `DeadlineExceeded`, `Unavailable`."""
        self._check_process()
        message, is_ended = self._next_message()
        if message is None:
            raise StopIteration
        if not is_ended:
            self._return_credit(len(message))
        return message

    def send(self, message: bytes) -> None:
        """Sends one more request message, once the daemon has room for it. Raises what the call ended with."""
        self._check_process()
        while True:
            with self._condition:
                is_late = not self._wait_until(lambda: self._send_window > 0)
                if self._status is not None:
                    raise error_for(*self._status)
                if not is_late:
                    self._send_window -= len(message)
                    break
            self._give_up()
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

    # From the reading thread.

    def receive(self, frame: MessageFrame | ServerFrame) -> None:
        """Takes a frame of this call."""
        if isinstance(frame, MessageFrame):
            with self._condition:
                self._heard_at = time.monotonic()
                self._messages.append(frame.message)
                self._condition.notify_all()
            return
        body = frame.WhichOneof("body")
        if body == "status":
            self.end(frame.status.code, frame.status.message.decode("utf-8", "replace"))
            return
        with self._condition:
            self._heard_at = time.monotonic()
            if body == "message":
                self._messages.append(frame.message)
            elif body == "credit":
                self._send_window += frame.credit.bytes
            self._condition.notify_all()

    def end(self, code: int, message: str) -> bool:
        """Ends the call, unless it has ended before; says whether it did."""
        with self._condition:
            if self._status is not None:
                return False
            self._status = (code, message)
            self._condition.notify_all()
            return True

    def _next_message(self) -> tuple[bytes | memoryview | None, bool]:
        """The next message, `None` after the last one, and whether the call has ended."""
        while True:
            with self._condition:
                is_late = not self._wait_until(lambda: bool(self._messages))
                is_ended = self._status is not None
                if self._messages:
                    return self._messages.popleft(), is_ended
                if self._status is not None:
                    if self._status[0] == StatusCode.OK:
                        return None, True
                    raise error_for(*self._status)
            if is_late:
                self._give_up()

    def _wait_until(self, is_ready: Callable[[], bool]) -> bool:
        """Waits, holding the condition, for something or the call's end; false when that takes too long."""
        started = time.monotonic()
        while not is_ready() and self._status is None:
            limit = self._give_up_at
            if limit is None:
                limit = max(started, self._heard_at) + SILENCE_SECONDS
            patience = limit - time.monotonic()
            if patience <= 0:
                return False
            self._condition.wait(patience)
        return True

    def _give_up(self) -> None:
        if self._give_up_at is None:
            self._stop(StatusCode.UNAVAILABLE, f"{self.method}: the daemon was silent for {SILENCE_SECONDS:g} s")
        else:
            late = self._timeout if self._timeout is not None else UNARY_SECONDS
            self._stop(StatusCode.DEADLINE_EXCEEDED, f"{self.method} took longer than {late:g} s")

    def _stop(self, code: StatusCode, message: str) -> None:
        """Ends the call from this side and tells the daemon, unless it has ended before."""
        if not self.end(code, message):
            return
        self._connection.forget(self.id)
        with suppress(LensError):  # A lost connection has cancelled it already.
            self._connection.send(ClientFrame(call_id=self.id, cancel=CancelCall()))

    def _return_credit(self, size: int) -> None:
        self._owed_credit += size
        if self._owed_credit >= WINDOW_BYTES // 4:
            credit = Credit(bytes=self._owed_credit)
            self._owed_credit = 0
            with suppress(LensError):  # What was received counts; the next message tells that the connection is lost.
                self._connection.send(ClientFrame(call_id=self.id, credit=credit))

    def _check_process(self) -> None:
        if self._connection.process_id != os.getpid():
            raise Unavailable(f"{self.method} was called by the process that forked this one, and answers there")

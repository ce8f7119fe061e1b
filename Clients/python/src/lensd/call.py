"""One call in flight."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from lensd._proto.frame_pb2 import CancelCall, ClientFrame, Credit, EndStream, ServerFrame, StartCall
from lensd.errors import LensError, StatusCode, Unavailable, error_for
from lensd.framing import LandedFrame, MessageFrame

if TYPE_CHECKING:
    from lensd.connection import Connection

UNARY_SECONDS = 60.0
# The daemon keeps the deadline; a client that got nothing so long after it stops waiting.
GRACE_SECONDS = 5.0
# Streams have heartbeats: without any frame for so long, the daemon is stuck.
SILENCE_SECONDS = 60.0
WINDOW_BYTES = 4 << 20
# A receiver has its messages out of the way as they come, so the window bounds nothing; credit costs hand-overs.
RECEIVER_WINDOW_BYTES = 64 << 20


class Receiver(Protocol):
    """Takes a call's reply messages as they come, on the thread that reads for all calls: it must not wait.

    What it raises ends the call.
    """

    def place(self, field: int, size: int) -> memoryview | None:
        """Where the next message's values, this field and all of it, are to be received; `None` to `take` them."""

    def take(self, message: memoryview) -> None:
        """Takes a message that was not placed."""


class Call:
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
        self.id = call_id
        self.method = method
        self._connection = connection
        self._timeout = timeout
        self._window = WINDOW_BYTES if receiver is None else RECEIVER_WINDOW_BYTES
        now = time.monotonic()
        patience = timeout if timeout is not None else None if is_stream else UNARY_SECONDS
        self._give_up_at = None if patience is None else now + patience + GRACE_SECONDS
        self._condition = threading.Condition()
        # Below: guarded by the condition.
        self._messages: deque[memoryview] = deque()
        self._status: tuple[int, str] | None = None
        self._heard_at = now
        self._send_window = WINDOW_BYTES
        # What the receiver took since credit was last returned, and what it raised.
        self._received_bytes = 0
        self._receiver_error: Exception | None = None
        # Of the reading thread.
        self._receiver = receiver
        # Of the one thread that iterates.
        self._owed_credit = 0

    def start_frame(self, request: bytes, request_id: bytes) -> ClientFrame:
        """The frame that starts the call."""
        start = StartCall(method=self.method.encode(), request=request, window=self._window, request_id=request_id)
        if self._timeout is not None:
            start.deadline_ms = max(1, round(self._timeout * 1000))
        return ClientFrame(call_id=self.id, start=start)

    def __iter__(self) -> Call:
        return self

    def __next__(self) -> memoryview:
        """The next reply message. Raises what the call ended with, `DeadlineExceeded`, `Unavailable`."""
        self._check_process()
        message, is_ended = self._next_message()
        if message is None:
            raise StopIteration
        if not is_ended:
            self._return_credit(len(message))
        return message

    def wait(self) -> None:
        """Waits until the receiver has all messages. Raises what it raised, else as iterating does."""
        self._check_process()
        while True:
            with self._condition:
                is_late = not self._wait_until(self._is_credit_due)
                size, self._received_bytes = self._received_bytes, 0
                if self._receiver_error is not None:
                    raise self._receiver_error
                if self._status is not None:
                    if self._status[0] != StatusCode.OK:
                        raise error_for(*self._status)
                    return
            if is_late:
                self._give_up()
            else:
                self._return_credit(size)

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

    def place(self, field: int, size: int) -> memoryview | None:
        """Where the receiver wants the values that come next; `None` for a message that is to be kept whole."""
        if self._receiver is None or self._receiver_error is not None:
            return None
        try:
            return self._receiver.place(field, size)
        except Exception as error:
            self._fail(error)
            return None

    def receive(self, frame: LandedFrame | MessageFrame | ServerFrame) -> None:
        """Takes a frame of this call."""
        if isinstance(frame, LandedFrame):
            self._received(frame.size)
            return
        if isinstance(frame, MessageFrame):
            self._take(frame.message)
            return
        body = frame.WhichOneof("body")
        if body == "message":
            self._take(memoryview(frame.message))
        elif body == "status":
            self.end(frame.status.code, frame.status.message.decode("utf-8", "replace"))
        else:
            with self._condition:
                self._heard_at = time.monotonic()
                if body == "credit":
                    self._send_window += frame.credit.bytes
                self._condition.notify_all()

    def _take(self, message: memoryview) -> None:
        if self._receiver is None:
            with self._condition:
                self._heard_at = time.monotonic()
                self._messages.append(message)
                self._condition.notify_all()
            return
        try:
            if self._receiver_error is None:
                self._receiver.take(message)
        except Exception as error:
            self._fail(error)
        self._received(len(message))

    def _received(self, size: int) -> None:
        with self._condition:
            self._heard_at = time.monotonic()
            self._received_bytes += size
            # Whoever waits has nothing to do for each message but to wake up.
            if self._is_credit_due():
                self._condition.notify_all()

    def _fail(self, error: Exception) -> None:
        with self._condition:
            self._receiver_error = error
            self._condition.notify_all()

    def _is_credit_due(self) -> bool:
        return self._received_bytes >= self._window // 4 or self._receiver_error is not None

    def end(self, code: int, message: str) -> bool:
        """Ends the call, unless it has ended before; says whether it did."""
        with self._condition:
            if self._status is not None:
                return False
            self._status = (code, message)
            self._condition.notify_all()
            return True

    def _next_message(self) -> tuple[memoryview | None, bool]:
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
        if self._owed_credit >= self._window // 4:
            credit = Credit(bytes=self._owed_credit)
            self._owed_credit = 0
            with suppress(LensError):  # What was received counts; the next message tells that the connection is lost.
                self._connection.send(ClientFrame(call_id=self.id, credit=credit))

    def _check_process(self) -> None:
        if self._connection.process_id != os.getpid():
            raise Unavailable(f"{self.method} was called by the process that forked this one, and answers there")

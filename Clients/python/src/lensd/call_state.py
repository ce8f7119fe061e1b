"""One call as the frames that come for it change it, whoever waits for it and however."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Protocol

from lensd._proto.frame_pb2 import ClientFrame, Credit, ServerFrame, StartCall
from lensd.errors import LensError, StatusCode, error_for
from lensd.framing import Frame, LandedFrame, MessageFrame
from lensd.retry import UNARY_SECONDS

# The daemon keeps the deadline; a client that got nothing so long after it stops waiting.
GRACE_SECONDS = 5.0
# Streams have heartbeats: without any frame for so long, the daemon is stuck.
SILENCE_SECONDS = 60.0
WINDOW_BYTES = 4 << 20
# A receiver has its messages out of the way as they come, so the window bounds nothing; credit costs hand-overs.
RECEIVER_WINDOW_BYTES = 64 << 20


class Receiver(Protocol):
    """Takes a call's reply messages as they come, where frames are read for all calls: it must not wait.

    What it raises ends the call.
    """

    def place(self, field: int, size: int) -> memoryview | None:
        """Where the next message's values, this field and all of it, are to be received; `None` to `take` them."""

    def take(self, message: memoryview) -> None:
        """Takes a message that was not placed."""

    def start_over(self) -> None:
        """The call is made again: what came so far is void."""


class CallState:
    """What came for one call and how it ended. Frames come in by `place` and `receive`; nothing here waits.

    `_lock` guards it where frames are read on a thread of their own; `_changed` is called, holding it, whenever
    whoever waits should look.
    """

    def __init__(
        self, call_id: int, method: str, timeout: float | None, is_stream: bool, receiver: Receiver | None = None
    ) -> None:
        self.id = call_id
        self.method = method
        # What taking messages, or waiting for the end, raised because of the daemon or of the way to it.
        self.failure: LensError | None = None
        self._timeout = timeout
        self._window = WINDOW_BYTES if receiver is None else RECEIVER_WINDOW_BYTES
        now = time.monotonic()
        patience = timeout if timeout is not None else None if is_stream else UNARY_SECONDS
        self._give_up_at = None if patience is None else now + patience + GRACE_SECONDS
        self._lock = threading.RLock()
        # Below: guarded by the lock.
        self._messages: deque[memoryview] = deque()
        self._status: tuple[int, str, float | None] | None = None
        self._heard_at = now
        self._send_window = WINDOW_BYTES
        # What the receiver took since credit was last returned, and what it raised.
        self._received_bytes = 0
        self._receiver_error: Exception | None = None
        # Of whoever reads frames.
        self._receiver = receiver
        # Of whoever iterates.
        self._owed_credit = 0

    def start_frame(self, request: bytes, request_id: bytes) -> ClientFrame:
        """The frame that starts the call."""
        start = StartCall(method=self.method.encode(), request=request, window=self._window, request_id=request_id)
        if self._timeout is not None:
            start.deadline_ms = max(1, round(self._timeout * 1000))
        return ClientFrame(call_id=self.id, start=start)

    # From whoever reads frames.

    def place(self, field: int, size: int) -> memoryview | None:
        """Where the receiver wants the values that come next; `None` for a message that is to be kept whole."""
        if self._receiver is None or self._receiver_error is not None:
            return None
        try:
            return self._receiver.place(field, size)
        except Exception as error:
            self._fail(error)
            return None

    def receive(self, frame: Frame) -> None:
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
            self.end(*status_of(frame))
        else:
            with self._lock:
                self._heard_at = time.monotonic()
                if body == "credit":
                    self._send_window += frame.credit.bytes
                self._changed()

    def end(self, code: int, message: str, retry_after: float | None = None) -> bool:
        """Ends the call, unless it has ended before; says whether it did."""
        with self._lock:
            if self._status is not None:
                return False
            self._status = (code, message, retry_after)
            self._changed()
            return True

    def _take(self, message: memoryview) -> None:
        if self._receiver is None:
            with self._lock:
                self._heard_at = time.monotonic()
                self._messages.append(message)
                self._changed()
            return
        try:
            if self._receiver_error is None:
                self._receiver.take(message)
        except Exception as error:
            self._fail(error)
        self._received(len(message))

    def _received(self, size: int) -> None:
        with self._lock:
            self._heard_at = time.monotonic()
            self._received_bytes += size
            # Whoever waits has nothing to do for each message but to wake up.
            if self._is_credit_due():
                self._changed()

    def _fail(self, error: Exception) -> None:
        with self._lock:
            self._receiver_error = error
            self._changed()

    def _is_credit_due(self) -> bool:
        return self._received_bytes >= self._window // 4 or self._receiver_error is not None

    # For whoever waits.

    def _changed(self) -> None:
        raise NotImplementedError

    def _is_readable(self) -> bool:
        return bool(self._messages)

    def _is_writable(self) -> bool:
        return self._send_window > 0

    def _patience(self, waiting_since: float) -> float:
        """Seconds that are left to wait; without a deadline for the next frame."""
        limit = self._give_up_at
        if limit is None:
            limit = max(waiting_since, self._heard_at) + SILENCE_SECONDS
        return limit - time.monotonic()

    def _overdue(self) -> tuple[StatusCode, str]:
        """How the call ends whose daemon was waited for in vain."""
        if self._give_up_at is None:
            return StatusCode.UNAVAILABLE, f"{self.method}: the daemon was silent for {SILENCE_SECONDS:g} s"
        late = self._timeout if self._timeout is not None else UNARY_SECONDS
        return StatusCode.DEADLINE_EXCEEDED, f"{self.method} took longer than {late:g} s"

    def _check_status(self) -> bool:
        """Whether the call has ended well. Raises what else it ended with."""
        if self._status is None:
            return False
        if self._status[0] != StatusCode.OK:
            self.failure = error_for(*self._status)
            raise self.failure
        return True

    def _credit(self, size: int) -> ClientFrame | None:
        """What is to be sent once so many bytes of messages are out of the way, if anything."""
        self._owed_credit += size
        if self._owed_credit < self._window // 4:
            return None
        credit, self._owed_credit = Credit(bytes=self._owed_credit), 0
        return ClientFrame(call_id=self.id, credit=credit)


def status_of(frame: ServerFrame) -> tuple[int, str, float | None]:
    """Code, message and the seconds after which to try again, of a frame with a status."""
    status = frame.status
    hint = status.retry_after_ms / 1000 if status.retry_after_ms else None
    if hint is None and status.code == StatusCode.UNAVAILABLE:
        hint = 0.0
    return status.code, status.message.decode("utf-8", "replace"), hint

"""The calls in flight on one connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from lensd._proto.frame_pb2 import ClientFrame, ClientHello, ServerFrame, ServerHello
from lensd._version import __version__
from lensd.call_state import CallState, status_of
from lensd.errors import LensError, StatusCode, Unavailable, error_for
from lensd.framing import PROTOCOL_VERSIONS, Frame

AnyCall = TypeVar("AnyCall", bound=CallState)

# Call ids are never reused on a connection.
MAX_CALL_ID = (1 << 32) - 1


class CallTable(Generic[AnyCall]):
    """The calls of one connection by id, and why no more can be made. Safe from several threads."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.failure: LensError | None = None
        # Reentrant: a channel that is collected closes its connection from whatever the thread is doing.
        self._lock = threading.RLock()
        self._calls: dict[int, AnyCall] = {}
        self._last_id = 0

    @property
    def is_open(self) -> bool:
        """Whether calls can be started: the connection is there and has call ids left."""
        return self.failure is None and self._last_id < MAX_CALL_ID

    def add(self, make: Callable[[int], AnyCall]) -> AnyCall:
        """Makes a call with the next id. Raises `Unavailable` where the connection is lost."""
        with self._lock:
            self.check()
            self._last_id += 1
            call = make(self._last_id)
            self._calls[call.id] = call
        return call

    def check(self) -> None:
        """Raises why the connection is lost, where it is."""
        if self.failure is not None:
            raise error_for(self.failure.code, self.failure.message, self.failure.retry_after)

    def forget(self, call_id: int) -> None:
        """Drops an ended call; what still comes for it is ignored."""
        with self._lock:
            self._calls.pop(call_id, None)

    def place(self, call_id: int, field: int, size: int) -> memoryview | None:
        """Where a call wants the values that come next."""
        with self._lock:
            call = self._calls.get(call_id)
        return None if call is None else call.place(field, size)

    def dispatch(self, frame: Frame) -> None:
        """Gives a frame to its call. Raises what the daemon says of the whole connection, `Internal` where it errs."""
        body = frame.WhichOneof("body") if isinstance(frame, ServerFrame) else "message"
        if frame.call_id == 0:
            if isinstance(frame, ServerFrame) and body == "status":
                raise error_for(*status_of(frame))
            return
        with self._lock:
            call = self._calls.pop(frame.call_id, None) if body == "status" else self._calls.get(frame.call_id)
            is_known = frame.call_id <= self._last_id
        if call is not None:
            call.receive(frame)
        elif not is_known:
            raise error_for(StatusCode.INTERNAL, f"the daemon answered call {frame.call_id}, which was never made")

    def fail(self, failure: LensError) -> bool:
        """Ends every call, unless that has happened; says whether it has not."""
        with self._lock:
            if self.failure is not None:
                return False
            self.failure = failure
            calls = list(self._calls.values())
            self._calls.clear()
        for call in calls:
            call.end(failure.code, failure.message, failure.retry_after)
        return True

    def closed(self) -> Unavailable:
        """The failure of a connection that the daemon hung up on."""
        return Unavailable(f"the daemon at {self.path} closed the connection", 0.0)

    def lost(self, error: OSError) -> Unavailable:
        """The failure of a connection that broke, as after a kill with a request of ours unread."""
        return Unavailable(f"the daemon at {self.path} went away: {error.strerror or error}", 0.0)


def client_hello() -> ClientFrame:
    """What a connection begins with."""
    return ClientFrame(
        hello=ClientHello(protocol_versions=PROTOCOL_VERSIONS, client=f"lensd-python/{__version__}".encode())
    )


def hung_up(path: str) -> Unavailable:
    """The failure of a daemon that goes instead of greeting, as one does that starts or ends."""
    return Unavailable(f"{path} hung up on a Hello", 0.0)


def server_hello(frame: ServerFrame | None, path: str) -> ServerHello:
    """What a daemon answered to a Hello. Raises what it says instead, `Unavailable` where it is no lensd we know."""
    if frame is None:
        raise hung_up(path)
    if frame.call_id == 0 and frame.WhichOneof("body") == "status":
        raise error_for(*status_of(frame))
    if frame.call_id != 0 or frame.WhichOneof("body") != "hello":
        raise Unavailable(f"{path} does not speak lensd's protocol: it sent no Hello")
    if frame.hello.protocol_version not in PROTOCOL_VERSIONS:
        raise Unavailable(
            f"{path} speaks protocol version {frame.hello.protocol_version}; this client knows "
            + ", ".join(map(str, PROTOCOL_VERSIONS))
        )
    return frame.hello

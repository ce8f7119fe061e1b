"""One socket to a daemon in an event loop: the Hello, and the calls in flight."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from lensd._proto.frame_pb2 import ClientFrame, ServerFrame, ServerHello
from lensd.aio.call import Call
from lensd.call_state import Receiver
from lensd.call_table import CallTable, client_hello, hung_up, server_hello
from lensd.connection import HELLO_SECONDS, check_path, no_daemon
from lensd.errors import LensError, Unavailable
from lensd.framing import MAX_REQUEST_BYTES, Frame, FrameReader, encode_frame


class Connection(asyncio.BufferedProtocol):
    """A socket that greeted a daemon. It belongs to the event loop that opened it."""

    def __init__(self, path: str) -> None:
        """Use `open`."""
        self.path = path
        self.hello = ServerHello()
        self._calls: CallTable[Call] = CallTable(path)
        self._frames = FrameReader(self._calls.place)
        self._transport: asyncio.Transport | None = None
        loop = asyncio.get_running_loop()
        # The first frame.
        self._greeting: asyncio.Future[Frame] = loop.create_future()
        # Set while the socket takes what is written.
        self._has_room = asyncio.Event()
        self._has_room.set()

    @classmethod
    async def open(cls, path: str) -> Connection:
        """Connects and exchanges Hellos.

        Raises `Unavailable` where no daemon answers, `InvalidArgument` for a path that cannot be a socket's.
        """
        check_path(path)
        connection = cls(path)
        try:
            await connection._greet()
        except OSError as error:
            raise no_daemon(path, error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    @property
    def is_open(self) -> bool:
        """Whether calls can be started: neither closed nor lost, call ids left."""
        return self._calls.is_open

    async def start(
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
        await self._has_room.wait()
        call = self._calls.add(lambda call_id: Call(self, call_id, method, timeout, is_stream, receiver))
        try:
            self._write(call.start_frame(request, request_id))
        except BaseException:
            self.forget(call.id)
            raise
        return call

    def post(self, frame: ClientFrame) -> None:
        """Sends a small frame, unless the connection is lost: whoever waits hears of that."""
        if self._calls.failure is None:
            self._write(frame)

    def forget(self, call_id: int) -> None:
        """Drops an ended call; what still comes for it is ignored."""
        self._calls.forget(call_id)

    def close(self) -> None:
        """Hangs up; calls in flight end with `Unavailable`."""
        self._fail(Unavailable("this client was closed"))

    # From the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._calls.failure is not None:
            transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Where the next bytes belong: the values of activations straight in their arrays."""
        return self._frames.room

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        try:
            frame = self._frames.filled(nbytes)
            if frame is None:
                return
            if self._greeting.done():
                self._calls.dispatch(frame)
            else:
                self._greeting.set_result(frame)
        except LensError as error:
            self._fail(error)

    def eof_received(self) -> None:
        """The daemon hung up."""
        try:
            self._frames.end()
        except LensError as error:
            self._fail(error)
        self.connection_lost(None)

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        if not self._greeting.done():
            self._fail(hung_up(self.path))
        else:
            self._fail(self._calls.lost(error) if isinstance(error, OSError) else self._calls.closed())

    def pause_writing(self) -> None:
        """The socket is full."""
        self._has_room.clear()

    def resume_writing(self) -> None:
        """The socket has room."""
        self._has_room.set()

    async def _greet(self) -> None:
        loop = asyncio.get_running_loop()
        late = Unavailable(f"{self.path} did not answer a Hello within {HELLO_SECONDS:g} s", 0.0)
        timer = loop.call_later(HELLO_SECONDS, self._fail, late)
        try:
            connected = await self._connect(loop)
            await loop.create_unix_connection(lambda: self, sock=connected)
            frame = await self._greeting
        finally:
            timer.cancel()
        self.hello = server_hello(frame if isinstance(frame, ServerFrame) else ServerFrame(), self.path)

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        """A socket that said hello; before there is a transport, which would not read after a write that failed."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connected.setblocking(False)
            await loop.sock_connect(connected, self.path)
            # A daemon that has no room says so and hangs up, which may be faster than this.
            with suppress(BrokenPipeError, ConnectionResetError):
                await loop.sock_sendall(connected, encode_frame(client_hello()))
        except BaseException:
            connected.close()
            raise
        return connected

    def _write(self, frame: ClientFrame) -> None:
        data = encode_frame(frame, self.hello.max_request_bytes or MAX_REQUEST_BYTES)
        if self._transport is not None:
            self._transport.write(data)

    def _fail(self, failure: LensError) -> None:
        """Ends the connection: the first failure counts, every waiting call gets it."""
        if not self._calls.fail(failure):
            return
        if not self._greeting.done():
            self._greeting.set_exception(failure)
            # Also where nobody waits for it any more.
            self._greeting.exception()
        self._has_room.set()
        if self._transport is not None:
            self._transport.abort()

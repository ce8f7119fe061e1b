"""A server of one socket that speaks real frames by a script, for what a good daemon never does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lensd._proto.daemon_pb2 import DaemonStatusReply, DaemonStatusRequest
from lensd._proto.frame_pb2 import ClientFrame, Heartbeat, ServerFrame, ServerHello, Status
from lensd._proto.reports_pb2 import AttentionPageRequest, PageChunk
from lensd.channel import Channel, Stream
from lensd.methods import ATTENTION_PAGE, STATUS


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        self.socket = connection

    def read(self) -> ClientFrame | None:
        """The client's next frame; `None` when it hung up."""
        header = self._bytes(4)
        return ClientFrame.FromString(self._bytes(int.from_bytes(header, "big"))) if header else None

    def expect(self, body: str) -> ClientFrame:
        frame = self.read()
        assert frame is not None, f"expected {body}, but the client hung up"
        assert frame.WhichOneof("body") == body, f"expected {body}, received {frame}"
        return frame

    def send(self, frame: ServerFrame) -> None:
        body = frame.SerializeToString()
        self.raw(len(body).to_bytes(4, "big") + body)

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def greet(self) -> None:
        self.expect("hello")
        self.send(ServerFrame(hello=ServerHello(protocol_version=1, server=b"scripted/1", max_request_bytes=1 << 20)))

    def message(self, call_id: int, message: bytes) -> None:
        self.send(ServerFrame(call_id=call_id, message=message))

    def heartbeat(self, call_id: int) -> None:
        self.send(ServerFrame(call_id=call_id, heartbeat=Heartbeat()))

    def status(self, call_id: int, code: int = 0, message: str = "", retry_after_ms: int = 0) -> None:
        status = Status(code=code, message=message.encode(), retry_after_ms=retry_after_ms)
        self.send(ServerFrame(call_id=call_id, status=status))

    def answer(self, call_id: int, message: bytes) -> None:
        self.message(call_id, message)
        self.status(call_id)

    def _bytes(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                return data
            data += more
        return data


Script = Callable[[Peer], None]


@contextmanager
def serving(path: Path, *scripts: Script, greets: bool = True) -> Iterator[str]:
    """Serves one connection per script, in order; what a script raises is raised at the end of the block."""
    failures: list[BaseException] = []

    def serve() -> None:
        for script in scripts:
            try:
                connection, _ = listener.accept()
                with connection:
                    peer = Peer(connection)
                    if greets:
                        peer.greet()
                    script(peer)
            except BaseException as error:
                failures.append(error)
                return

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        yield str(path)
        thread.join(10)
        assert not thread.is_alive(), "the script did not end"
    if failures:
        raise failures[0]


# Calls for scripts to answer.

REPLY = DaemonStatusReply(threads=2).SerializeToString()


def status(channel: Channel, timeout: float | None = None) -> DaemonStatusReply:
    return channel.unary(STATUS, DaemonStatusRequest(), timeout)


def page(channel: Channel) -> Stream[PageChunk]:
    return channel.stream(ATTENTION_PAGE, AttentionPageRequest())


def chunk(html: bytes) -> bytes:
    return PageChunk(html=html).SerializeToString()


def hang_up(peer: Peer) -> None:
    """The script that closes the connection."""

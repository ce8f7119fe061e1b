"""A way to a daemon on which an answer can be lost after the call was carried out."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from lensd._proto.frame_pb2 import ServerFrame


class Cut:
    """Hands frames on between clients and a daemon; when it is armed, hangs up in place of the next call's status."""

    def __init__(self, path: Path, daemon: Path) -> None:
        self.path = path
        self.count = 0
        self._daemon = daemon
        self._is_armed = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @contextlib.contextmanager
    def armed(self) -> Iterator[None]:
        """A block in which exactly one call loses its status."""
        before, self._is_armed = self.count, True
        yield
        assert self.count == before + 1, "no answer was lost"

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(str(self._daemon))
                for hand_on in (self._requests, self._answers):
                    threading.Thread(target=hand_on, args=(client, daemon), daemon=True).start()

    @staticmethod
    def _requests(client: socket.socket, daemon: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                daemon.sendall(data)
            daemon.shutdown(socket.SHUT_WR)

    def _answers(self, client: socket.socket, daemon: socket.socket) -> None:
        with contextlib.suppress(OSError), daemon.makefile("rb") as stream:
            while header := stream.read(4):
                body = stream.read(int.from_bytes(header, "big"))
                frame = ServerFrame.FromString(body)
                if self._is_armed and frame.call_id and frame.WhichOneof("body") == "status":
                    assert frame.status.code == 0, frame.status.message
                    self._is_armed = False
                    self.count += 1
                    break
                client.sendall(header + body)
        for end in (client, daemon):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

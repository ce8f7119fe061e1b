"""A server on loopback that answers as Hugging Face's hub does, as far as downloading goes."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """Repositories, what goes wrong with them, and what was asked for."""

    repositories: dict[str, dict[str, bytes]]
    endpoint: str = ""
    # file → the size that the repository's description gives, where that is not its own
    sizes: dict[str, int] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    # file → after how many bytes of a body the connection breaks, each time it is asked for
    broken: dict[str, int] = field(default_factory=dict)
    # file → how many of its answers break before one does not
    breaks: dict[str, int] = field(default_factory=dict)
    # file → after how many bytes of a body nothing more comes, until `going_on` is set
    stalled: dict[str, int] = field(default_factory=dict)
    going_on: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, range

    def bytes_sent(self, file: str) -> list[str | None]:
        """The ranges that were asked of a file, one entry per request for its content."""
        return [ranges for method, path, ranges in self.requests if method == "GET" and path.endswith(f"/{file}")]


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serves it on a port of its own."""

    class Handler(_Handler):
        of = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.going_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what matters."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.of.requests.append((self.command, path, self.headers.get("Range")))
        if found := re.fullmatch(r"/api/models/(.+?)(?:/revision/(.+))?", path):
            self._info(found[1], found[2])
        elif found := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2], found[3])
        else:
            self._refuse(404, "EntryNotFound")

    def _info(self, repository: str, revision: str | None) -> None:
        files = self.of.repositories.get(repository)
        if files is None:
            # The hub does not say which repositories there are to somebody who has not logged in.
            self._refuse(401, "RepoNotFound")
        elif revision not in (None, "main", COMMIT):
            self._refuse(404, "RevisionNotFound")
        else:
            sizes = {name: len(content) for name, content in files.items()} | self.of.sizes
            siblings = [{"rfilename": name, "size": sizes[name]} for name in files]
            body = {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings, "tags": []}
            self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _file(self, repository: str, revision: str, name: str) -> None:
        files = self.of.repositories.get(repository)
        if files is None:
            self._refuse(401, "RepoNotFound")
        elif repository in self.of.gated:
            self._refuse(403, "GatedRepo")
        elif revision not in ("main", COMMIT):
            self._refuse(404, "RevisionNotFound")
        elif name not in files:
            self._refuse(404, "EntryNotFound")
        else:
            self._content(name, files[name])

    def _content(self, name: str, content: bytes) -> None:
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if asked is None:
            self._send(200, content, headers, self._break_after(name))
            return
        start, end = int(asked[1]), int(asked[2]) + 1 if asked[2] else len(content)
        if start >= len(content):
            self._send(416, b"", {**headers, "Content-Range": f"bytes */{len(content)}"})
            return
        part = content[start:end]
        headers["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        self._send(206, part, headers, self._break_after(name))

    def _break_after(self, name: str) -> int | None:
        if self.command == "HEAD" or name not in self.of.broken:
            return None
        if name in self.of.breaks:
            if self.of.breaks[name] == 0:
                return None
            self.of.breaks[name] -= 1
        return self.of.broken[name]

    def _send(self, status: int, body: bytes, headers: dict[str, str], break_after: int | None = None) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        stall_after = self.of.stalled.get(self.path.rpartition("/")[2])
        if stall_after is not None:
            self.wfile.write(body[:stall_after])
            self.wfile.flush()
            self.of.going_on.wait(60)
            self.close_connection = True
            return
        self.wfile.write(body[:break_after])
        if break_after is not None and break_after < len(body):
            self.wfile.flush()
            self.close_connection = True

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, json.dumps({"error": code}).encode(), {"X-Error-Code": code, "X-Error-Message": code})

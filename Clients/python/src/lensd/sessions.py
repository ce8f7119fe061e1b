"""Sessions: named workspaces that keep what was run, one's own and those that others share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lensd import session_file
from lensd._proto import sessions_pb2
from lensd.activations import Pass
from lensd.arrays import Array, Arrays
from lensd.channel import Channel
from lensd.errors import Internal
from lensd.methods import EXPORT_SESSION, IMPORT_SESSION
from lensd.questions import Asking
from lensd.session_info import RunInfo, SessionInfo, run_info, session_info
from lensd.session_questions import SessionQuestions


class Session(SessionQuestions, Asking):
    """A session by its name, or `OWNER/NAME` of another user's; it need not exist yet.

    What is another user's can be read, exported and replayed where he shares it; anything else raises
    `PermissionDenied`, and what he does not share is `NotFound`.
    """

    def __init__(self, channel: Channel, arrays: Arrays, name: str) -> None:
        self._channel = channel
        self._arrays = arrays
        self.name = name

    def _repr_html_(self) -> str:
        from lensd.views.session_view import session_html

        return session_html(self)

    def create(self, note: str = "") -> Session:
        """Makes it, empty. Raises `AlreadyExists`; a recorded pass makes its session by itself."""
        self._answer(self._created(note))
        return self

    def rename(self, new_name: str) -> Session:
        """Gives it another name; runs, notes and grants stay with it."""
        self._answer(self._renamed(new_name))
        return self

    def iter_runs(self) -> Iterator[RunInfo]:
        """Its runs, newest first, fetched page by page."""
        before = b""
        while True:
            reply = self._answer(self._shown(before=before))
            yield from map(run_info, reply.runs)
            if not reply.more or not reply.runs:
                return
            before = reply.runs[-1].id

    def query(self, run: str, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """One activation of one of its runs: an id, a unique prefix of one, or `"last"`; see `Client.query`."""
        return Pass(self._channel, self._arrays, f"{self.name}:{run}").read(hook, index, prompts)

    def export(
        self,
        path: str | os.PathLike[str],
        activations: Iterable[str] = (),
        runs: Iterable[str] = (),
        on_progress: Callable[[int, int], object] | None = None,
    ) -> Path:
        """Writes it to one file that any tool opens.

        It is a zip with `manifest.json`, a JSON file per run and, for the hook points that `activations` names, a
        safetensors file per run. `runs` picks some, by ids or prefixes; `on_progress` learns runs written and runs in
        all.
        """
        request = sessions_pb2.ExportSessionRequest(name=self.name.encode(), runs=[run.encode() for run in runs])
        hooks = list(activations)
        events = self._channel.stream(EXPORT_SESSION, request)

        def tensors(run: str) -> list[session_file.Tensor]:
            source = Pass(self._channel, self._arrays, f"{self.name}:{run}")
            return [tensor for hook in hooks for tensor in source.tensors(hook)]

        with events:
            session_file.write(Path(path), iter(events), tensors if hooks else None, on_progress)
        return Path(path)


def import_session(channel: Channel, path: Path, name: str | None) -> SessionInfo:
    """Makes a session of a file that `Session.export` wrote."""
    with session_file.Reader(path) as file:
        start = sessions_pb2.ImportStart(name=(name or file.name).encode(), note=file.note.encode())
        with channel.exchange(IMPORT_SESSION, sessions_pb2.ImportMessage(start=start)) as exchange:

            def talk(replies: Iterator[sessions_pb2.ImportEvent]) -> list[sessions_pb2.ImportEvent]:
                for part in file.parts():
                    exchange.send(sessions_pb2.ImportMessage(part=part))
                    if next(replies, None) is None:
                        raise Internal("the daemon did not answer a part of a run")
                exchange.end_stream()
                return list(replies)

            last = exchange.whole(talk)
    if len(last) != 1 or not last[0].HasField("session"):
        raise Internal("the daemon ended the import without a session")
    return session_info(last[0].session)

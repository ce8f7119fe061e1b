"""Sessions: named workspaces that keep what was run, one's own and those that others share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lensd import session_file
from lensd._proto import reports_pb2, sessions_pb2
from lensd.activations import Pass
from lensd.arrays import Array, Arrays
from lensd.channel import Channel
from lensd.errors import Internal, InvalidArgument
from lensd.methods import (
    CREATE_SESSION,
    DELETE_SESSION,
    EXPORT_SESSION,
    IMPORT_SESSION,
    LIST_GRANTS,
    LIST_SESSIONS,
    RENAME_SESSION,
    REPLAY_SESSION,
    SEARCH_SESSIONS,
    SESSION_REPORT,
    SET_NOTE,
    SHARE_SESSION,
    SHOW_SESSION,
    UNSHARE_SESSION,
)

if TYPE_CHECKING:
    import pandas

RunKind = Literal["run", "sweep", "generation"]
Outcome = Literal["same", "differs", "skipped", "failed"]

_KINDS: dict[bytes, RunKind] = {b"run": "run", b"sweep": "sweep", b"generation": "generation"}
_OUTCOMES: dict[bytes, Outcome] = {b"same": "same", b"differs": "differs", b"skipped": "skipped", b"failed": "failed"}


@dataclass(frozen=True)
class SessionInfo:
    """A session as lists have it; times in seconds since 1970."""

    id: str
    name: str
    address: str  # What you call it by: its name, or OWNER/NAME where another user shares it.
    owner: int  # A uid.
    owner_name: str  # Empty where the uid has no account.
    created_at: float
    updated_at: float
    run_count: int
    note: str  # In lists its beginning.
    read_only: bool  # Another user's, who shares it.
    shared_with: int  # How many users it is shared with; only its owner is told.


@dataclass(frozen=True)
class RunInfo:
    """A run, sweep or generation of a session."""

    id: str
    kind: RunKind
    session: str  # The session's address.
    created_at: float
    model: str
    fingerprint: str
    prompts: int
    tokens: int
    excerpt: str
    loss: float
    hooked: bool  # A hook function took part: its activations cannot be computed again.
    edits: list[str]
    detail: str
    effects: list[tuple[str, float]]  # Of a sweep the strongest: place, such as "L0H8", and what it did.
    note: str
    imported: bool  # It came from a file: nobody here computed it.


class Sessions(list[SessionInfo]):
    """Sessions, which show themselves as a table."""

    def to_pandas(self) -> pandas.DataFrame:
        """A row per session. Needs the extra `lensd[pandas]`."""
        return _frame(SessionInfo, self)

    def _repr_html_(self) -> str:
        from lensd.views.session_view import sessions_html

        return sessions_html(self)


class Runs(list[RunInfo]):
    """Runs, which show themselves as a table."""

    def to_pandas(self) -> pandas.DataFrame:
        """A row per run. Needs the extra `lensd[pandas]`."""
        return _frame(RunInfo, self)

    def _repr_html_(self) -> str:
        from lensd.views.session_view import runs_html

        return runs_html(self)


@dataclass(frozen=True)
class Grant:
    """Somebody may read a session."""

    uid: int
    user: str  # Empty where the uid has no account.
    created_at: float


@dataclass(frozen=True)
class Findings:
    """What a search found."""

    sessions: Sessions
    runs: Runs

    def _repr_html_(self) -> str:
        return self.sessions._repr_html_() + self.runs._repr_html_()


@dataclass(frozen=True)
class ReplayedRun:
    """What became of a run that was run again."""

    id: str
    kind: RunKind
    excerpt: str
    outcome: Outcome  # "skipped" where a hook function took part.
    loss_difference: float  # The largest |Δ| of a loss; NaN where there is none to compare.
    largest_difference: float  # The largest |Δ| of any number.
    remark: str
    fingerprint: str  # Of the model that it was computed with now.
    recorded_as: str | None  # The id of the new run, where one was recorded.


class Session:
    """A session by its name, or `OWNER/NAME` of another user's; it need not exist yet.

    What is another user's can be read, exported and replayed where he shares it; anything else raises
    `PermissionDenied`, and what he does not share is `NotFound`.
    """

    def __init__(self, channel: Channel, arrays: Arrays, name: str) -> None:
        self._channel = channel
        self._arrays = arrays
        self.name = name

    def __repr__(self) -> str:
        return f"Session({self.name!r})"

    def _repr_html_(self) -> str:
        from lensd.views.session_view import session_html

        return session_html(self)

    # MARK: reading

    def info(self) -> SessionInfo:
        """The session itself, its note whole."""
        return _session(self._show(limit=1).session)

    def runs(self, limit: int | None = None) -> Runs:
        """Its runs, newest first; all of them, or at most `limit`."""
        found = Runs()
        for run in self.iter_runs():
            if limit is not None and len(found) >= limit:
                break
            found.append(run)
        return found

    def iter_runs(self) -> Iterator[RunInfo]:
        """Its runs, newest first, fetched page by page."""
        before = b""
        while True:
            reply = self._show(before=before)
            yield from map(_run, reply.runs)
            if not reply.more or not reply.runs:
                return
            before = reply.runs[-1].id

    def query(self, run: str, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """One activation of one of its runs: an id, a unique prefix of one, or `"last"`; see `Client.query`."""
        return Pass(self._channel, self._arrays, f"{self.name}:{run}").read(hook, index, prompts)

    # MARK: changing

    def create(self, note: str = "") -> Session:
        """Makes it, empty. Raises `AlreadyExists`; a recorded pass makes its session by itself."""
        request = sessions_pb2.CreateSessionRequest(name=self.name.encode(), note=note.encode())
        self._channel.unary(CREATE_SESSION, request)
        return self

    def rename(self, new_name: str) -> Session:
        """Gives it another name; runs, notes and grants stay with it."""
        self._channel.unary(
            RENAME_SESSION, sessions_pb2.RenameSessionRequest(name=self.name.encode(), new_name=new_name.encode())
        )
        self.name = new_name
        return self

    def delete(self) -> int:
        """Deletes it, for good; how many runs went with it."""
        return self._channel.unary(DELETE_SESSION, sessions_pb2.DeleteSessionRequest(name=self.name.encode())).run_count

    def note(self, text: str, run: str | None = None) -> None:
        """Writes its note, or that of one of its runs; an empty text takes it away."""
        request = (
            sessions_pb2.SetNoteRequest(session=self.name.encode(), text=text.encode())
            if run is None
            else sessions_pb2.SetNoteRequest(run=f"{self.name}:{run}".encode(), text=text.encode())
        )
        self._channel.unary(SET_NOTE, request)

    # MARK: sharing

    def share(self, user: str | int) -> list[Grant]:
        """Lets a user, by name or uid, read it; everybody who may."""
        return _grants(self._channel.unary(SHARE_SESSION, self._sharing(user)))

    def unshare(self, user: str | int) -> list[Grant]:
        """Takes that back, at once; everybody who still may."""
        return _grants(self._channel.unary(UNSHARE_SESSION, self._sharing(user)))

    def grants(self) -> list[Grant]:
        """Everybody who may read it."""
        return _grants(self._channel.unary(LIST_GRANTS, sessions_pb2.ListGrantsRequest(name=self.name.encode())))

    def _sharing(self, user: str | int) -> sessions_pb2.ShareSessionRequest:
        return sessions_pb2.ShareSessionRequest(name=self.name.encode(), user=str(user).encode())

    # MARK: files, reports, replays

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

    def report(self, kind: Literal["html", "markdown"] = "html") -> str:
        """What stands in it, for people: a page or Markdown."""
        if kind not in ("html", "markdown"):
            raise InvalidArgument(f"a report is 'html' or 'markdown'; received {kind!r}")
        request = reports_pb2.SessionReportRequest(session=self.name.encode(), markdown=kind == "markdown")
        return b"".join(chunk.html for chunk in self._channel.stream(SESSION_REPORT, request)).decode()

    def replay(
        self,
        runs: Iterable[str] = (),
        into: str | None = None,
        on_progress: Callable[[int, int], object] | None = None,
    ) -> list[ReplayedRun]:
        """Runs its runs again, all or some, and says of each whether it is the same within 1e-5 + 1e-5·|x|.

        The new runs are recorded in your session `into`, where it is given. `on_progress` learns runs done and runs
        in all.
        """
        request = sessions_pb2.ReplaySessionRequest(
            name=self.name.encode(), runs=[run.encode() for run in runs], into=(into or "").encode()
        )
        found = []
        with self._channel.stream(REPLAY_SESSION, request) as events:
            for event in events:
                if event.HasField("run"):
                    found.append(_replayed(event.run))
                elif on_progress is not None:
                    on_progress(event.progress.done, event.progress.total)
        return found

    def _show(self, before: bytes = b"", limit: int = 0) -> sessions_pb2.ShowSessionReply:
        return self._channel.unary(
            SHOW_SESSION, sessions_pb2.ShowSessionRequest(name=self.name.encode(), before=before, limit=limit)
        )


def list_sessions(channel: Channel) -> Sessions:
    """The caller's own sessions, last used first, then those shared with him."""
    found = Sessions()
    while True:
        reply = channel.unary(LIST_SESSIONS, sessions_pb2.ListSessionsRequest(skip=len(found)))
        found.extend(map(_session, reply.sessions))
        if not reply.sessions or len(found) >= reply.total:
            return found


def search_sessions(channel: Channel, text: str, limit: int = 100) -> Findings:
    """Sessions and runs with a text in their name, note or excerpt."""
    reply = channel.unary(SEARCH_SESSIONS, sessions_pb2.SearchSessionsRequest(text=text.encode(), limit=limit))
    return Findings(sessions=Sessions(map(_session, reply.sessions)), runs=Runs(map(_run, reply.runs)))


def import_session(channel: Channel, path: Path, name: str | None) -> SessionInfo:
    """Makes a session of a file that `Session.export` wrote."""
    with session_file.Reader(path) as file:
        start = sessions_pb2.ImportStart(name=(name or file.name).encode(), note=file.note.encode())
        with channel.exchange(IMPORT_SESSION, sessions_pb2.ImportMessage(start=start)) as exchange:
            replies = iter(exchange)
            for part in file.parts():
                exchange.send(sessions_pb2.ImportMessage(part=part))
                if next(replies, None) is None:
                    raise Internal("the daemon did not answer a part of a run")
            exchange.end_stream()
            last = list(replies)
    if len(last) != 1 or not last[0].HasField("session"):
        raise Internal("the daemon ended the import without a session")
    return _session(last[0].session)


def _frame(kind: type[SessionInfo] | type[RunInfo], rows: Sequence[Any]) -> pandas.DataFrame:
    from lensd.tables import frame

    return frame({field.name: [getattr(row, field.name) for row in rows] for field in fields(kind)})


def _session(session: sessions_pb2.SessionSummary) -> SessionInfo:
    return SessionInfo(
        id=session.id.decode(),
        name=session.name.decode(),
        address=session.address.decode(),
        owner=session.owner,
        owner_name=session.owner_name.decode(),
        created_at=session.created_at,
        updated_at=session.updated_at,
        run_count=session.run_count,
        note=session.note.decode(),
        read_only=session.read_only,
        shared_with=session.grant_count,
    )


def _run(run: sessions_pb2.RunSummary) -> RunInfo:
    return RunInfo(
        id=run.id.decode(),
        kind=_KINDS[run.kind],
        session=run.session.decode(),
        created_at=run.created_at,
        model=run.model.decode(),
        fingerprint=run.fingerprint.decode(),
        prompts=run.prompt_count,
        tokens=run.token_count,
        excerpt=run.excerpt.decode(),
        loss=run.loss,
        hooked=run.hooked,
        edits=[edit.decode() for edit in run.edits],
        detail=run.detail.decode(),
        effects=[(effect.place.decode(), effect.delta) for effect in run.effects],
        note=run.note.decode(),
        imported=run.imported,
    )


def _replayed(run: sessions_pb2.ReplayedRun) -> ReplayedRun:
    return ReplayedRun(
        id=run.id.decode(),
        kind=_KINDS[run.kind],
        excerpt=run.excerpt.decode(),
        outcome=_OUTCOMES[run.outcome],
        loss_difference=run.loss_difference,
        largest_difference=run.largest_difference,
        remark=run.remark.decode(),
        fingerprint=run.fingerprint.decode(),
        recorded_as=run.recorded_as.decode() or None,
    )


def _grants(reply: sessions_pb2.GrantsReply) -> list[Grant]:
    return [Grant(uid=each.user_id, user=each.user.decode(), created_at=each.created_at) for each in reply.grants]

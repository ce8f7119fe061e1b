"""Sessions: what both clients ask of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from lensd._proto import reports_pb2, sessions_pb2
from lensd.errors import InvalidArgument
from lensd.methods import (
    CREATE_SESSION,
    DELETE_SESSION,
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
from lensd.questions import Question, question, unary, whole
from lensd.session_info import (
    Findings,
    Grant,
    ReplayedRun,
    Runs,
    SessionInfo,
    Sessions,
    grants_of,
    replayed_run,
    run_info,
    session_info,
)


class SessionQuestions:
    """A session by its name, or `OWNER/NAME` of another user's; it need not exist yet.

    What is another user's can be read and replayed where he shares it; anything else raises `PermissionDenied`, and
    what he does not share is `NotFound`.
    """

    name: str

    def __repr__(self) -> str:
        return f"Session({self.name!r})"

    # Reading.

    @question
    def info(self) -> Question[SessionInfo]:
        """The session itself, its note whole."""
        return session_info((yield from self._shown(limit=1)).session)

    @question
    def runs(self, limit: int | None = None) -> Question[Runs]:
        """Its runs, newest first; all of them, or at most `limit`."""
        found = Runs()
        before = b""
        while limit is None or len(found) < limit:
            reply = yield from self._shown(before=before)
            found += map(run_info, reply.runs)
            if not reply.more or not reply.runs:
                break
            before = reply.runs[-1].id
        return Runs(found[:limit])

    @question
    def grants(self) -> Question[list[Grant]]:
        """Everybody who may read it."""
        reply = yield from unary(LIST_GRANTS, sessions_pb2.ListGrantsRequest(name=self.name.encode()))
        return grants_of(reply)

    @question
    def report(self, kind: Literal["html", "markdown"] = "html") -> Question[str]:
        """What stands in it, for people: a page or Markdown."""
        if kind not in ("html", "markdown"):
            raise InvalidArgument(f"a report is 'html' or 'markdown'; received {kind!r}")
        request = reports_pb2.SessionReportRequest(session=self.name.encode(), markdown=kind == "markdown")
        chunks = yield from whole(SESSION_REPORT, request)
        return b"".join(chunk.html for chunk in chunks).decode()

    # Changing.

    @question
    def delete(self) -> Question[int]:
        """Deletes it, for good; how many runs went with it."""
        reply = yield from unary(DELETE_SESSION, sessions_pb2.DeleteSessionRequest(name=self.name.encode()))
        return reply.run_count

    @question
    def note(self, text: str, run: str | None = None) -> Question[None]:
        """Writes its note, or that of one of its runs; an empty text takes it away."""
        request = (
            sessions_pb2.SetNoteRequest(session=self.name.encode(), text=text.encode())
            if run is None
            else sessions_pb2.SetNoteRequest(run=f"{self.name}:{run}".encode(), text=text.encode())
        )
        yield from unary(SET_NOTE, request)

    @question
    def share(self, user: str | int) -> Question[list[Grant]]:
        """Lets a user, by name or uid, read it; everybody who may."""
        return grants_of((yield from unary(SHARE_SESSION, self._sharing(user))))

    @question
    def unshare(self, user: str | int) -> Question[list[Grant]]:
        """Takes that back, at once; everybody who still may."""
        return grants_of((yield from unary(UNSHARE_SESSION, self._sharing(user))))

    @question
    def replay(
        self,
        runs: Iterable[str] = (),
        into: str | None = None,
        on_progress: Callable[[int, int], object] | None = None,
    ) -> Question[list[ReplayedRun]]:
        """Runs its runs again, all or some, and says of each whether it is the same within 1e-5 + 1e-5·|x|.

        The new runs are recorded in your session `into`, where it is given. `on_progress` learns runs done and runs
        in all.
        """
        request = sessions_pb2.ReplaySessionRequest(
            name=self.name.encode(), runs=[run.encode() for run in runs], into=(into or "").encode()
        )

        def tell(event: sessions_pb2.ReplayEvent) -> None:
            if on_progress is not None and not event.HasField("run"):
                on_progress(event.progress.done, event.progress.total)

        events = yield from whole(REPLAY_SESSION, request, tell)
        return [replayed_run(event.run) for event in events if event.HasField("run")]

    def _created(self, note: str) -> Question[None]:
        request = sessions_pb2.CreateSessionRequest(name=self.name.encode(), note=note.encode())
        yield from unary(CREATE_SESSION, request)

    def _renamed(self, new_name: str) -> Question[None]:
        request = sessions_pb2.RenameSessionRequest(name=self.name.encode(), new_name=new_name.encode())
        yield from unary(RENAME_SESSION, request)
        self.name = new_name

    def _shown(self, before: bytes = b"", limit: int = 0) -> Question[sessions_pb2.ShowSessionReply]:
        request = sessions_pb2.ShowSessionRequest(name=self.name.encode(), before=before, limit=limit)
        return (yield from unary(SHOW_SESSION, request))

    def _sharing(self, user: str | int) -> sessions_pb2.ShareSessionRequest:
        return sessions_pb2.ShareSessionRequest(name=self.name.encode(), user=str(user).encode())


def listed() -> Question[Sessions]:
    """The caller's own sessions, last used first, then those shared with him."""
    found = Sessions()
    while True:
        reply = yield from unary(LIST_SESSIONS, sessions_pb2.ListSessionsRequest(skip=len(found)))
        found.extend(map(session_info, reply.sessions))
        if not reply.sessions or len(found) >= reply.total:
            return found


def searched(text: str, limit: int) -> Question[Findings]:
    """Sessions and runs with a text in their name, note or excerpt."""
    request = sessions_pb2.SearchSessionsRequest(text=text.encode(), limit=limit)
    reply = yield from unary(SEARCH_SESSIONS, request)
    return Findings(sessions=Sessions(map(session_info, reply.sessions)), runs=Runs(map(run_info, reply.runs)))

"""Sessions and their runs as lists, searches and replays tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from lensd._proto import sessions_pb2

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


def _frame(kind: type[SessionInfo] | type[RunInfo], rows: Sequence[Any]) -> pandas.DataFrame:
    from lensd.tables import frame

    return frame({field.name: [getattr(row, field.name) for row in rows] for field in fields(kind)})


def session_info(session: sessions_pb2.SessionSummary) -> SessionInfo:
    """A session of a reply."""
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


def run_info(run: sessions_pb2.RunSummary) -> RunInfo:
    """A run of a reply."""
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


def replayed_run(run: sessions_pb2.ReplayedRun) -> ReplayedRun:
    """A replayed run of a reply."""
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


def grants_of(reply: sessions_pb2.GrantsReply) -> list[Grant]:
    """The grants of a reply."""
    return [Grant(uid=each.user_id, user=each.user.decode(), created_at=each.created_at) for each in reply.grants]

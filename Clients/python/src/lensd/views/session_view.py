"""Sessions and their runs for eyes: lists as tables."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lensd.errors import LensError
from lensd.views.html import card, counted, note, table

if TYPE_CHECKING:
    from lensd.session_info import RunInfo, SessionInfo
    from lensd.sessions import Session

_ROWS = 50


def sessions_html(sessions: Sequence[SessionInfo]) -> str:
    """Sessions as a table."""
    rows = [
        (each.address, each.run_count, moment(each.updated_at), "read only" if each.read_only else "", _line(each.note))
        for each in sessions[:_ROWS]
    ]
    body = table(["session", "runs", "last used", "", "note"], rows)
    return card(counted(len(sessions), "session"), "", body, _more(len(sessions)))


def runs_html(runs: Sequence[RunInfo], title: str = "", detail: str = "") -> str:
    """Runs as a table."""
    rows = [
        (
            each.id[:12],
            each.kind,
            moment(each.created_at),
            each.model,
            each.loss,
            _line(each.excerpt),
            _line("; ".join(each.edits) or each.detail),
            ", ".join(f"{place} {delta:+.3f}" for place, delta in each.effects[:3]),
            _line(each.note),
        )
        for each in runs[:_ROWS]
    ]
    columns = ["run", "kind", "when", "model", "loss", "text", "edits", "strongest effects", "note"]
    return card(title or counted(len(runs), "run"), detail, table(columns, rows), _more(len(runs)))


def session_html(session: Session) -> str:
    """A session and its newest runs; what is wrong where it cannot be read."""
    try:
        info, runs = session.info(), session.runs(_ROWS)
    except LensError as error:
        return card(session.name, str(error))
    detail = f"{counted(info.run_count, 'run')}, last used {moment(info.updated_at)}. {info.note}"
    return runs_html(runs, info.address, detail)


def moment(seconds: float) -> str:
    """A time of this place: 2026-11-23 21:18."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _line(text: str) -> str:
    first = text.partition("\n")[0]
    return first if len(first) <= 48 else first[:47] + "…"


def _more(count: int) -> str:
    return note(f"and {count - _ROWS:,} more") if count > _ROWS else ""

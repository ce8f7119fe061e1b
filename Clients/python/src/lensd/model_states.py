"""Where a daemon's models are: in memory, on their way there, or on disk only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lensd._proto import models_pb2

Residency = Literal["known", "loading", "resident"]

_RESIDENCIES: dict[int, Residency] = {
    models_pb2.RESIDENCY_KNOWN: "known",
    models_pb2.RESIDENCY_LOADING: "loading",
    models_pb2.RESIDENCY_RESIDENT: "resident",
}


@dataclass(frozen=True)
class ModelState:
    """A model that the daemon knows; sizes in bytes."""

    name: str
    residency: Residency  # "known" is not in memory.
    is_default: bool
    is_pinned: bool  # Never unloaded to make room for others; so is the default model.
    in_use: bool
    weight_bytes: int  # As it was when the model was resident last; 0 where nobody knows.
    load_seconds: float  # Of its last load; 0 where there was none.
    progress: tuple[int, int] | None  # Bytes read and bytes in all, of a load that is under way.
    note: str  # Why it is not resident, and what would make it so.
    is_configured: bool  # By flags or configuration: a folder of this name in the state's models is not it.


def read_states(states: Iterable[models_pb2.ModelState]) -> list[ModelState]:
    """The states of a reply."""
    return [
        ModelState(
            name=state.name.decode(),
            residency=_RESIDENCIES.get(state.residency, "known"),
            is_default=state.is_default,
            is_pinned=state.is_pinned,
            in_use=state.in_use,
            weight_bytes=state.weight_bytes,
            load_seconds=state.load_seconds,
            progress=(state.progress.done_bytes, state.progress.total_bytes) if state.HasField("progress") else None,
            note=state.note.decode(),
            is_configured=state.is_configured,
        )
        for state in states
    ]

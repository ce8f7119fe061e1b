"""How much users have of what they share, and how much they may have."""

from __future__ import annotations

from dataclasses import dataclass

from lensd._proto import daemon_pb2


@dataclass(frozen=True)
class SharedAmounts:
    """Amounts of what a daemon's users share: what one has, or may have at most."""

    connections: int
    calls_in_flight: int
    queued_jobs: int  # Passes, sweeps and the like that wait for their turn.
    sessions: int
    stored_bytes: int  # Of recorded runs.
    cached_bytes: int  # Of activations kept at hand.


def read_amounts(message: daemon_pb2.SharedAmounts) -> SharedAmounts:
    """The amounts of a message."""
    return SharedAmounts(
        connections=message.connections,
        calls_in_flight=message.calls_in_flight,
        queued_jobs=message.queued_jobs,
        sessions=message.sessions,
        stored_bytes=message.stored_bytes,
        cached_bytes=message.cached_bytes,
    )

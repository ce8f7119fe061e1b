"""How positions and components are called beside a picture."""

from __future__ import annotations

from collections.abc import Sequence


def position_labels(tokens: Sequence[str], positions: Sequence[int]) -> list[str]:
    """Each position with what stands there: "5 ' ball'"."""
    return [position_label(tokens, at) for at in positions]


def position_label(tokens: Sequence[str], at: int) -> str:
    """A position with what stands there."""
    return f"{at} {tokens[at]!r}" if 0 <= at < len(tokens) else str(at)

"""Colours over any background: the hue says the sign, the opacity how much."""

from __future__ import annotations

from math import isfinite

# As in the pages that the daemon makes: what raises a loss, what lowers it, and what is simply there.
UP = "#e07a28"
DOWN = "#7d6cd6"
PLAIN = "#3d86c6"
_STRONGEST = 0.92


def shade(value: float, largest: float, is_signed: bool = True) -> tuple[str, float]:
    """A hue and an opacity in 0…1 for a value, of which `largest` is the largest there is."""
    if not isfinite(value) or not isfinite(largest) or largest <= 0:
        return PLAIN, 0.0
    strength = min(abs(value) / largest, 1.0) * _STRONGEST
    if not is_signed:
        return PLAIN, strength
    return UP if value >= 0 else DOWN, strength


def translucent(hue: str, opacity: float) -> str:
    """A hue as CSS writes it with an opacity."""
    red, green, blue = (int(hue[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.3f})"

"""Tokens in a row, each over a colour that says a number."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from lensd.views.colours import UP, shade, translucent
from lensd.views.html import escape, number

MAX_TOKENS = 4096


def token_strip(tokens: Sequence[str], values: Sequence[float], what: str, largest: float | None = None) -> str:
    """The tokens as text, over a colour as strong as their value; NaN has none. `what` names the value in tips."""
    top = largest if largest is not None else max((value for value in values if isfinite(value)), default=0.0)
    pieces = [_piece(at, token, value, what, top) for at, (token, value) in enumerate(zip(tokens, values, strict=True))]
    left = len(pieces) - MAX_TOKENS
    rest = f" … {left:,} more tokens" if left > 0 else ""
    return f"<div style='line-height:1.9'>{''.join(pieces[:MAX_TOKENS])}{rest}</div>"


def _piece(at: int, token: str, value: float, what: str, largest: float) -> str:
    said = f"{at}: {token!r}" + (f", {what} {number(value)}" if isfinite(value) else "")
    colour = translucent(UP, shade(value, largest)[1]) if isfinite(value) else "transparent"
    # Each token keeps its direction of writing to itself.
    style = f"white-space:pre-wrap;unicode-bidi:isolate;padding:2px 1px;border-radius:3px;background:{colour}"
    edge = "box-shadow:inset 0 -1px rgba(128,128,128,.35)"
    return f'<span style="{style};{edge}" title="{escape(said)}">{escape(token)}</span>' + ("<br>" * ("\n" in token))

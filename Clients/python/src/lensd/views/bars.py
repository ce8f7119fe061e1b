"""Differences as bars with their standard errors, as an SVG picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

from lensd.views.colours import DOWN, UP
from lensd.views.heat_map import svg
from lensd.views.html import escape, signed

_ROW, _WIDTH, _LETTER = 18, 300, 7.0


class Bar(NamedTuple):
    """One difference."""

    label: str
    value: float
    # NaN where nobody knows.
    error: float


def bars(given: Sequence[Bar], title: str) -> str:
    """A bar per difference from a common zero, with a whisker of one standard error to either side."""
    known = [bar for bar in given if isfinite(bar.value)]
    ends = [0.0]
    for bar in known:
        margin = bar.error if isfinite(bar.error) else 0.0
        ends += [bar.value - margin, bar.value + margin]
    low, high = min(ends), max(ends)
    unit = _WIDTH / ((high - low) or 1.0)
    left = 12 + _LETTER * max((len(bar.label) for bar in given), default=1)
    zero = left - low * unit
    parts = [f'<text x="0" y="12" fill="currentColor" font-weight="600">{escape(title)}</text>']
    for index, bar in enumerate(given):
        middle = 20 + index * _ROW + _ROW / 2
        label = f'<text x="{left - 8:.1f}" y="{middle + 4:.1f}" text-anchor="end" fill="currentColor">'
        parts.append(f"{label}{escape(bar.label)}</text>")
        value = bar.value if isfinite(bar.value) else 0.0
        at = zero + value * unit
        said = f"{bar.label}: {signed(bar.value)}" + (f" ± {bar.error:.4f}" if isfinite(bar.error) else "")
        parts.append(
            f'<rect x="{min(zero, at):.1f}" y="{middle - 6:.1f}" width="{abs(at - zero):.1f}" height="12" '
            f'fill="{UP if value >= 0 else DOWN}" fill-opacity=".75"><title>{escape(said)}</title></rect>'
        )
        if isfinite(bar.error) and bar.error * unit >= 1:
            span = bar.error * unit
            parts.append(
                f'<path d="M{at - span:.1f} {middle:.1f}H{at + span:.1f}" stroke="currentColor" stroke-opacity=".7"/>'
            )
        number = f'<text x="{left + _WIDTH + 10:.1f}" y="{middle + 4:.1f}" fill="currentColor" fill-opacity=".8">'
        parts.append(f"{number}{escape(signed(bar.value))}</text>")
    bottom = 20 + len(given) * _ROW
    parts.append(f'<path d="M{zero:.1f} 20V{bottom}" stroke="currentColor" stroke-opacity=".45"/>')
    return svg(left + _WIDTH + 80, bottom + 4, title, "".join(parts))

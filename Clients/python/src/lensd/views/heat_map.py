"""A matrix as an SVG picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lensd.views.colours import DOWN, PLAIN, UP, shade
from lensd.views.html import escape, number, signed

# What a notebook file should hold of one picture, at some 120 bytes a cell.
MAX_CELLS = 4096
_WIDTH, _HEIGHT = 640, 480
_LARGEST, _SMALLEST = 22.0, 3.0
_LETTER, _LINE = 6.6, 12.0
_LONGEST_LABEL = 16


def heat_map(
    values: npt.NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    axes: tuple[str, str],
    *,
    tip: Callable[[int, int], str] | None = None,
    is_signed: bool = True,
    largest: float | None = None,
    title: str = "",
) -> str:
    """`values` [row, column] as cells under the labels of their columns, with a scale.

    `axes` are the names of rows and columns, `tip` what a cell says under the pointer. With `largest` several pictures
    have one scale; without, it is the largest of the values.
    """
    count, width = values.shape
    finite = np.abs(values[np.isfinite(values)])
    top = largest if largest is not None else float(finite.max(initial=0.0))
    across, down = (_clamped(room / max(cells, 1)) for room, cells in ((_WIDTH, width), (_HEIGHT, count)))
    left = 14 + _LETTER * max((len(label) for label in rows), default=1)
    head = 18 + (16 if title else 0)
    parts = [_text(0, 12, title, weight=600)] if title else []
    named = " ".join(f"{name} {way}" for name, way in zip(axes, "↓→", strict=True) if name)
    parts.append(_text(0, head - 6, named, opacity=0.65))
    row_step = int(np.ceil(_LINE / down))
    for row in range(count):
        y = head + row * down
        if row % row_step == 0:
            parts.append(_text(left - 6, y + down / 2 + 4, rows[row], anchor="end"))
        for column in range(width):
            value = float(values[row, column])
            hue, opacity = shade(value, top, is_signed)
            said = tip(row, column) if tip else (signed if is_signed else number)(value)
            parts.append(
                f'<rect x="{left + column * across:.1f}" y="{y:.1f}" width="{across - 1:.1f}" '
                f'height="{down - 1:.1f}" fill="{hue}" fill-opacity="{opacity:.3f}" stroke="currentColor" '
                f'stroke-opacity=".12"><title>{escape(said)}</title></rect>'
            )
    bottom = head + count * down
    labels, height = _column_labels(columns, left, bottom, across)
    scale, scale_width = _scale(left, bottom + height, top, is_signed)
    label = f"{title} {axes[0]} by {axes[1]}".strip()
    full = max(left + width * across + 8, left + scale_width, 14 + _LETTER * max(len(title), len(named)))
    return svg(full, bottom + height + 18, label, "".join([*parts, *labels, scale]))


def svg(width: float, height: float, label: str, body: str) -> str:
    """A picture with a name for who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" role="img" '
        f'aria-label="{escape(label)}" font-size="11" font-family="system-ui,sans-serif" '
        f'style="max-width:none;color:inherit">{body}</svg>'
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", opacity: float = 1.0, weight: int = 400, more: str = ""
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="currentColor" fill-opacity="{opacity}" '
        f'font-weight="{weight}"{more}>{escape(text)}</text>'
    )


def _column_labels(columns: Sequence[str], left: float, y: float, cell: float) -> tuple[list[str], float]:
    """The labels under the columns, upright where they are too long to lie, and the height that they take."""
    shown = [label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…" for label in columns]
    widest = _LETTER * max(map(len, shown), default=1) + 4
    is_upright = widest > 40 and widest > cell
    step = max(1, int(np.ceil((_LINE if is_upright else widest) / cell)))
    labels = []
    for column in range(0, len(shown), step):
        middle = left + (column + 0.5) * cell - 0.5
        if is_upright:
            turn = f' transform="rotate(-90 {middle + 4:.1f} {y + 4:.1f})"'
            labels.append(_text(middle + 4, y + 4, shown[column], anchor="end", opacity=0.8, more=turn))
        else:
            labels.append(_text(middle, y + 12, shown[column], anchor="middle", opacity=0.8))
    return labels, (widest + 8 if is_upright else 18)


def _scale(x: float, y: float, largest: float, is_signed: bool) -> tuple[str, float]:
    steps = range(-8, 9) if is_signed else range(9)
    cells = []
    for at, step in enumerate(steps):
        hue = PLAIN if not is_signed else UP if step >= 0 else DOWN
        cells.append(
            f'<rect x="{x + 46 + at * 6}" y="{y + 3}" width="6" height="8" fill="{hue}" '
            f'fill-opacity="{shade(step, 8, is_signed)[1]:.3f}"/>'
        )
    low = _text(x + 42, y + 11, signed(-largest) if is_signed else "0", anchor="end", opacity=0.65)
    end = x + 46 + len(cells) * 6
    high = _text(end + 4, y + 11, signed(largest) if is_signed else number(largest), opacity=0.65)
    return low + "".join(cells) + high, end - x + 54


def _clamped(cell: float) -> float:
    return max(_SMALLEST, min(_LARGEST, cell))

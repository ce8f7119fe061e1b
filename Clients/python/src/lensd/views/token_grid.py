"""Tokens in rows and columns, each over a colour that says a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt

from lensd.views.colours import shade, translucent
from lensd.views.html import escape

# What a notebook file should hold of one grid, at some 250 bytes a cell.
MAX_CELLS = 2048
_LONGEST = 12


def token_grid(
    tokens: Sequence[Sequence[str]],
    values: npt.NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    tip: Callable[[int, int], str],
    largest: float,
) -> str:
    """`tokens` [row, column] over colours as strong as `values`, of which `largest` is the largest there is."""
    lines = [_LINE + "<th></th>" + "".join(map(_heading, columns)) + "</tr>"]
    for row, label in enumerate(rows):
        cells = "".join(
            f"<td style='{_CELL};background:{translucent(*shade(float(values[row, column]), largest, False))}' "
            f'title="{escape(tip(row, column))}">{escape(_short(token))}</td>'
            for column, token in enumerate(tokens[row])
        )
        lines.append(f"{_LINE}{_heading(label)}{cells}</tr>")
    return f"<table style='border-collapse:collapse;margin:0;font-size:12px'><tbody>{''.join(lines)}</tbody></table>"


_CELL = "padding:1px 6px;text-align:left;white-space:pre;unicode-bidi:isolate;border:1px solid rgba(128,128,128,.2)"
_LINE = "<tr style='background:none'>"


def _heading(text: str) -> str:
    return f"<th style='{_CELL};opacity:.65;font-weight:400'>{escape(_short(text))}</th>"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

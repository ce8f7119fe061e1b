"""Pieces of HTML: escaped text, cards, tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from html import escape as _escape

FONT = "font:13px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif"
_MUTED = "opacity:.65"
# Joiners belong to letters and emoji; other characters of these categories change what stands around them.
_JOINERS = "\u200c\u200d"
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_NAMED = {"\n": "↵", "\t": "⇥"}


def escape(text: object) -> str:
    """A text as HTML shows it, in an element or a quoted attribute, without characters that act on others."""
    return _escape(visible(str(text)), quote=True)


def visible(text: str) -> str:
    """A text whose controls, such as line ends and changes of direction, can be seen."""
    return "".join(map(_shown, text))


def card(title: str, detail: str, *parts: str) -> str:
    """One result: a title, what it is of, and its parts, which are HTML."""
    head = f"<div><b>{escape(title)}</b> <span style='{_MUTED}'>{escape(detail)}</span></div>"
    body = "".join(f"<div style='margin-top:8px'>{part}</div>" for part in parts if part)
    return f'<div class="lensd" style="{FONT};font-variant-numeric:tabular-nums;overflow-x:auto">{head}{body}</div>'


def note(text: str) -> str:
    """A remark in small letters."""
    return f"<div style='{_MUTED};font-size:12px'>{escape(text)}</div>"


def beside(*parts: str) -> str:
    """Parts next to one another where there is room."""
    pieces = "".join(f"<div>{part}</div>" for part in parts if part)
    return f"<div style='display:flex;flex-wrap:wrap;gap:16px 32px;align-items:flex-start'>{pieces}</div>"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under their columns; numbers stand right, with as many digits as `number` gives."""
    line = "border-bottom:1px solid rgba(128,128,128,.35)"
    head = "".join(
        f"<th style='text-align:left;font-weight:600;padding:1px 14px 1px 0'>{escape(c)}</th>" for c in columns
    )
    body = "".join(f"<tr style='background:none'>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        f"<table style='border-collapse:collapse;margin:0;font-size:12px'><thead><tr style='background:none;{line}'>"
        f"{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def number(value: float) -> str:
    """A number in few letters: 2.3124, 0.0003, 1.2e-09, 12,345."""
    if isinstance(value, int):
        return f"{value:,}"
    if value != value:
        return "–"
    if value and not 1e-4 <= abs(value) < 1e5:
        return f"{value:.2e}"
    return f"{value:.4f}"


def signed(value: float) -> str:
    """A difference: +0.1234, -0.0021."""
    return ("+" if value >= 0 else "") + number(value)


def counted(count: int, noun: str) -> str:
    """A number of things: 1 prompt, 2 prompts."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _cell(value: object) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    text = number(value) if isinstance(value, (int, float)) and is_number else str(value)
    style = f"text-align:{'right' if is_number else 'left'};padding:1px 14px 1px 0;white-space:nowrap"
    return f"<td style='{style}'>{escape(text)}</td>"


def _shown(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if unicodedata.category(character) in _HIDDEN and character not in _JOINERS:
        return f"\\u{ord(character):04x}"
    return character

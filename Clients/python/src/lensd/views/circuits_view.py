"""Circuits for eyes: tables of scores and entries, eigenvalues in the complex plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lensd.tables import frame, plain
from lensd.views import figures
from lensd.views.bars import Bar, bars
from lensd.views.colours import PLAIN
from lensd.views.html import beside, card, counted, note, number, signed, table

if TYPE_CHECKING:
    import pandas

    from lensd.circuits import HeadCircuit, HeadCircuits

_BARS, _ROWS = 64, 100
_SCORES = {"ov": "copying score", "qk": "matching score"}
_COLUMNS = {"ov": ("attended to", "logit of", "value"), "qk": ("attends", "to", "score")}


def circuit_html(circuit: HeadCircuit) -> str:
    """The scores and a table of entries."""
    detail = f"{_SCORES[circuit.kind]} {signed(circuit.score)}, bare {signed(circuit.bare_score)}"
    rows = [(repr(row), repr(column), value) for row, column, value in circuit.entries[:_ROWS]]
    more = len(circuit.entries) - len(rows)
    parts = [table(_COLUMNS[circuit.kind], rows)] if rows else []
    return card(_title(circuit), detail, *parts, note(f"and {counted(more, 'entry')} more") if more else "")


def circuits_html(circuits: HeadCircuits) -> str:
    """A row per head, and bars of the scores."""
    rows = [(_name(circuit), circuit.score, circuit.bare_score) for circuit in circuits]
    name = _SCORES[circuits.kind]
    picture = bars([Bar(_name(circuit), circuit.score, float("nan")) for circuit in circuits.heads[:_BARS]], name)
    detail = counted(len(circuits), "head")
    return card(f"{circuits.kind.upper()} circuits", detail, beside(table(("head", name, "bare"), rows), picture))


def plot_eigenvalues(circuit: HeadCircuit, ax: Any) -> Any:
    """Draws eigenvalues in the complex plane, with a circle through the largest, on matplotlib's axes."""
    values = plain(circuit.eigenvalues)
    ax = figures.axes_for(ax, 4.5, 4.5)
    largest = float(np.abs(values).max(initial=0)) or 1.0
    turn = np.linspace(0, 2 * np.pi, 181)
    ax.plot(largest * np.cos(turn), largest * np.sin(turn), color=PLAIN, linewidth=0.5)
    ax.axhline(0, color=PLAIN, linewidth=0.5)
    ax.axvline(0, color=PLAIN, linewidth=0.5)
    ax.scatter(values.real, values.imag, s=16, color=PLAIN)
    ax.set_aspect("equal")
    ax.set_xlabel("real part")
    ax.set_ylabel("imaginary part")
    ax.set_title(f"{_title(circuit)}: {_SCORES[circuit.kind]} {number(circuit.score)}")
    return ax


def plot_circuits(circuits: HeadCircuits, ax: Any) -> Any:
    """Draws the scores as bars on matplotlib's axes."""
    names, scores = [_name(circuit) for circuit in circuits], np.array([circuit.score for circuit in circuits])
    ax = figures.draw_bars(ax, names, scores, None, "head", f"{_SCORES[circuits.kind]} of each head")
    ax.set_ylabel("")
    return ax


def entries_frame(circuit: HeadCircuit) -> pandas.DataFrame:
    """A row per entry."""
    columns = zip(*circuit.entries, strict=True) if circuit.entries else [[]] * 3
    return frame(dict(zip(("row", "column", "value"), map(list, columns), strict=True)))


def circuits_frame(circuits: HeadCircuits) -> pandas.DataFrame:
    """A row per head."""
    names = ("layer", "head", "score", "bare_score")
    return frame({name: [getattr(circuit, name) for circuit in circuits] for name in names})


def _title(circuit: HeadCircuit) -> str:
    return f"{circuit.kind.upper()} circuit of {_name(circuit)}"


def _name(circuit: HeadCircuit) -> str:
    return f"L{circuit.layer}H{circuit.head}"

"""Heads as matrices over the vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from lensd._proto import weights_pb2 as wire
from lensd.arrays import Array, Arrays
from lensd.errors import Internal
from lensd.plain_result import PlainResult

if TYPE_CHECKING:
    import pandas

CircuitName = Literal["ov", "qk"]

CIRCUITS = {"ov": wire.CIRCUIT_KIND_OV, "qk": wire.CIRCUIT_KIND_QK}


class CircuitEntry(NamedTuple):
    """An entry of a circuit: the texts of its row's and its column's token, and its value."""

    row: str
    column: str
    value: float


@dataclass(frozen=True, repr=False)
class HeadCircuit(PlainResult):
    """One head's circuit. It shows itself as a table of its entries; `plot()` draws its eigenvalues."""

    layer: int
    head: int
    # "ov": of a token that is attended to (row), what it adds to the logits (column); "qk": of a token that attends
    # (row), the score of the one that is attended to (column).
    kind: str
    # Σ λ / Σ |λ|, -1…1: of an OV circuit the copying score. `bare_score` is that of W_V W_O or W_Q W_Kᵀ alone.
    score: float
    bare_score: float
    # [d_head], complex128, the largest first: those of the circuit that may differ from zero.
    eigenvalues: Array
    # Row by row where rows were asked for.
    entries: tuple[CircuitEntry, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as lists, numbers and strings, for JSON: eigenvalues as [real, imaginary]."""
        values = np.asarray(self.eigenvalues)
        plain = {**super().to_dict(), "eigenvalues": np.stack([values.real, values.imag], -1).tolist()}
        return {**plain, "entries": [entry._asdict() for entry in self.entries]}

    def to_pandas(self) -> pandas.DataFrame:
        """A row per entry: row, column, value. Needs the extra `lensd[pandas]`."""
        from lensd.views.circuits_view import entries_frame

        return entries_frame(self)

    def plot(self, ax: Any = None) -> Any:
        """Draws the eigenvalues in the complex plane and returns matplotlib's axes. Needs the extra `lensd[plot]`."""
        from lensd.views.circuits_view import plot_eigenvalues

        return plot_eigenvalues(self, ax)

    def __repr__(self) -> str:
        return f"<{self.kind.upper()} circuit of L{self.layer}H{self.head}: score {self.score:+.3f}>"

    def _repr_html_(self) -> str:
        from lensd.views.circuits_view import circuit_html

        return circuit_html(self)


@dataclass(frozen=True, repr=False)
class HeadCircuits:
    """Circuits of one kind; `circuits[layer, head]`, or in a loop. They show themselves as a table of their scores."""

    kind: str
    heads: tuple[HeadCircuit, ...]

    @classmethod
    def of(cls, events: Iterable[wire.CircuitEvent], kind: str, arrays: Arrays) -> tuple[bytes, HeadCircuits]:
        """Puts circuits together, behind their model's fingerprint. Raises `Internal` where events end too early."""
        header: wire.CircuitHeader | None = None
        heads: list[tuple[wire.HeadCircuit, list[CircuitEntry]]] = []
        for event in events:
            which = event.WhichOneof("event")
            if which == "header":
                header = event.header
            elif which == "head":
                heads.append((event.head, []))
            elif which == "entries" and heads:
                heads[-1][1].extend(_entry(entry) for entry in event.entries.entries)
        if header is None:
            raise Internal("the daemon ended the circuits without a result")
        found = tuple(_circuit(kind, head, entries, arrays) for head, entries in heads)
        return header.model.fingerprint, cls(kind, found)

    @property
    def scores(self) -> dict[tuple[int, int], float]:
        """The scores by (layer, head)."""
        return {(circuit.layer, circuit.head): circuit.score for circuit in self.heads}

    def __getitem__(self, place: tuple[int, int]) -> HeadCircuit:
        for circuit in self.heads:
            if (circuit.layer, circuit.head) == tuple(place):
                return circuit
        raise IndexError(f"expected the layer and head of one of {len(self.heads)} circuits; received {place}")

    def __iter__(self) -> Iterator[HeadCircuit]:
        return iter(self.heads)

    def __len__(self) -> int:
        return len(self.heads)

    def to_pandas(self) -> pandas.DataFrame:
        """A row per head: layer, head, score, bare_score. Needs the extra `lensd[pandas]`."""
        from lensd.views.circuits_view import circuits_frame

        return circuits_frame(self)

    def plot(self, ax: Any = None) -> Any:
        """Draws the scores as bars and returns matplotlib's axes. Needs the extra `lensd[plot]`."""
        from lensd.views.circuits_view import plot_circuits

        return plot_circuits(self, ax)

    def __repr__(self) -> str:
        return "\n".join(
            [f"{self.kind.upper()} circuits of {len(self.heads)} heads"] + [f"  {c!r}" for c in self.heads]
        )

    def _repr_html_(self) -> str:
        from lensd.views.circuits_view import circuits_html

        return circuits_html(self)


def _circuit(kind: str, message: wire.HeadCircuit, entries: list[CircuitEntry], arrays: Arrays) -> HeadCircuit:
    values = np.array(message.eigenvalues_real) + 1j * np.array(message.eigenvalues_imaginary)
    return HeadCircuit(
        message.layer, message.head, kind, message.score, message.bare_score, arrays.array(values), tuple(entries)
    )


def _entry(message: wire.CircuitEntry) -> CircuitEntry:
    return CircuitEntry(
        message.row.text.decode(errors="replace"), message.column.text.decode(errors="replace"), message.value
    )

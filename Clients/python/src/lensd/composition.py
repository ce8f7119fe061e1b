"""Which heads read what earlier heads write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from lensd._proto import weights_pb2 as wire
from lensd.arrays import Array
from lensd.plain_result import PlainResult
from lensd.tables import plain

if TYPE_CHECKING:
    import pandas
    import xarray

CompositionName = Literal["Q", "K", "V"]

COMPOSITIONS = {"Q": wire.COMPOSITION_KIND_Q, "K": wire.COMPOSITION_KIND_K, "V": wire.COMPOSITION_KIND_V}


class HeadPair(NamedTuple):
    """An earlier head and a later one as (layer, head), and how much of the one's output the other reads."""

    earlier: tuple[int, int]
    later: tuple[int, int]
    score: float


@dataclass(frozen=True, repr=False)
class CompositionScores(PlainResult):
    """Composition scores of all pairs of heads. They show themselves as a matrix of earlier by later heads."""

    # "Q", "K" or "V": through which of its inputs the later head reads.
    kind: str
    # [layer, head, layer, head], float32; zero where the second head is in no later layer.
    scores: Array

    def strongest(self, count: int = 10) -> list[HeadPair]:
        """The pairs with the largest scores, the largest first."""
        scores = plain(self.scores)
        later = np.arange(scores.shape[0])
        pairs = np.argwhere((later[:, None] < later)[:, None, :, None] & np.isfinite(scores))
        values = scores[tuple(pairs.T)]
        order = np.argsort(-values, kind="stable")[:count]
        return [
            HeadPair((layer, head), (reading, reader), float(values[at]))
            for at, (layer, head, reading, reader) in zip(order, pairs[order].tolist(), strict=True)
        ]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per pair of heads, the strongest first. Needs the extra `lensd[pandas]`."""
        from lensd.views.composition_view import composition_frame

        return composition_frame(self)

    def to_xarray(self) -> xarray.DataArray:
        """The scores on the axes layer, head, later_layer and later_head. Needs the extra `lensd[xarray]`."""
        from lensd.views.composition_view import composition_array

        return composition_array(self)

    def plot(self, ax: Any = None) -> Any:
        """Draws earlier by later heads and returns matplotlib's axes. Needs the extra `lensd[plot]`."""
        from lensd.views.composition_view import plot_composition

        return plot_composition(self, ax)

    def __repr__(self) -> str:
        pairs = [f"L{a}H{b} -> L{c}H{d} {score:.3f}" for (a, b), (c, d), score in self.strongest(3)]
        return f"<{self.kind} composition of {' x '.join(map(str, self.scores.shape))}: {', '.join(pairs) or 'none'}>"

    def _repr_html_(self) -> str:
        from lensd.views.composition_view import composition_html

        return composition_html(self)

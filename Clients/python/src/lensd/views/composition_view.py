"""Composition scores for eyes: a matrix of earlier by later heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lensd.tables import frame, labelled, plain
from lensd.views import figures
from lensd.views.heat_map import MAX_CELLS, heat_map
from lensd.views.html import beside, card, note, number, table

if TYPE_CHECKING:
    import pandas
    import xarray

    from lensd.composition import CompositionScores

_AXES = ("writes", "reads")


def composition_html(scores: CompositionScores) -> str:
    """Earlier by later heads, and the strongest pairs."""
    layers, heads = scores.scores.shape[:2]
    if layers < 2:
        return card(_title(scores), "", note("the model has one layer: no head reads what another one wrote"))
    values, rows, columns = _matrix(scores)

    def tip(row: int, column: int) -> str:
        return f"{rows[row]} to {columns[column]}: {number(float(values[row, column]))}"

    picture = note(f"{values.size:,} pairs are too many for this picture; plot() draws them all")
    if values.size <= MAX_CELLS:
        picture = heat_map(values, rows, columns, _AXES, tip=tip, is_signed=False)
    pairs = [(_name(*earlier), _name(*later), score) for earlier, later, score in scores.strongest(10)]
    return card(_title(scores), f"{layers} layers × {heads} heads", beside(picture, table((*_AXES, "score"), pairs)))


def plot_composition(scores: CompositionScores, ax: Any) -> Any:
    """Draws earlier by later heads on matplotlib's axes."""
    values, rows, columns = _matrix(scores)
    return figures.draw_matrix(ax, values, rows, columns, _AXES, _title(scores), is_signed=False)


def composition_frame(scores: CompositionScores) -> pandas.DataFrame:
    """A row per pair of heads."""
    pairs = scores.strongest(scores.scores.size if hasattr(scores.scores, "flags") else scores.scores.numel())
    return frame(
        {
            "layer": [pair.earlier[0] for pair in pairs],
            "head": [pair.earlier[1] for pair in pairs],
            "later_layer": [pair.later[0] for pair in pairs],
            "later_head": [pair.later[1] for pair in pairs],
            "score": [pair.score for pair in pairs],
        }
    )


def composition_array(scores: CompositionScores) -> xarray.DataArray:
    """The scores on named axes."""
    layers, heads = (np.arange(size) for size in scores.scores.shape[:2])
    coordinates = {"layer": layers, "head": heads, "later_layer": layers, "later_head": heads}
    return labelled(scores.scores, tuple(coordinates), coordinates, f"{scores.kind.lower()}_composition")


def _matrix(scores: CompositionScores) -> tuple[Any, list[str], list[str]]:
    """Heads that some later one could read by heads that could read some earlier one."""
    values = plain(scores.scores)
    layers, heads = values.shape[:2]
    names = [_name(layer, head) for layer in range(layers) for head in range(heads)]
    whole = values.reshape(layers * heads, layers * heads)
    last = max(layers - 1, 1) * heads
    first = heads if layers > 1 else 0
    return whole[:last, first:], names[:last], names[first:]


def _title(scores: CompositionScores) -> str:
    return f"{scores.kind} composition"


def _name(layer: int, head: int) -> str:
    return f"L{layer}H{head}"

"""Scores of heads for eyes: a small matrix for each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lensd.tables import plain
from lensd.views import figures
from lensd.views.heat_map import heat_map
from lensd.views.html import beside, card, counted

if TYPE_CHECKING:
    from lensd.head_scores import HeadScores


def scores_html(scores: HeadScores) -> str:
    """A matrix of layers by heads per score, all on one scale."""
    tables = _shares(scores)
    layers, heads = tables["to_self"].shape
    distance = plain(scores.distance)

    def picture(name: str, values: Any) -> str:
        def tip(layer: int, head: int) -> str:
            far = f", {distance[layer, head]} back" if name == "to_distance" else ""
            return f"L{layer}H{head}: {values[layer, head]:.3f}{far}"

        names = [str(at) for at in range(layers)], [str(at) for at in range(heads)]
        return heat_map(values, *names, ("layer", "head"), tip=tip, is_signed=False, largest=1.0, title=name)

    parts = beside(*(picture(name, values) for name, values in tables.items()))
    return card("head scores", f"{counted(layers, 'layer')} × {counted(heads, 'head')}", parts)


def plot_scores(scores: HeadScores) -> Any:
    """Draws every score on axes of its own, [score], and returns them."""
    tables = _shares(scores)
    rows = -(-len(tables) // 2)
    layers, heads = tables["to_self"].shape
    size = (4 + 0.5 * heads, rows * (1.3 + 0.3 * layers))
    axes = figures.pyplot().subplots(rows, 2, figsize=size, layout="constrained", squeeze=False)[1]
    names = [str(at) for at in range(layers)], [str(at) for at in range(heads)]
    for ax, (name, values) in zip(axes.flat, tables.items(), strict=False):
        figures.draw_matrix(ax, values, *names, ("layer", "head"), name, is_signed=False, largest=1.0)
    return np.array(axes.flat)


def _shares(scores: HeadScores) -> dict[str, Any]:
    """The scores that lie in 0…1."""
    return {name: plain(getattr(scores, name)) for name in scores.names() if name not in ("distance", "structure")}

"""Scores of heads for eyes: a small matrix of layers by heads for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lensd.arrays import Array
from lensd.tables import dataset, frame, plain
from lensd.views import figures
from lensd.views.heat_map import heat_map
from lensd.views.html import beside, card, counted

if TYPE_CHECKING:
    import pandas
    import xarray


def heads_html(title: str, shares: Mapping[str, Array], remark: Callable[[str, int, int], str]) -> str:
    """A matrix [layer, head] per score in 0…1, all on one scale; `remark` goes on behind a cell's tip."""

    def picture(name: str, values: Any) -> str:
        def tip(layer: int, head: int) -> str:
            return f"L{layer}H{head}: {values[layer, head]:.3f}{remark(name, layer, head)}"

        return heat_map(values, *_labels(values), ("layer", "head"), tip=tip, is_signed=False, largest=1.0, title=name)

    parts = [picture(name, plain(values)) for name, values in shares.items()]
    layers, heads = _shape(shares)
    return card(title, f"{counted(layers, 'layer')} × {counted(heads, 'head')}", beside(*parts))


def plot_heads(shares: Mapping[str, Array]) -> Any:
    """Draws every score on axes of its own, [score], and returns them."""
    columns = min(len(shares), 2)
    rows = -(-len(shares) // columns)
    layers, heads = _shape(shares)
    size = (columns * (2 + 0.25 * heads), rows * (1.3 + 0.3 * layers))
    figure, axes = figures.pyplot().subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for ax in axes.flat[len(shares) :]:
        figure.delaxes(ax)
    drawn = axes.flat[: len(shares)]
    for ax, (name, values) in zip(drawn, shares.items(), strict=True):
        values = plain(values)
        figures.draw_matrix(ax, values, *_labels(values), ("layer", "head"), name, is_signed=False, largest=1.0)
    return np.array(drawn)


def heads_frame(tables: Mapping[str, Array]) -> pandas.DataFrame:
    """A row per head: layer, head and its scores."""
    layers, heads = np.indices(_shape(tables))
    scores = {name: plain(values).ravel() for name, values in tables.items()}
    return frame({"layer": layers.ravel(), "head": heads.ravel(), **scores})


def heads_dataset(tables: Mapping[str, Array]) -> xarray.Dataset:
    """The scores on the axes layer and head."""
    layers, heads = _shape(tables)
    variables = {name: (("layer", "head"), values) for name, values in tables.items()}
    return dataset(variables, {"layer": np.arange(layers), "head": np.arange(heads)}, {})


def _shape(tables: Mapping[str, Array]) -> tuple[int, int]:
    layers, heads = plain(next(iter(tables.values()))).shape
    return layers, heads


def _labels(values: Any) -> tuple[list[str], list[str]]:
    layers, heads = values.shape
    return [str(at) for at in range(layers)], [str(at) for at in range(heads)]

"""How much each head's pattern looks like each of the simple kinds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lensd._proto.inference_pb2 import ScoreHeadsReply
from lensd.arrays import Array, Arrays

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True, repr=False)
class HeadScores:
    """Scores of every head, each `[layer, head]` in 0…1: averages over the prompts, float64.

    The `to_…` scores are the share of attention that goes to a target, over the destinations where it exists.
    """

    # Attention to the query's own position, to the position before, to the first one.
    to_self: Array
    to_previous: Array
    to_first: Array
    # The distance of at least 2 that gets most attention (int64, in positions), and how much.
    distance: Array
    to_distance: Array
    # Attention to earlier occurrences of the query's own token, and to their successors.
    to_duplicate: Array
    to_induction: Array
    # Entropy of the pattern over the logarithm of the number of visible keys.
    entropy: Array
    # TransformerLens's detect_head with error measure "mul".
    detect_previous: Array
    detect_duplicate: Array
    detect_induction: Array

    @classmethod
    def of(cls, reply: ScoreHeadsReply, shape: tuple[int, int], arrays: Arrays) -> HeadScores:
        """Arranges a reply by layer and head; `shape` is (layers, heads)."""
        table = {field.name: np.full(shape, np.nan) for field in fields(cls)}
        table["distance"] = np.zeros(shape, np.int64)
        for head in reply.heads:
            for name, values in table.items():
                values[head.layer, head.head] = getattr(head, name)
        return cls(**{name: arrays.array(values) for name, values in table.items()})

    def to_pandas(self) -> pandas.DataFrame:
        """A row per head: layer, head and its scores. Needs the extra `lensd[pandas]`."""
        from lensd.tables import frame, plain

        layers, heads = np.indices(plain(self.to_self).shape)
        scores = {field.name: plain(getattr(self, field.name)).ravel() for field in fields(self)}
        return frame({"layer": layers.ravel(), "head": heads.ravel(), **scores})

    def to_xarray(self) -> xarray.Dataset:
        """The scores on the axes layer and head. Needs the extra `lensd[xarray]`."""
        from lensd.tables import dataset, plain

        layers, heads = plain(self.to_self).shape
        variables = {field.name: (("layer", "head"), getattr(self, field.name)) for field in fields(self)}
        return dataset(variables, {"layer": np.arange(layers), "head": np.arange(heads)}, {})

    def plot(self) -> Any:
        """Draws a matrix per score and returns matplotlib's axes, [score]. Needs the extra `lensd[plot]`."""
        from lensd.views.scores_view import plot_scores

        return plot_scores(self)

    def _repr_html_(self) -> str:
        from lensd.views.scores_view import scores_html

        return scores_html(self)

    def __repr__(self) -> str:
        from lensd.tables import plain

        strongest = []
        for name in ("to_self", "to_previous", "to_first", "to_induction"):
            values = plain(getattr(self, name))
            if np.isfinite(values).any():
                layer, head = np.unravel_index(np.nanargmax(values), values.shape)
                strongest.append(f"{name} L{layer}H{head} {values[layer, head]:.2f}")
        layers, heads = plain(self.to_self).shape
        return f"HeadScores({layers} layers x {heads} heads; strongest {', '.join(strongest)})"

"""How much each head's pattern looks like each of the simple kinds."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lensd._proto.inference_pb2 import ScoreHeadsReply
from lensd.arrays import Array, Arrays


@dataclass(frozen=True)
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

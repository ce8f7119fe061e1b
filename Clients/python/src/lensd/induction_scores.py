"""How much heads attend as induction heads do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lensd._proto.analyses_pb2 import ScoreInductionReply
from lensd.arrays import Array, Arrays
from lensd.head_tables import HeadTables
from lensd.plain_result import PlainResult


@dataclass(frozen=True, repr=False)
class InductionScores(HeadTables, PlainResult):
    """Attention to the token behind the earlier occurrence, on random tokens that are repeated once."""

    # [layer, head] float32: the mean over the sequences of the mean of pattern.diagonal(1 - length).
    scores: Array
    # [batch, pos] int64: what was run.
    tokens: Array

    @classmethod
    def of(cls, reply: ScoreInductionReply, shape: tuple[int, int], arrays: Arrays) -> InductionScores:
        """Arranges a reply; `shape` is (layers, heads)."""
        sequences = np.array([list(each.ids) for each in reply.sequences], np.int64)
        return cls(arrays.shaped(reply.scores, shape), arrays.array(sequences))

    def tables(self) -> Mapping[str, Array]:
        """The scores as "induction"."""
        return {"induction": self.scores}

    def _title(self) -> str:
        batch, length = self.tokens.shape
        return f"induction scores on {batch} sequences of {length} tokens"

    def __repr__(self) -> str:
        return f"InductionScores({' x '.join(map(str, self.scores.shape))}, up to {float(self.scores.max()):.3f})"

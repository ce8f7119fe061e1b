"""How much of each head's pattern lies on targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from lensd._proto import analyses_pb2 as wire
from lensd.arrays import Array, Arrays
from lensd.head_tables import HeadTables

HeadName = Literal["previous_token_head", "duplicate_token_head", "induction_head"]
ErrorMeasure = Literal["abs", "mul"]

DETECTED: Mapping[str, wire.DetectedHead] = {
    "previous_token_head": wire.DETECTED_HEAD_PREVIOUS_TOKEN,
    "duplicate_token_head": wire.DETECTED_HEAD_DUPLICATE_TOKEN,
    "induction_head": wire.DETECTED_HEAD_INDUCTION,
    "target": wire.DETECTED_HEAD_TARGET,
}


class DetectedHeads(HeadTables, dict[str, Array]):
    """Scores by kind, each [layer, head] float32: the mean over the prompts; shows itself in a notebook."""

    @classmethod
    def of(cls, reply: wire.DetectHeadsReply, shape: tuple[int, int], arrays: Arrays) -> DetectedHeads:
        """Arranges a reply; `shape` is (layers, heads)."""
        names = {kind: name for name, kind in DETECTED.items()}
        return cls(
            (names[each.kind], arrays.array(np.array(each.scores, np.float32).reshape(-1, *shape).mean(0)))
            for each in reply.detections
        )

    def tables(self) -> Mapping[str, Array]:
        """Itself."""
        return self

    def _title(self) -> str:
        return "detected heads"

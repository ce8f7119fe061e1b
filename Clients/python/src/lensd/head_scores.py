"""How much each head's pattern looks like each of the simple kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np

from lensd._proto import inference_pb2
from lensd.arrays import Array, Arrays
from lensd.head_tables import HeadTables


@dataclass(frozen=True)
class HeadFinding:
    """That a head is of a kind, and what says so."""

    # "self", "previous", "distance", "first", "positional", "duplicate", "induction", "semantic", "contextual" or
    # "broad".
    kind: str
    # Positions back, of the kind "distance"; zero for all others.
    distance: int
    # In 0…1: the share of attention, of structure or of entropy that the kind is named for.
    score: float
    # The scores behind it, as a sentence.
    why: str

    @classmethod
    def of(cls, message: inference_pb2.HeadFinding) -> HeadFinding:
        """Reads a finding."""
        return cls(message.kind.decode(), message.distance, message.score, message.why.decode())

    def __str__(self) -> str:
        return f"distance {self.distance}" if self.kind == "distance" else self.kind


@dataclass(frozen=True, repr=False)
class HeadScores(HeadTables):
    """Scores of every head, each `[layer, head]` in 0…1, float64.

    The `to_…` scores are the share of attention that goes to a target: means over the destinations of all prompts, from
    the third position on, where the target exists.
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
    # What even attention would give these two.
    even_duplicate: Array
    even_induction: Array
    # Entropy of the pattern over the logarithm of the number of visible keys.
    entropy: Array
    # How far the pattern is from even attention, in nats a destination, and the share of that which position explains.
    structure: Array
    position: Array
    # TransformerLens's detect_head with error measure "mul"; averages over the prompts.
    detect_previous: Array
    detect_duplicate: Array
    detect_induction: Array
    # What each head is called, and why: `kinds[layer][head]`.
    kinds: tuple[tuple[tuple[HeadFinding, ...], ...], ...]

    @classmethod
    def of(cls, reply: inference_pb2.ScoreHeadsReply, shape: tuple[int, int], arrays: Arrays) -> HeadScores:
        """Arranges a reply by layer and head; `shape` is (layers, heads)."""
        table = {name: np.full(shape, np.nan) for name in cls.names()}
        table["distance"] = np.zeros(shape, np.int64)
        kinds: list[list[tuple[HeadFinding, ...]]] = [[() for _ in range(shape[1])] for _ in range(shape[0])]
        for head in reply.heads:
            for name, values in table.items():
                values[head.layer, head.head] = getattr(head, name)
            kinds[head.layer][head.head] = tuple(HeadFinding.of(kind) for kind in head.kinds)
        return cls(
            kinds=tuple(tuple(layer) for layer in kinds),
            **{name: arrays.array(values) for name, values in table.items()},
        )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The names of the scores: every field but `kinds`."""
        return tuple(field.name for field in fields(cls) if field.name != "kinds")

    def tables(self) -> Mapping[str, Array]:
        """Every score by its name, [layer, head]."""
        return {name: getattr(self, name) for name in self.names()}

    def shares(self) -> Mapping[str, Array]:
        """The scores that lie in 0…1."""
        return {name: values for name, values in self.tables().items() if name not in ("distance", "structure")}

    def _title(self) -> str:
        return "head scores"

    def _remark(self, name: str, layer: int, head: int) -> str:
        return f", {self.distance[layer, head]} back" if name == "to_distance" else ""

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

"""Passes that begin or end between blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lensd._proto.common_pb2 import Prompt
from lensd.arrays import Array
from lensd.errors import InvalidArgument
from lensd.hooks import Calls
from lensd.prompts import Input, token_prompt, token_rows


@dataclass(frozen=True)
class LayerSpan:
    """The blocks that a pass goes through: `blocks[start_at_layer:stop_at_layer]`, as in TransformerLens."""

    start_at_layer: int | None
    stop_at_layer: int | None
    layer_count: int

    @property
    def entry(self) -> str | None:
        """The point at which a given residual stream goes in; `None` where the pass begins with tokens."""
        return None if self.start_at_layer is None else self._before(self._bound(self.start_at_layer))

    @property
    def exit(self) -> str | None:
        """The point whose residual stream comes out; `None` where the pass goes to its end."""
        return None if self.stop_at_layer is None else self._before(self._bound(self.stop_at_layer))

    @property
    def is_whole(self) -> bool:
        """Whether it is every pass's: from tokens to logits."""
        return self.start_at_layer is None and self.stop_at_layer is None

    def calls(self, registered: Calls, points: Iterable[str]) -> Calls:
        """The hook functions that such a pass calls."""
        if self.is_whole:
            return registered
        return {name: registered[name] for name in self.reached(points) if name in registered}

    def prompts(self, residual: Array, tokens: Input | None, wants_loss: bool) -> list[Prompt]:
        """The prompts of a pass that a stream [batch, pos, d_model] goes into: `tokens`, or any of that length.

        Raises `InvalidArgument` for another shape, or a loss of no tokens.
        """
        if getattr(residual, "ndim", 0) != 3:
            shape = list(getattr(residual, "shape", [])) or type(residual).__name__
            raise InvalidArgument(f"with start_at_layer the input is a stream [batch, pos, d_model]; received {shape}")
        if tokens is None:
            if wants_loss:
                raise InvalidArgument("with start_at_layer a loss needs tokens=")
            return [token_prompt([0] * residual.shape[1]) for _ in range(residual.shape[0])]
        rows = token_rows(tokens)
        if {len(row) for row in rows} != {residual.shape[1]} or len(rows) != residual.shape[0]:
            shape, lengths = list(residual.shape[:2]), [len(row) for row in rows]
            raise InvalidArgument(f"tokens must have the stream's shape, {shape}; received rows of {lengths}")
        return [token_prompt(row) for row in rows]

    def reached(self, points: Iterable[str]) -> list[str]:
        """Which of a model's points, in the order of a pass, such a pass comes by.

        Raises `InvalidArgument` where it would end before it begins.
        """
        names = list(points)
        first = 0 if self.entry is None else names.index(self.entry)
        end = len(names)
        if self.exit is not None:
            # What comes out in front of a block is not that block's yet.
            end = names.index(self.exit) + self.exit.endswith("hook_resid_post")
        if end < first:
            raise InvalidArgument(f"start_at_layer {self.start_at_layer} is behind stop_at_layer {self.stop_at_layer}")
        return names[first:end]

    def _bound(self, layer: int) -> int:
        at = layer + self.layer_count if layer < 0 else layer
        return min(max(at, 0), self.layer_count)

    def _before(self, layer: int) -> str:
        if layer == self.layer_count:
            return f"blocks.{layer - 1}.hook_resid_post"
        return f"blocks.{layer}.hook_resid_pre"

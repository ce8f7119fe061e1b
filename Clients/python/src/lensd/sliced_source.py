"""Some prompts and some positions of a pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lensd.activations import ActivationSource
from lensd.arrays import Array
from lensd.axis_slice import Slice

# Points with an axis of heads behind the positions.
_BY_HEAD = ("q", "k", "v", "z", "rot_q", "rot_k", "result", "q_input", "k_input", "v_input", "attn_in")


@dataclass(frozen=True)
class SlicedSource:
    """Reads whole activations and cuts them here."""

    source: ActivationSource
    prompts: Slice
    positions: Slice

    @property
    def run_id(self) -> str | None:
        """The run's id in the session."""
        return self.source.run_id

    def read(self, hook: str, index: Any = None) -> Array:
        """An activation of these prompts at these positions."""
        values = cut(self.source.read(hook), hook, self.prompts, self.positions)
        if index is None:
            return values
        key = (slice(None), *(index if isinstance(index, tuple) else (index,)))
        return values[key]


def cut(values: Array, name: str, prompts: Slice, positions: Slice) -> Array:
    """The part of an activation [batch, …]; of patterns and scores, positions are destinations."""
    point = name.rpartition("hook_")[2].removesuffix("_grad")
    axis = -1 if point == "tokens" else -3 if point in _BY_HEAD else -2
    return positions.apply(prompts.apply(values, 0), axis)

"""What is made of activations where they are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lensd._proto import analyses_pb2 as wire
from lensd.arrays import Array, Arrays
from lensd.plain_result import PlainResult, texts

if TYPE_CHECKING:
    import pandas

Reduction = Literal["entropy", "norm", "mean", "max", "diagonal", "diagonal_mean", "top"]


@dataclass(frozen=True)
class Reduced(PlainResult):
    """What was made of one activation of one prompt."""

    # The hook point's full name.
    hook: str
    values: Array
    # Of the largest entries: where each lies in the activation, flat and row-major (`numpy.unravel_index`); else None.
    indices: Array | None

    @classmethod
    def of(cls, activation: wire.ReducedActivation, arrays: Arrays) -> Reduced:
        """Arranges a part of a reply."""
        shape = tuple(activation.shape)
        indices = arrays.shaped(activation.indices, shape, np.int64) if activation.indices else None
        return cls(activation.hook.decode(), arrays.shaped(activation.values, shape), indices)


class Reductions(list[list[Reduced]]):
    """By prompt, what was made of each hook point; shows itself in a notebook."""

    def __init__(self, reply: wire.ReduceReply, reduction: Reduction, arrays: Arrays) -> None:
        """Arranges a reply."""
        super().__init__([[Reduced.of(each, arrays) for each in prompt.activations] for prompt in reply.prompts])
        self.reduction = reduction
        # Of each prompt.
        self.tokens = [texts(prompt.tokens) for prompt in reply.prompts]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per number: prompt, hook, its place on the axes that are left, value. Needs the extra `lensd[pandas]`.

        Of the largest entries `index` is the place in the activation, flat and row-major.
        """
        from lensd.views.reductions_view import reductions_frame

        return reductions_frame(self)

    def plot(self, prompt: int = 0, ax: Any = None) -> Any:
        """Draws what was made of a prompt and returns matplotlib's axes: one matrix, or an array of them.

        Needs the extra `lensd[plot]`.
        """
        from lensd.views.reductions_view import plot_reductions

        return plot_reductions(self, prompt, ax)

    def _repr_html_(self) -> str:
        from lensd.views.reductions_view import reductions_html

        return reductions_html(self)

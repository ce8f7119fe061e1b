"""Which part of one axis is taken, as TransformerLens's `pos_slice`, `neuron_slice` and `batch_slice` say it."""

from __future__ import annotations

from operator import index
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lensd.arrays import Array
from lensd.errors import InvalidArgument

# An integer, the arguments of `slice` as a tuple, a slice, a list or an array of indices, or None for everything.
SliceInput: TypeAlias = Any


class Slice:
    """A part of one axis: `Slice(3)`, `Slice((0, 5))`, `Slice([1, 4])`, `Slice()` for all of it.

    `mode` is "int" (which drops the axis), "slice", "array" or "identity".
    """

    def __init__(self, input_slice: SliceInput = None) -> None:
        """Raises `InvalidArgument` for what is none of them."""
        self.slice: int | slice | npt.NDArray[Any]
        self.mode: str
        if isinstance(input_slice, Slice):
            self.slice, self.mode = input_slice.slice, input_slice.mode
        elif input_slice is None:
            self.slice, self.mode = slice(None), "identity"
        elif isinstance(input_slice, slice):
            self.slice, self.mode = input_slice, "slice"
        elif isinstance(input_slice, tuple):
            self.slice, self.mode = slice(*input_slice), "slice"
        elif isinstance(input_slice, list) or getattr(input_slice, "ndim", 0) == 1:
            given = input_slice.detach().cpu().numpy() if hasattr(input_slice, "detach") else input_slice
            self.slice, self.mode = np.asarray(given), "array"
        else:
            try:
                self.slice, self.mode = index(input_slice), "int"
            except TypeError as error:
                raise InvalidArgument(
                    f"a slice is an integer, a tuple, a slice, a list or an array; received {input_slice!r}"
                ) from error

    def apply(self, tensor: Array, dim: int = 0) -> Array:
        """The part of an array along an axis, which may be counted from the end."""
        key: list[Any] = [slice(None)] * tensor.ndim
        key[dim] = self.slice
        return tensor[tuple(key)]

    def indices(self, max_ctx: int | None = None) -> npt.NDArray[np.int64]:
        """The indices that it takes of an axis of `max_ctx`, which only an integer can do without."""
        if self.mode == "int":
            return np.array([self.slice], np.int64)
        if max_ctx is None:
            raise InvalidArgument("max_ctx, the size of the axis, is needed for all slices but integers")
        return np.arange(max_ctx, dtype=np.int64)[self.slice].reshape(-1)

    @classmethod
    def unwrap(cls, slice_input: SliceInput) -> Slice:
        """The same, keeping the axis where it is an integer."""
        given = cls(slice_input)
        return cls([given.slice]) if given.mode == "int" else given

    def __repr__(self) -> str:
        return f"Slice({self.slice!r}, {self.mode})"

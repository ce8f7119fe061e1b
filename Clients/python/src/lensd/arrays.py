"""What users get values as: NumPy arrays or torch tensors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lensd.errors import FailedPrecondition, Internal, InvalidArgument
from lensd.padded import PaddedArray

# `numpy.ndarray` or `torch.Tensor`, as `connect(arrays=…)` chose.
Array: TypeAlias = Any
ArrayKind = Literal["numpy", "torch"]


class Arrays:
    """Makes the arrays that a client hands out; all are writable and their caller's own."""

    def __init__(self, kind: ArrayKind) -> None:
        """Raises `InvalidArgument` for another kind, `FailedPrecondition` where torch is not installed."""
        if kind not in ("numpy", "torch"):
            raise InvalidArgument(f'arrays is "numpy" or "torch"; received {kind!r}')
        self.kind = kind
        if kind == "torch":
            try:
                import lensd.torch_arrays  # noqa: F401
            except ImportError as error:
                raise FailedPrecondition('arrays="torch" needs torch: pip install "lensd[torch]"') from error

    @property
    def is_recording(self) -> bool:
        """Whether torch is to know where results come from, so that `.backward()` works on what is made of them."""
        if self.kind == "numpy":
            return False
        import torch

        return bool(torch.is_grad_enabled())

    def array(self, values: npt.NDArray[Any]) -> Array:
        """The values as they are."""
        if self.kind == "numpy":
            return values
        from lensd.torch_arrays import tensor_of

        return tensor_of(values, None)

    def shaped(self, numbers: Iterable[float], shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> Array:
        """A reply's numbers in a shape. Raises `Internal` for more or fewer than it has."""
        values = np.array(numbers, dtype)
        if values.size != math.prod(shape):
            raise Internal(f"the daemon sent {values.size} numbers for an array of shape {list(shape)}")
        return self.array(values.reshape(shape))

    def of(self, values: npt.NDArray[Any], lengths: Sequence[int]) -> Array:
        """The values `[batch, …]` as they are, with `.lengths` [batch]."""
        counts = np.array(lengths, np.int64)
        if self.kind == "numpy":
            return PaddedArray(values, counts)
        from lensd.torch_arrays import tensor_of

        return tensor_of(values, counts)

    def padded(self, rows: Sequence[npt.NDArray[Any]], lengths: Sequence[int], fill: int = 0) -> Array:
        """One array `[batch, …]` of a row per prompt, right-padded along every axis, with `.lengths` [batch]."""
        return self.of(stack(rows, fill), lengths)


def stack(rows: Sequence[npt.NDArray[Any]], fill: int = 0) -> npt.NDArray[Any]:
    """The rows under one batch axis, each filled up at its ends to the largest size along every axis."""
    if len(rows) == 1:
        return rows[0][None]
    shape = tuple(max(sizes) for sizes in zip(*(row.shape for row in rows), strict=True))
    values = np.zeros((len(rows), *shape), rows[0].dtype)
    if fill:
        values += fill
    for index, row in enumerate(rows):
        place: tuple[int | slice, ...] = (index, *(slice(size) for size in row.shape))
        values[place] = row
    return values


def module_of(array: Array) -> Any:
    """The module whose functions take an array: `torch` for a tensor, else `numpy`."""
    if hasattr(array, "detach"):
        import torch

        return torch
    return np

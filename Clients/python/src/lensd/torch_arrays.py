"""Torch tensors that know how long each prompt is; imported only where torch tensors were asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lensd.padded import Lengths, PaddedArray


class PaddedTensor(torch.Tensor):
    """A tensor `[batch, …]`, padded as `PaddedArray` is; whatever is computed from it is a plain tensor.

    `lengths` [batch] says how many positions of each prompt are real; only indexing keeps it, as in `PaddedArray`.
    """

    lengths: Lengths | None = None

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            return function(*args, **(kwargs or {}))

    def __getitem__(self, key: Any) -> Any:
        with torch._C.DisableTorchFunctionSubclass():
            item = torch.Tensor.__getitem__(self, key)
        if self.lengths is None:
            return item
        # The lengths follow the rules of PaddedArray: an array without memory of its own stands in for the values.
        shape_only = np.broadcast_to(np.empty((), np.int8), tuple(self.shape))
        lengths = getattr(PaddedArray(shape_only, self.lengths)[_numpy_key(key)], "lengths", None)
        return item if lengths is None else padded_tensor(item, lengths)


def padded_tensor(values: torch.Tensor, lengths: Lengths) -> PaddedTensor:
    """The tensor with the lengths of its prompts, sharing its memory."""
    tensor: PaddedTensor = values.as_subclass(PaddedTensor)
    tensor.lengths = lengths
    return tensor


def tensor_of(values: npt.NDArray[Any], lengths: Lengths | None) -> torch.Tensor:
    """The array as a tensor that shares its memory; with `lengths` it is a `PaddedTensor`."""
    tensor = torch.from_numpy(values)
    return tensor if lengths is None else padded_tensor(tensor, lengths)


def _numpy_key(key: Any) -> Any:
    if isinstance(key, torch.Tensor):
        return key.numpy()
    return tuple(map(_numpy_key, key)) if isinstance(key, tuple) else key

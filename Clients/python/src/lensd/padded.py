"""NumPy arrays of several prompts that know how long each prompt is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Lengths = npt.NDArray[np.int64]


class PaddedArray(np.ndarray[Any, Any]):
    """An array `[batch, …]` whose prompts are right-padded with zeros (token arrays: with BOS).

    `lengths` [batch] says how many positions of each prompt are real. Selecting prompts (`a[1:]`, `a[[0, 2]]`),
    `copy` and `astype` keep it, so does cutting positions of a token array (`tokens[:, 1:]`); whatever else comes out
    is a plain array or has `lengths` None.
    """

    lengths: Lengths | None

    def __new__(cls, values: npt.NDArray[Any], lengths: Lengths) -> PaddedArray:
        """The values, not copied, with the lengths of their prompts."""
        array = values.view(cls)
        array.lengths = lengths
        return array

    def __array_finalize__(self, source: object) -> None:
        self.lengths = None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        # NumPy before 2 does not say that it wants a scalar; `[()]` makes one of what has no axes.
        return np.asarray(array)[()]

    def __reduce__(self) -> Any:
        reduced: Any = super().__reduce__()
        make, arguments, state = reduced
        return make, arguments, (state, self.lengths)

    def __setstate__(self, state: Any) -> None:
        values, self.lengths = state
        super().__setstate__(values)

    def __getitem__(self, key: Any) -> Any:
        item = super().__getitem__(key)
        if isinstance(item, PaddedArray):
            lengths = self._lengths_of(key)
            if lengths is None or lengths.ndim != 1 or len(lengths) != len(item):
                return item.view(np.ndarray)
            item.lengths = lengths
        return item

    def copy(self, order: Any = "C") -> PaddedArray:
        """A copy with the same lengths."""
        copied: PaddedArray = super().copy(order)
        copied.lengths = self.lengths
        return copied

    def astype(self, *arguments: Any, **options: Any) -> Any:
        """The array in another type, with the same lengths."""
        converted: PaddedArray = super().astype(*arguments, **options).view(PaddedArray)
        converted.lengths = self.lengths
        return converted

    def _lengths_of(self, key: Any) -> Lengths | None:
        """The lengths of `self[key]`; `None` where the key does more than selecting."""
        if self.lengths is None:
            return None
        if not isinstance(key, tuple):
            return self.lengths[key] if _selects_prompts(key) else None
        is_cut = len(key) == 2 and self.ndim == 2 and isinstance(key[1], slice) and key[1].step in (None, 1)
        if not is_cut or not _selects_prompts(key[0]):
            return None
        start, stop, _ = key[1].indices(self.shape[1])
        cut: Lengths = np.clip(self.lengths[key[0]] - start, 0, max(stop - start, 0))
        return cut


def _selects_prompts(key: Any) -> bool:
    """Whether an index of the first axis keeps that axis and adds no other."""
    return isinstance(key, slice) or (isinstance(key, (list, np.ndarray)) and np.ndim(key) == 1)

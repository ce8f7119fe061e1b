"""NumPy's basic indexing as it travels."""

from __future__ import annotations

from operator import index as as_index
from typing import Any

from lensd._proto.common_pb2 import Ellipsis as EllipsisEntry
from lensd._proto.common_pb2 import Slice, SliceEntry, SliceRange
from lensd.errors import InvalidArgument


def slice_of(given: Any) -> Slice:
    """The index of `array[given]`: integers, slices and `...`, one or a tuple of them.

    Raises `InvalidArgument` for any other index.
    """
    return Slice(entries=[_entry(each) for each in (given if isinstance(given, tuple) else (given,))])


def _entry(given: Any) -> SliceEntry:
    if given is Ellipsis:
        return SliceEntry(ellipsis=EllipsisEntry())
    try:
        if not isinstance(given, slice):
            return SliceEntry(index=_integer(given))
        step = 1 if given.step is None else _integer(given.step)
        entry = SliceRange(step=step)
        if given.start is not None:
            entry.start = _integer(given.start)
        if given.stop is not None:
            entry.stop = _integer(given.stop)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"an index is an integer, a slice, ... or a tuple of them; received {given!r}") from error
    if step == 0:
        raise InvalidArgument(f"a slice's step must not be zero; received {given!r}")
    return SliceEntry(range=entry)


def _integer(given: Any) -> int:
    if isinstance(given, bool):
        raise TypeError("a boolean is no position")
    number = as_index(given)
    if abs(number) >= 1 << 62:
        raise ValueError("out of range")
    return number

"""NumPy's indexing as it travels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lensd
from lensd._proto.common_pb2 import Slice, SliceEntry, SliceRange
from lensd.slices import slice_of


def test_entries() -> None:
    given = np.s_[3, -1:, ..., ::-2, np.int64(-4) : None]
    entries = slice_of(given).entries
    assert [entry.WhichOneof("entry") for entry in entries] == ["index", "range", "ellipsis", "range", "range"]
    assert entries[0].index == 3
    assert (entries[1].range.start, entries[1].range.HasField("stop"), entries[1].range.step) == (-1, False, 1)
    assert entries[3].range.step == -2
    assert not entries[3].range.HasField("start")
    assert entries[4].range.start == -4


def test_one_entry_needs_no_tuple() -> None:
    assert slice_of(5) == Slice(entries=[SliceEntry(index=5)])
    assert slice_of(np.s_[0:2]) == Slice(entries=[SliceEntry(range=SliceRange(start=0, stop=2, step=1))])


@pytest.mark.parametrize("given", [None, "0", 1.0, [0, 1], True, np.s_[::0], np.s_["a":], 1 << 70, np.s_[0, None]])
def test_refusals(given: Any) -> None:
    with pytest.raises(lensd.InvalidArgument):
        slice_of(given)

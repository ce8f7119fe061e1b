"""How a part of an axis is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lensd
from lensd.axis_slice import Slice
from lensd.sliced_source import cut

VALUES = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("given", "mode", "indices"),
    [
        (None, "identity", [0, 1, 2, 3]),
        (1, "int", [1]),
        (np.int64(-1), "int", [-1]),
        ((1, 3), "slice", [1, 2]),
        (slice(None, None, 2), "slice", [0, 2]),
        ([3, 0], "array", [3, 0]),
        (np.array([2]), "array", [2]),
    ],
)
def test_slices(given: Any, mode: str, indices: list[int]) -> None:
    taken = Slice(given)
    assert taken.mode == mode
    assert taken.indices(4).tolist() == indices
    np.testing.assert_array_equal(Slice.unwrap(given).apply(VALUES, -1), VALUES[:, :, indices])
    assert taken.apply(VALUES, -1).ndim == (2 if mode == "int" else 3)
    assert Slice(taken).mode == mode


def test_what_is_no_slice() -> None:
    with pytest.raises(lensd.InvalidArgument, match="received 'a'"):
        Slice("a")
    with pytest.raises(lensd.InvalidArgument, match="max_ctx"):
        Slice().indices()


@pytest.mark.parametrize(
    ("name", "shape", "left"),
    [
        ("hook_tokens", (2, 5), (2, 1)),
        ("blocks.0.hook_resid_pre", (2, 5, 3), (2, 1, 3)),
        ("blocks.0.ln1.hook_scale", (2, 5, 1), (2, 1, 1)),
        ("blocks.0.attn.hook_pattern", (2, 4, 5, 5), (2, 4, 1, 5)),
        ("blocks.0.attn.hook_z", (2, 5, 4, 3), (2, 1, 4, 3)),
        ("blocks.0.attn.hook_rot_q", (2, 5, 4, 3), (2, 1, 4, 3)),
        ("blocks.0.hook_q_input_grad", (2, 5, 4, 3), (2, 1, 4, 3)),
    ],
)
def test_positions_lie_on_an_axis_of_each_points_own(name: str, shape: tuple[int, ...], left: tuple[int, ...]) -> None:
    assert cut(np.zeros(shape), name, Slice(), Slice([-1])).shape == left
    assert cut(np.zeros(shape), name, Slice([1]), Slice()).shape == (1, *shape[1:])

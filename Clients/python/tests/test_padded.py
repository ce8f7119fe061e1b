"""Arrays that know how long each prompt is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lensd.arrays import Arrays, stack
from lensd.padded import PaddedArray

TOKENS = np.array([[0, 1, 2, 3], [0, 5, 0, 0], [0, 6, 7, 0]])


def padded() -> PaddedArray:
    return PaddedArray(TOKENS, np.array([4, 2, 3]))


@pytest.mark.parametrize(
    ("key", "lengths"),
    [
        (np.s_[1:], [2, 3]),
        (np.s_[::-1], [3, 2, 4]),
        ([2, 0], [3, 4]),
        (np.array([True, False, True]), [4, 3]),
        (np.s_[:, 1:], [3, 1, 2]),
        (np.s_[:, :3], [3, 2, 3]),
        (np.s_[1:, 2:], [0, 1]),
        (np.s_[[0, 2], 1:3], [2, 2]),
    ],
)
def test_selecting_prompts_and_cutting_positions_keeps_lengths(key: Any, lengths: list[int]) -> None:
    item = padded()[key]
    np.testing.assert_array_equal(item, TOKENS[key])
    assert item.lengths.tolist() == lengths


@pytest.mark.parametrize(
    "key", [0, np.s_[0, :], np.s_[:, ::2], np.s_[:, 0], np.s_[None], np.s_[..., None], np.s_[:, [0, 1]]]
)
def test_other_indexing_gives_plain_arrays(key: Any) -> None:
    item = padded()[key]
    np.testing.assert_array_equal(item, TOKENS[key])
    assert type(item) is np.ndarray


def test_activations_keep_lengths_only_along_the_batch() -> None:
    values = PaddedArray(np.zeros((3, 2, 4, 4)), np.array([4, 2, 3]))
    assert values[1:].lengths.tolist() == [2, 3]
    assert type(values[:, 1:]) is np.ndarray


def test_copies_keep_lengths() -> None:
    assert padded().copy().lengths.tolist() == [4, 2, 3]  # type: ignore[union-attr]
    assert padded().astype(np.float32).lengths.tolist() == [4, 2, 3]


def test_results_of_arithmetic_are_plain() -> None:
    for result in (padded() + 1, padded() == padded(), np.exp(padded()), padded().sum(1), padded() @ np.ones(4)):
        assert type(result) is np.ndarray
    assert isinstance(padded().sum(), np.integer)
    assert isinstance(padded()[0, 1], np.integer)


def test_other_views_have_no_lengths() -> None:
    for view in (padded().T, padded().reshape(-1), np.roll(padded(), 1, axis=0)):
        assert getattr(view, "lengths", None) is None


def test_stack_fills_up_every_axis() -> None:
    rows = [np.ones((2, 1, 1), np.float32), np.ones((2, 3, 3), np.float32)]
    values = stack(rows)
    assert values.shape == (2, 2, 3, 3)
    assert values.dtype == np.float32
    assert values.sum() == 2 * 1 + 2 * 9
    assert values[0, :, 0, 0].tolist() == [1, 1]


def test_stack_of_single_numbers() -> None:
    assert stack([np.array(1.5), np.array(2.5)]).tolist() == [1.5, 2.5]


def test_stack_fills_with_a_token() -> None:
    assert stack([np.array([1, 2]), np.array([3])], fill=9).tolist() == [[1, 2], [3, 9]]


def test_one_row_is_not_copied_and_writable() -> None:
    row = np.zeros(3)
    values = Arrays("numpy").padded([row], [3])
    values[0, 1] = 5
    assert row[1] == 5


def test_unknown_kind() -> None:
    with pytest.raises(ValueError, match="jax"):
        Arrays("jax")  # type: ignore[arg-type]

"""Matrices of low rank, against the matrices themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lensd
from lensd.factored_matrix import FactoredMatrix, composition_scores

RANDOM = np.random.default_rng(5)
LEFT = RANDOM.standard_normal((2, 3, 7, 4))
RIGHT = RANDOM.standard_normal((3, 4, 7))
MATRIX = FactoredMatrix(LEFT, RIGHT)
WHOLE = LEFT @ RIGHT


def same(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-9)


def test_products_stay_factored() -> None:
    vector, wide = RANDOM.standard_normal(7), RANDOM.standard_normal((7, 30))
    assert MATRIX.shape == (2, 3, 7, 7)
    same(MATRIX.AB, WHOLE)
    for product, expected in (
        (MATRIX @ wide, WHOLE @ wide),
        (wide.T @ MATRIX, wide.T @ WHOLE),
        (MATRIX @ MATRIX, WHOLE @ WHOLE),
        (3 * MATRIX * 2, 6 * WHOLE),
        (MATRIX.T, WHOLE.swapaxes(-1, -2)),
    ):
        assert isinstance(product, FactoredMatrix)
        assert product.mdim <= 7
        same(product.AB, expected)
    same(MATRIX @ vector, WHOLE @ vector)
    same(vector @ MATRIX, vector @ WHOLE)
    assert (np.float32(2) * MATRIX).shape == MATRIX.shape


def test_decompositions_are_those_of_the_matrix() -> None:
    left, values, right = MATRIX.svd()
    same(left * values[..., None, :] @ right.swapaxes(-1, -2), WHOLE)
    same(values, np.linalg.svd(WHOLE)[1][..., :4])
    same(MATRIX.norm(), np.linalg.norm(WHOLE, axis=(-2, -1)))
    same(MATRIX.make_even().AB, WHOLE)
    same(MATRIX.collapse_l().swapaxes(-1, -2) @ MATRIX.collapse_l(), WHOLE.swapaxes(-1, -2) @ WHOLE)
    same(MATRIX.collapse_r() @ MATRIX.collapse_r().swapaxes(-1, -2), WHOLE @ WHOLE.swapaxes(-1, -2))
    found = np.sort(np.abs(MATRIX.eigenvalues))
    assert MATRIX.eigenvalues.dtype == np.complex64
    np.testing.assert_allclose(found, np.sort(np.abs(np.linalg.eigvals(WHOLE)))[..., -4:], rtol=1e-4)


@pytest.mark.parametrize("key", [0, (1, 2), (slice(None), 1), (0, None, 1)])
def test_leading_axes_are_indexed_as_the_matrix_is(key: Any) -> None:
    same(MATRIX[key].AB, WHOLE[key])


@pytest.mark.parametrize(
    ("key", "plain"),
    [
        ((0, 1, 3), np.s_[0, 1, 3:4]),
        ((0, 1, -1, 2), np.s_[0, 1, -1:, 2:3]),
        ((0, 1, slice(1, 3), slice(2)), np.s_[0, 1, 1:3, :2]),
    ],
)
def test_rows_and_columns_keep_their_axes(key: Any, plain: Any) -> None:
    same(MATRIX[key].AB, WHOLE[plain])
    same(MATRIX.get_corner(2), WHOLE[:2, :2, :2, :2])
    same(MATRIX.unsqueeze(1).AB, WHOLE[:, None])


def test_composition_scores() -> None:
    scores = composition_scores(MATRIX, MATRIX[0])
    assert scores.shape == (2, 3, 3)
    first, second = WHOLE[1, 2], WHOLE[0, 1]
    same(scores[1, 2, 1], np.linalg.norm(first @ second) / np.linalg.norm(first) / np.linalg.norm(second))
    same(composition_scores(MATRIX[0], MATRIX[1], broadcast_dims=False).shape, (3,))


def test_what_does_not_fit() -> None:
    for factors in ((LEFT, LEFT), (LEFT[0, 0, 0], RIGHT), (LEFT, RANDOM.standard_normal((4, 4, 7)))):
        with pytest.raises(lensd.InvalidArgument, match="received"):
            FactoredMatrix(*factors)
    for wrong in (lambda: MATRIX @ np.ones(8), lambda: np.ones((2, 6)) @ MATRIX, lambda: MATRIX * np.ones(3)):
        with pytest.raises(lensd.InvalidArgument):
            wrong()
    with pytest.raises(lensd.InvalidArgument, match="axis by axis"):
        _ = MATRIX[..., 0]
    with pytest.raises(lensd.InvalidArgument, match="square"):
        _ = FactoredMatrix(LEFT, RIGHT[..., :5]).BA

"""What may be given to be run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lensd
from lensd.padded import PaddedArray
from lensd.prompts import prompts_of


def rows(given: Any) -> list[list[int]]:
    return [list(prompt.tokens.ids) for prompt in prompts_of(given)]


def test_texts() -> None:
    (one,) = prompts_of("Zoë")
    assert (one.text.text, one.text.no_bos) == ("Zoë".encode(), False)
    assert [prompt.text.text for prompt in prompts_of(["a", "b"])] == [b"a", b"b"]
    assert [prompt.text.text for prompt in prompts_of(("a",))] == [b"a"]


@pytest.mark.parametrize(("prepend_bos", "no_bos"), [(True, False), (None, False), (False, True)])
def test_prepend_bos(prepend_bos: bool | None, no_bos: bool) -> None:
    (prompt,) = prompts_of("a", prepend_bos)
    assert prompt.text.no_bos is no_bos


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([1, 2], [[1, 2]]),
        ([np.int64(1), np.int32(2)], [[1, 2]]),
        (np.array([1, 2], np.uint8), [[1, 2]]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        ([[1], [2, 3]], [[1], [2, 3]]),
        ([np.array([1]), (2, 3)], [[1], [2, 3]]),
        ([np.array([[1, 2]]), [3]], [[1, 2], [3]]),
        (np.array([[5]]), [[5]]),
        (PaddedArray(np.array([[1, 0], [2, 3]]), np.array([1, 2])), [[1], [2, 3]]),
        (PaddedArray(np.array([[1, 0], [2, 3]]), np.array([1, 2]))[:1], [[1]]),
        (np.array([[1, 0], [2, 3]]), [[1, 0], [2, 3]]),
        (np.zeros((1, 0), np.int64), [[]]),
    ],
)
def test_tokens(given: Any, expected: list[list[int]]) -> None:
    assert rows(given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "empty list"),
        (["a", 1], "mixture"),
        (["a", ["b"]], "mixture"),
        ([1.5], "float64"),
        (np.zeros((1, 2), np.float32), "float32"),
        ([True, False], "bool"),
        (None, "NoneType"),
        ({"a": 1}, "dict"),
        (7, r"shape \[pos\] or \[batch, pos\]; received \[\]"),
        (np.zeros((1, 1, 1), int), r"received \[1, 1, 1\]"),
        ([[1, 2], [-1]], "received -1 at position 0"),
        ([1, 1 << 32], "received 4294967296 at position 1"),
        ("\ud800", "UTF-8"),
    ],
)
def test_refusals(given: Any, message: str) -> None:
    with pytest.raises(lensd.InvalidArgument, match=message):
        prompts_of(given)

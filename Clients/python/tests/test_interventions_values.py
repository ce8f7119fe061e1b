"""Interventions as values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lensd


def test_heads() -> None:
    assert lensd.zero("z0").heads is None
    assert lensd.zero("z0", head=3) == lensd.Intervention("z0", "zero", (3,))
    assert lensd.mean("z0", head=[1, 2]) == lensd.Intervention("z0", "mean", (1, 2))
    assert lensd.mean("z0", head=np.arange(2)).heads == (0, 1)


def test_no_head_is_not_every_head() -> None:
    with pytest.raises(lensd.InvalidArgument, match="at least one head"):
        lensd.zero("z0", head=[])


def test_negative_head() -> None:
    with pytest.raises(lensd.InvalidArgument, match="received -1"):
        lensd.zero("z0", head=-1)


@pytest.mark.parametrize("head", [1.0, "1", [0.5]])
def test_other_types(head: Any) -> None:
    with pytest.raises(TypeError):
        lensd.zero("z0", head=head)

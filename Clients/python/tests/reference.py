"""Reads the reference fixtures (Tests/Fixtures/README.md)."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Tensors = dict[str, npt.NDArray[Any]]

ROOT = Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "Tests" / "Fixtures"

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}


def read_safetensors(path: Path) -> Tensors:
    """Every tensor of a safetensors file: an 8-byte little-endian length, a JSON header, the data."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(
            data[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], _DTYPES[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
    }


@lru_cache
def tensors(checkpoint: str) -> Tensors:
    return read_safetensors(FIXTURES / checkpoint / "reference.safetensors")


@lru_cache
def described(checkpoint: str) -> dict[str, Any]:
    reference: dict[str, Any] = json.loads((FIXTURES / checkpoint / "reference.json").read_text())
    return reference


def sequence(checkpoint: str, name: str) -> list[int]:
    ids: list[int] = described(checkpoint)["sequences"][name]
    return ids


def plain(values: Any) -> Any:
    """An array, out of torch's graph."""
    return np.asarray(values.detach() if hasattr(values, "detach") else values)


@lru_cache
def gradients(checkpoint: str) -> Tensors:
    return read_safetensors(FIXTURES / checkpoint / "gradients.safetensors")


def assert_same_gradient(actual: Any, expected: Any, what: str = "") -> None:
    """Within 1e-4 of the largest gradient there."""
    size = float(np.abs(plain(expected)).max()) if np.size(plain(expected)) else 0.0
    np.testing.assert_allclose(plain(actual), plain(expected), rtol=1e-4, atol=1e-6 + 1e-4 * size, err_msg=what)


def assert_close(actual: Any, expected: Any, what: str = "") -> None:
    """The tolerance of activations: 1e-4 absolute + 1e-4 relative, float32."""
    np.testing.assert_allclose(plain(actual), plain(expected), rtol=1e-4, atol=1e-4, err_msg=what)


def assert_same_loss(actual: Any, expected: Any, what: str = "") -> None:
    """The tolerance of losses: 1e-5."""
    np.testing.assert_allclose(plain(actual), plain(expected), rtol=0, atol=1e-5, err_msg=what)

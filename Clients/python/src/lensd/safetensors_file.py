"""Writes safetensors files: a JSON header and the tensors' bytes behind it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

# Bytes of one element.
ELEMENT_BYTES = {"F32": 4, "F16": 2, "BF16": 2}


@dataclass(frozen=True)
class StoredTensor:
    """A tensor to be written: type and shape now, values when their turn comes."""

    dtype: str  # a key of ELEMENT_BYTES
    shape: tuple[int, ...]
    values: Callable[[], npt.NDArray[np.generic]]  # little-endian elements of the type's size, C order

    @property
    def byte_count(self) -> int:
        """Bytes of its values in the file."""
        return math.prod(self.shape) * ELEMENT_BYTES[self.dtype]


def write_safetensors(path: Path, tensors: Mapping[str, StoredTensor]) -> None:
    """Writes the tensors in their order; one at a time is in memory. The file must not exist yet."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in tensors.items():
        begin, end = end, end + tensor.byte_count
        header[name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # The values begin at a multiple of 8 bytes.
    # Nobody but its owner may write what a daemon is to load.
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, tensor in tensors.items():
            values = tensor.values()
            assert values.nbytes == tensor.byte_count, f"{name} must have {tensor.byte_count} bytes"
            file.write(values.tobytes())

"""Writes small good files for a fuzzer to begin with: `seeds.py TARGET FOLDER`."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures"
# The format before zip begins with three pickles that the target itself puts in front.
SYSTEM_END = b"little_endian"


def safetensors() -> list[bytes]:
    """Headers of several types with zeros as their tensors, and a real one."""
    files = []
    for types in (["F32"], ["F16", "BF16", "F32"], ["BOOL", "I64", "U8"]):
        header, end = {"__metadata__": {"format": "pt"}}, 0
        for index, name in enumerate(types):
            size = {"F32": 4, "F16": 2, "BF16": 2, "BOOL": 1, "I64": 8, "U8": 1}[name] * 6
            header[f"t{index}"] = {"dtype": name, "shape": [2, 3], "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(header).encode()
        files.append(struct.pack("<Q", len(text)) + text + bytes(end))
    return files


def index() -> list[bytes]:
    """An index of one shard."""
    whole = {"metadata": {"total_size": 4}, "weight_map": {"w": "a.safetensors"}}
    return [json.dumps(whole).encode(), json.dumps({"weight_map": whole["weight_map"]}).encode()]


def pytorch() -> list[bytes]:
    """torch's own files that are small."""
    return [path.read_bytes() for path in sorted((FIXTURES / "pytorch").glob("*.bin")) if path.stat().st_size < 16384]


def pickle() -> list[bytes]:
    """The old format's files behind their first three pickles."""
    files = [path.read_bytes() for path in sorted((FIXTURES / "pytorch").glob("old-*.bin"))]
    # The third pickle ends with `u.`, and the next one begins with its protocol.
    return [data[data.index(b"u.\x80\x02", data.index(SYSTEM_END)) + 2 :] for data in files]


def main() -> None:
    """Writes one file per seed."""
    target, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    seeds = {"safetensors": safetensors, "index": index, "pytorch": pytorch, "pickle": pickle}[target]()
    for number, data in enumerate(seeds):
        (folder / str(number)).write_bytes(data)


if __name__ == "__main__":
    main()

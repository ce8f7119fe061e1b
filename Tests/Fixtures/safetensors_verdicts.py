"""Writes spoilt safetensors files with what the safetensors library says of each: taken or refused.

    python Tests/Fixtures/safetensors_verdicts.py                           # the slice that the tests read
    python Tests/Fixtures/safetensors_verdicts.py --count 200000 --seed 1 --output FILE

A longer run is read by the same test: LENS_SAFETENSORS_VERDICTS=FILE. The file is a run of records: one byte, 1 for a
file that the library takes, its length in 4 bytes, little-endian, and the file.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import struct
from importlib.metadata import version
from pathlib import Path
from typing import Any

from manifest import write_json
from safetensors import SafetensorError, deserialize

SIZES = {"F32": 4, "F16": 2, "BF16": 2, "F64": 8, "I64": 8, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "I16": 2, "U32": 4}
ODD_VALUES: list[Any] = [
    -1, 0, 1, 7, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, 0.5, 1.0, 1e3, True, None, "", "F32",
    "F31", "f32", "C64", "F4", [], [0], [0, 0], [0, 8], [8, 0], [0, 4, 8], [[0]], {}, {"a": 1}, "\u0000", "\U0001f600",
]
ODD_TEXTS = [
    b"", b" ", b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\x00", b"\xff", b"\xc3\x28", b"\\ud800", b"\\u0041",
    b"0", b"-", b".", b"e9", b"00", b"null", b"\n", b"\t", b"/**/", b"NaN", b"\xef\xbb\xbf", b"1" * 400,
]


def good(rng: random.Random) -> tuple[dict[str, Any], bytes]:
    """A header and its data."""
    header: dict[str, Any] = {}
    if rng.random() < 0.4:
        header["__metadata__"] = {"format": "pt"}
    end = 0
    for index in range(rng.randrange(4)):
        kind = rng.choice(list(SIZES))
        shape = [rng.randrange(4) for _ in range(rng.randrange(4))]
        size = SIZES[kind]
        for length in shape:
            size *= length
        header[f"t{index}"] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    return header, bytes(rng.randrange(256) for _ in range(end))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a tree."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        found += places(below, (*path, key))
    return found


def spoil_tree(header: dict[str, Any], rng: random.Random) -> None:
    """Replaces, removes, adds or renames something in the header."""
    chosen = places(header)
    if not chosen or rng.random() < 0.1:
        header[rng.choice(["t0", "__metadata__", "x", ""])] = copy.deepcopy(rng.choice(ODD_VALUES))
        return
    *above, last = rng.choice(chosen)
    parent: Any = header
    for key in above:
        parent = parent[key]
    match rng.randrange(5):
        case 0:
            parent[last] = copy.deepcopy(rng.choice(ODD_VALUES))
        case 1:
            del parent[last]
        case 2 if isinstance(parent, dict):
            parent[rng.choice(["dtype", "shape", "data_offsets", "t1", "stride", "__metadata__"])] = parent.pop(last)
        case 3 if isinstance(parent, dict):
            parent[rng.choice(["extra", "t9", "dtype"])] = copy.deepcopy(parent[last])
        case _:
            value = parent[last]
            is_number = isinstance(value, int) and not isinstance(value, bool)
            parent[last] = value + rng.choice([-8, -1, 1, 4, 8]) if is_number else [value]


def spoil_text(text: bytes, rng: random.Random) -> bytes:
    """Changes, inserts, removes or repeats bytes."""
    at = rng.randrange(len(text) + 1)
    match rng.randrange(4):
        case 0:
            return text[:at] + rng.choice(ODD_TEXTS) + text[at:]
        case 1:
            return text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]
        case 2:
            return text[:at] + text[at + rng.randrange(1, 9) :]
        case _:
            end = min(len(text), at + rng.randrange(1, 60))
            return text[:end] + text[at:end] + text[end:]


def spoilt(rng: random.Random) -> bytes:
    """A file that is good or wrong in a few places."""
    header, data = good(rng)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        spoil_tree(header, rng)
    text = json.dumps(header, separators=rng.choice([(",", ":"), (", ", ": ")]), ensure_ascii=rng.random() < 0.5)
    encoded = text.encode("utf-8", "surrogatepass")
    for _ in range(rng.choice([0, 0, 0, 0, 1, 2])):
        encoded = spoil_text(encoded, rng)
    if rng.random() < 0.3:
        encoded += b" " * rng.randrange(9)
    length = len(encoded)
    if rng.random() < 0.05:
        length = rng.choice([0, 1, length - 1, length + 1, length + 8, 100_000_001, 2**63, 2**64 - 1]) % 2**64
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data) + 1)] + bytes(rng.randrange(3))
    whole = struct.pack("<Q", length) + encoded + data
    return whole[: rng.randrange(len(whole))] if rng.random() < 0.03 else whole


def is_taken(data: bytes) -> bool:
    """What the library says."""
    try:
        deserialize(data)
    except SafetensorError:
        return False
    return True


def main() -> None:
    """Writes the records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=4)
    folder = Path(__file__).parent / "safetensors"
    parser.add_argument("--output", type=Path, default=folder / "verdicts.bin")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    taken = 0
    arguments.output.parent.mkdir(exist_ok=True)
    with arguments.output.open("wb") as output:
        for _ in range(arguments.count):
            data = spoilt(rng)
            verdict = is_taken(data)
            taken += verdict
            output.write(struct.pack("<BI", verdict, len(data)) + data)
    if arguments.output.parent == folder:
        write_json(folder / "manifest.json", {"versions": {"safetensors": version("safetensors")}})
    print(f"{arguments.count} files, {taken} taken by the library")


if __name__ == "__main__":
    main()

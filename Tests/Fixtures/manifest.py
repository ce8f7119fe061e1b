"""JSON files of the fixtures, the manifest among them."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "safetensors", "tokenizers", "torch", "transformer_lens", "transformers")


def write_json(path: Path, value: Any) -> None:
    """Writes ASCII-only JSON with sorted keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="ascii")


def write_lines(path: Path, cases: list[dict[str, Any]]) -> None:
    """Writes an ASCII-only JSON array with one case a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text(f"[\n{lines}\n]\n", encoding="ascii")


def write_manifest(root: Path, folders: list[str]) -> None:
    """Writes manifest.json: the versions that made the fixtures, size and hash of each file."""
    files = sorted(path for folder in folders for path in (root / folder).iterdir())
    write_json(
        root / "manifest.json",
        {
            "versions": {"python": platform.python_version()}
            | {package: version(package) for package in PACKAGES},
            "seeds": "numpy's PCG64, seeded by the CRC-32 of 'checkpoint/parameter' and the like",
            "files": {
                path.as_posix(): {
                    "bytes": path.stat().st_size,
                    "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                }
                for path in files
            },
        },
    )

"""Model folders on this machine: where they are, and what identifies what is in them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from lensd.errors import InvalidArgument, NotFound

_PIECE = 1 << 20


def state_folder() -> Path:
    """`$LENSD_STATE`, else `$XDG_STATE_HOME/lensd`, else `~/.local/state/lensd`."""
    named = os.environ.get("LENSD_STATE")
    if named:
        return Path(named)
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "lensd"


def model_folder(name: str) -> Path:
    """A folder by its path, or that of a registered model by its name; raises `NotFound`."""
    candidates = [Path(name)] if "/" in name or name in (".", "..") else [state_folder() / "models" / name, Path(name)]
    for candidate in candidates:
        if (candidate / "config.json").is_file():
            return candidate
    raise NotFound(f"no model at {' or '.join(map(str, candidates))}: expected a folder with a config.json")


def fingerprint(folder: Path) -> str:
    """What the daemon calls the model in a folder: SHA-256 over its weights, configuration and tokenizer.

    Empty where that is not known here: for weights in a format that the daemon does not load as it is, and for a
    tokenizer in several files, which the daemon makes one of.
    """
    if (folder / "vocab.json").is_file() and not (folder / "tokenizer.json").is_file():
        return ""
    weights = folder / "model.safetensors"
    index = folder / "model.safetensors.index.json"
    if weights.is_file():
        digest = _weights_digest(weights)
    elif index.is_file():
        shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        digest = hashlib.sha256(b"".join(_weights_digest(folder / shard) for shard in shards)).digest()
    else:
        return ""
    whole = hashlib.sha256(b"lensd model fingerprint 1\n" + digest)
    for name in ("config.json", "tokenizer.json"):
        if (folder / name).is_file():
            whole.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return whole.hexdigest()


def _weights_digest(path: Path) -> bytes:
    """SHA-256 over the header's digest and every tensor's, in the order of their bytes."""
    with path.open("rb") as file:
        prefix = file.read(8)
        text = file.read(int.from_bytes(prefix, "little"))
        try:
            header: dict[str, Any] = json.loads(text)
            ranges = sorted(each["data_offsets"] for name, each in header.items() if name != "__metadata__")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidArgument(f"{path} is no safetensors file") from error
        whole = hashlib.sha256(hashlib.sha256(prefix + text).digest())
        for begin, end in ranges:
            file.seek(8 + len(text) + begin)
            tensor, left = hashlib.sha256(), end - begin
            while left > 0 and (piece := file.read(min(left, _PIECE))):
                tensor.update(piece)
                left -= len(piece)
            whole.update(tensor.digest())
    return whole.digest()

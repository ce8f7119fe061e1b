"""Edits in the words of `lensctl --edit`, as JSON has them: `{"action": "zero", "hook": "z0", "head": [0, 2]}`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lensd import interventions as edits
from lensd.corpus.prompts import read
from lensd.errors import InvalidArgument
from lensd.interventions import Intervention, Where

_ACTIONS: dict[str, Callable[..., Intervention]] = {
    "zero": edits.zero,
    "mean": edits.mean,
    "set": edits.set_to,
    "add": edits.add,
    "scale": edits.scale,
    "patch": edits.patch,
    "swap": edits.swap,
    "project": edits.project,
    "mask": edits.mask,
}
# What the constructors call these words.
_OPTIONS = {"from": "from_run", "from_text": "origin", "from_prompt": "from_prompt", "with": "with_prompt"}


def edit_of(text: str) -> Intervention:
    """The edit of one JSON object. Raises `InvalidArgument` that shows it and says what is wrong."""
    try:
        return _made(json.loads(text))
    except (InvalidArgument, OSError, TypeError, ValueError) as error:
        raise InvalidArgument(f"in the edit {text:.200}: {error}") from error


def edits_in(path: str) -> list[Intervention]:
    """The edits of a file, an array of objects. Raises `InvalidArgument` that names the file."""
    try:
        given = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"cannot read edits from {path!r}: {error}") from error
    if not isinstance(given, list):
        raise InvalidArgument(f"expected an array of edits in {path!r}")
    return [edit_of(json.dumps(each)) for each in given]


def _made(words: Any) -> Intervention:
    if not isinstance(words, dict) or not isinstance(words.get("hook"), str) or words.get("action") not in _ACTIONS:
        raise InvalidArgument(f'expected {{"action": …, "hook": …}} with one of the actions {", ".join(_ACTIONS)}')
    values: list[Any] = []
    options: dict[str, Any] = {}
    for word, given in words.items():
        if word in Where.__annotations__ or word == "from_pos":
            options[word] = _indices(given)
        elif word in _OPTIONS:
            options[_OPTIONS[word]] = given
        elif word == "over":
            options[word] = [prompt.input for prompt in read(given)]
        elif word == "value":
            values.append(np.load(given, allow_pickle=False) if isinstance(given, str) else given)
        elif word not in ("action", "hook"):
            raise InvalidArgument(f"{word!r} is no word of an edit")
    return _ACTIONS[words["action"]](words["hook"], *values, **options)


def _indices(given: Any) -> Any:
    """Numbers as they are; of a text what the shell means by it: `2:5`, `0,2`, `-1`."""
    if not isinstance(given, str):
        return given
    if ":" in given:
        start, stop = given.split(":")
        return slice(int(start) if start else None, int(stop) if stop else None)
    parts = [int(part) for part in given.split(",")]
    return parts if len(parts) > 1 else parts[0]

"""The prompts of a corpus, one after the other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from operator import index as integer
from pathlib import Path
from typing import Any, TypeAlias

from lensd.errors import InvalidArgument

# A file of prompts, or prompts: texts, token ids, or mappings with a "text" or "tokens" and other fields.
Source: TypeAlias = str | os.PathLike[str] | Iterable[Any]

# What a line may hold; the daemon takes requests of a mebibyte.
MAX_LINE_BYTES = 4 << 20


@dataclass(frozen=True)
class Prompt:
    """One prompt of a corpus, and what its line says beside it."""

    # Its place among the prompts, from 0.
    index: int
    # A text or token ids, as every method of a model takes them.
    input: str | list[int]
    # The other fields of its object.
    fields: Mapping[str, Any] = field(default_factory=dict)

    def answered(self, answer: Any, wrong: Any) -> dict[str, Any]:
        """The tokens `answer` and `wrong` that are given; where neither is, the line's own fields of these names."""
        if answer is None and wrong is None:
            return {name: self.fields.get(name) for name in ("answer", "wrong")}
        return {"answer": answer, "wrong": wrong}


def read(source: Source) -> Iterator[Prompt]:
    """The prompts of a file, read as they are taken, or of a list.

    A file has one prompt per line or, where its name ends in `.jsonl`, an object with a `text` or `tokens` per line,
    whose other fields come along. Lines of nothing but spaces are left out, and so are objects with an empty text.
    Raises `InvalidArgument` with the line that is none of this.
    """
    if isinstance(source, (str, os.PathLike)):
        yield from _of_file(Path(source))
        return
    for index, given in enumerate(source):
        yield _of_value(index, given, f"prompt {index}")


def count(source: Source) -> int | None:
    """How many prompts there are; `None` of what can only be gone through once. Empty texts count too."""
    if isinstance(source, (str, os.PathLike)):
        return sum(bool(line.strip(b" \t\r\n")) for line in _lines(Path(source)))
    return len(source) if isinstance(source, Sized) else None


def digest(source: Source) -> str:
    """SHA-256 of all prompts, hexadecimal. Raises `InvalidArgument` for what can only be gone through once."""
    hashed = hashlib.sha256()
    if isinstance(source, (str, os.PathLike)):
        with _opened(Path(source)) as file:
            while piece := file.read(1 << 20):
                hashed.update(piece)
    elif isinstance(source, Iterator):
        raise InvalidArgument(
            "what is written can be gone on with, so prompts are a file or a list; received an iterator"
        )
    else:
        for prompt in read(source):
            said = [prompt.input, dict(prompt.fields)]
            hashed.update(json.dumps(said, default=str, sort_keys=True).encode() + b"\n")
    return hashed.hexdigest()


def _of_file(path: Path) -> Iterator[Prompt]:
    index = 0
    for number, line in enumerate(_lines(path), 1):
        if not line.strip(b" \t\r\n"):
            continue
        place = f"line {number} of {str(path)!r}"
        try:
            text = line.rstrip(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"{place} must be UTF-8 text; it holds bytes that are not") from error
        if path.suffix != ".jsonl":
            prompt = Prompt(index, text)
        else:
            try:
                value = json.loads(text)
            except ValueError as error:
                raise InvalidArgument(f'{place} must be a JSON object with a text: {{"text": "…"}}; {error}') from error
            if not isinstance(value, dict):
                raise InvalidArgument(f'{place} must be a JSON object with a text: {{"text": "…"}}')
            if value.get("text") == "":
                continue
            prompt = _of_value(index, value, place)
        yield prompt
        index += 1


def _of_value(index: int, given: Any, place: str) -> Prompt:
    if not isinstance(given, Mapping):
        return Prompt(index, _input(given, place))
    fields = dict(given)
    has_text, has_tokens = "text" in fields, "tokens" in fields
    if has_text == has_tokens:
        raise InvalidArgument(f"{place} must have a text or tokens, one of them; it has {sorted(map(str, fields))}")
    value = fields.pop("text" if has_text else "tokens")
    if has_text != isinstance(value, str):
        what = "text of {} must be a string" if has_text else "tokens of {} must be token ids"
        raise InvalidArgument(f"the {what.format(place)}; received {value!r:.80}")
    return Prompt(index, _input(value, place), fields)


def _input(given: Any, place: str) -> str | list[int]:
    if isinstance(given, str):
        return given
    try:
        return [integer(token) for token in given]
    except TypeError as error:
        raise InvalidArgument(f"{place} must be a text or token ids; received {given!r:.80}") from error


def _lines(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise InvalidArgument(f"line {number} of {str(path)!r} may hold at most {MAX_LINE_BYTES} bytes")
            yield line


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise InvalidArgument(f"cannot read {str(path)!r}: {error.strerror}") from error

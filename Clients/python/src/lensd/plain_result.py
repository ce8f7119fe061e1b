"""Results whose fields can be taken as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from lensd._proto.common_pb2 import Token


class PlainResult:
    """A dataclass of arrays, texts and numbers."""

    def to_dict(self) -> dict[str, Any]:
        """The same as lists, numbers and strings, for JSON."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


def texts(tokens: Iterable[Token]) -> list[str]:
    """The texts of a reply's tokens."""
    return [token.text.decode() for token in tokens]


def _plain(value: Any) -> Any:
    if isinstance(value, PlainResult):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.tolist() if hasattr(value, "tolist") else value

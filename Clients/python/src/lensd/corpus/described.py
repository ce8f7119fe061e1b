"""What an analysis is, in words that are the same for the same question and differ for another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any


def described(analysis: Any) -> str:
    """An analysis as a file remembers it: its name and, of those that are values, their fields."""
    if isinstance(analysis, partial):
        return f"{described(analysis.func)}({_value(analysis.args)}, {_value(analysis.keywords)})"
    if is_dataclass(analysis):
        return _value(analysis)
    named: Any = analysis if hasattr(analysis, "__qualname__") else type(analysis)
    return f"{named.__module__}.{named.__qualname__}"


def _value(value: Any) -> str:
    """A value in full: the text that arrays have for eyes leaves most of their numbers out."""
    if isinstance(value, type):
        return value.__qualname__
    if is_dataclass(value):
        named = ", ".join(f"{field.name}={_value(getattr(value, field.name))}" for field in fields(value))
        return f"{type(value).__qualname__}({named})"
    if isinstance(value, (list, tuple)):
        # A list asks what a tuple asks.
        return f"({', '.join(map(_value, value))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_value(value[key])}' for key in sorted(value, key=repr))}}}"
    if hasattr(value, "tolist"):
        numbers = repr(value.tolist())
        shape = tuple(getattr(value, "shape", ()))
        return f"array{shape}:{hashlib.sha256(numbers.encode()).hexdigest()[:16]}" if shape else numbers
    return described(value) if callable(value) else repr(value)

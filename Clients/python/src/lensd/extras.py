"""Packages that only some of lensd needs, imported when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from lensd.errors import FailedPrecondition


def extra(module: str, name: str) -> Any:
    """A module of the extra `lensd[name]`; raises `FailedPrecondition` that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise FailedPrecondition(f'this needs {package}: pip install "lensd[{name}]" ({error})') from error

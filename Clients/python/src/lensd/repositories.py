"""Hugging Face repositories by the names that TransformerLens gives them."""

from __future__ import annotations

import difflib
import re

from lensd.errors import NotFound
from lensd.model_names import ALIASES

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_BY_NAME = {alias.lower(): official for official, aliases in ALIASES.items() for alias in (*aliases, official)}


def repository(name: str) -> str:
    """The Hugging Face repository of a model that TransformerLens knows by this name, in any case.

    `"gpt2-small"` is `"gpt2"`, `"tiny-stories-1L-21M"` is `"roneneldan/TinyStories-1Layer-21M"`; any other `OWNER/NAME`
    stays what it is. Raises `NotFound` with near names.
    """
    known = _BY_NAME.get(name.lower())
    if known is not None:
        return known
    if _REPOSITORY.fullmatch(name):
        return name
    near = difflib.get_close_matches(name.lower(), _BY_NAME, n=3)
    hint = f"; near it: {', '.join(near)}" if near else ""
    raise NotFound(f"'{name}' is neither OWNER/NAME nor a name of TransformerLens for a model that lensd runs{hint}")

"""The table of names says what is so."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import types
from functools import partial
from typing import Any

import pytest
import torch

from conftest import Pair
from names import PAGE, SECTIONS, Section, page


def place_of(package: str, section: Section) -> Any:
    module, _, name = section.place.partition(".")
    found = importlib.import_module(f"{package}.{module}" if module else package)
    return getattr(found, name) if name else found


def public(section: Section) -> set[str]:
    """TransformerLens's own public names of a section."""
    place = place_of("transformer_lens", section)
    if dataclasses.is_dataclass(place):
        return {each.name for each in dataclasses.fields(place)}
    names = {name for name in dir(place) if not name.startswith("_")}
    if isinstance(place, type):
        inherited = set(dir(torch.nn.Module)) if issubclass(place, torch.nn.Module) else set()
        return names - inherited
    if not section.place:
        return {name for name in names if name not in ("annotations",)}
    return {name for name in names if is_of(getattr(place, name), place, name)}


def is_of(value: Any, module: types.ModuleType, name: str) -> bool:
    if isinstance(value, types.ModuleType):
        return False
    if isinstance(value, partial) or name.isupper() or name == "AxisNames":
        return True
    home = getattr(value, "__module__", "") or ""
    return home.startswith(module.__name__)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_name_is_in_the_table(section: Section) -> None:
    listed = [name for status in ("same", "differs", "absent") for name in section.names(status)]
    assert len(listed) == len(set(listed))
    assert set(listed) == public(section)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_what_is_said_to_be_there_is(section: Section, pair: Pair) -> None:
    ours: Any = place_of("lensd.transformer_lens", section)
    theirs = place_of("transformer_lens", section)
    if section.title == "cfg":
        ours, theirs = pair.ours.cfg, pair.theirs.cfg
    for name in (*section.names("same"), *section.names("differs")):
        assert name in dir(ours), name
    for name in section.names("absent"):
        assert name not in dir(ours), name
    for name in section.names("same"):
        other = getattr(theirs, name)
        if section.title == "cfg":
            value = getattr(ours, name)
            assert value == pytest.approx(other) if isinstance(other, float) else value == other, name
        elif inspect.isfunction(other):
            taken = inspect.signature(getattr(ours, name)).parameters
            if not any(each.kind is each.VAR_KEYWORD for each in taken.values()):
                wanted = [n for n, each in inspect.signature(other).parameters.items() if each.kind in (0, 1, 3)]
                assert set(wanted) <= set(taken) | {"self"}, name


def test_the_page_is_the_tables() -> None:
    assert PAGE.read_text() == page()

"""Edits that the daemon makes during a pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index
from typing import Literal

from lensd.errors import InvalidArgument

Kind = Literal["zero", "mean"]
KINDS: tuple[Kind, ...] = ("zero", "mean")


@dataclass(frozen=True)
class Intervention:
    """An edit of one activation; edits of a pass apply in the order in which they are given.

    `hook` is a hook point's name or short form (`"blocks.0.attn.hook_z"`, `"z0"`); `heads` are the heads that are
    edited, `None` means the whole activation.
    """

    hook: str
    kind: Kind
    heads: tuple[int, ...] | None = None


def zero(hook: str, head: int | Iterable[int] | None = None) -> Intervention:
    """Sets an activation, or one or several heads of it, to zero."""
    return Intervention(hook, "zero", _heads(head))


def mean(hook: str, head: int | Iterable[int] | None = None) -> Intervention:
    """Replaces an activation, or one or several heads of it, by its mean over the prompt's own positions."""
    return Intervention(hook, "mean", _heads(head))


def _heads(head: int | Iterable[int] | None) -> tuple[int, ...] | None:
    if head is None:
        return None
    heads = tuple(index(each) for each in head) if isinstance(head, Iterable) else (index(head),)
    if not heads:
        raise InvalidArgument("head must name at least one head, or be left out to edit the whole activation")
    for each in heads:
        if each < 0:
            raise InvalidArgument(f"head must be 0 or more; received {each}")
    return heads

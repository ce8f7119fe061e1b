"""Edits that the daemon makes during a pass, in the words of `lensctl --edit`.

Every constructor takes a hook point's name or short form (`"z0"`, `"blocks.0.attn.hook_z"`; a name without a layer
together with `layer=`) and says where by `layer`, `prompt`, `head`, `pos`, `source` (source positions of scores and
patterns) and `component` (neurons, residual dimensions): an integer, a list, a slice or a range; what is left out is
edited whole. Negative numbers count from the end; an axis named by one integer is dropped, as in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import index as as_index
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from lensd.errors import InvalidArgument

if TYPE_CHECKING:
    from typing_extensions import Unpack

Kind = Literal["zero", "mean"]
KINDS: tuple[Kind, ...] = ("zero", "mean")
Action = Literal["zero", "mean", "set", "add", "scale", "patch", "swap", "project", "mask"]

# An integer (Python's, NumPy's), several, a slice or a range.
Index: TypeAlias = Any
# A number, nested lists, a NumPy array or a torch tensor.
Values: TypeAlias = Any


class Where(TypedDict, total=False):
    """Which part of an activation is edited."""

    layer: Index
    prompt: Index
    head: Index
    pos: Index
    source: Index
    component: Index


@dataclass(frozen=True)
class Origin:
    """Another pass that values are taken from: `given` is a cache or an input, or `run` an id."""

    given: Any = None
    run: str | None = None
    prompt: int | None = None
    pos: int | tuple[int, ...] | slice | None = None
    prepend_bos: bool | None = True


@dataclass(frozen=True)
class Intervention:
    """An edit of one activation; edits of a pass apply in the order of the pass, at one point in the order given."""

    hook: str
    action: Action
    layer: int | tuple[int, ...] | slice | None = None
    prompt: int | tuple[int, ...] | slice | None = None
    head: int | tuple[int, ...] | slice | None = None
    pos: int | tuple[int, ...] | slice | None = None
    source: int | tuple[int, ...] | slice | None = None
    component: int | tuple[int, ...] | slice | None = None
    # Of `set`, `add` and `project`; the factor of `scale`; the other prompt of `swap`.
    value: Values = None
    # Of `patch`, and of a `mean` over other prompts.
    origin: Origin | None = None


def zero(hook: str, **where: Unpack[Where]) -> Intervention:
    """Sets it to zero: `lensd.zero("z0", head=8)`."""
    return _edit(hook, "zero", where)


def mean(
    hook: str,
    *,
    over: Any = None,
    from_run: str | None = None,
    prepend_bos: bool | None = True,
    **where: Unpack[Where],
) -> Intervention:
    """Replaces it by its mean over all positions of the prompt, or over all positions of all prompts of another pass.

    `over` is an input (texts, tokens) or a cache, `from_run` the id of a recorded run.
    """
    if over is None and from_run is None:
        return _edit(hook, "mean", where)
    return _edit(hook, "mean", where, origin=_origin("over", over, from_run, prepend_bos=prepend_bos))


def set_to(hook: str, value: Values, **where: Unpack[Where]) -> Intervention:
    """Replaces it by a number or an array, which broadcasts to the selected part as in NumPy; no batch axis."""
    return _edit(hook, "set", where, value=value)


def add(hook: str, value: Values, **where: Unpack[Where]) -> Intervention:
    """Adds a number or an array, which broadcasts to the selected part: `lensd.add("resid_post0", direction)`."""
    return _edit(hook, "add", where, value=value)


def scale(hook: str, factor: float, **where: Unpack[Where]) -> Intervention:
    """Multiplies it by a number."""
    return _edit(hook, "scale", where, value=factor)


def patch(
    hook: str,
    origin: Any = None,
    *,
    from_run: str | None = None,
    from_prompt: int | None = None,
    from_pos: Index = None,
    prepend_bos: bool | None = True,
    **where: Unpack[Where],
) -> Intervention:
    """Replaces it by what another pass of the model has at the same point.

    `origin` is that pass's input (text, tokens, several) or its cache; `from_run` the id of a recorded run instead
    (`"last"`, a unique prefix). Of several prompts `from_prompt` names one; left out, it is the one of the same number.
    `from_pos` are the positions there for those edited here; left out, they are the same.
    """
    found = _origin("origin", origin, from_run, from_prompt, _index("from_pos", from_pos), prepend_bos)
    return _edit(hook, "patch", where, origin=found)


def swap(hook: str, with_prompt: int, **where: Unpack[Where]) -> Intervention:
    """Exchanges it between prompt `with_prompt` of the batch and the one that `prompt` names (of two: the other)."""
    return _edit(hook, "swap", where, value=_prompt("with_prompt", with_prompt))


def project(hook: str, direction: Values, **where: Unpack[Where]) -> Intervention:
    """Takes a direction out: `x - (x @ d / d @ d) d`; the direction [size] spans the innermost axis."""
    return _edit(hook, "project", where, value=direction)


def mask(hook: str, **where: Unpack[Where]) -> Intervention:
    """Hides sources, `lensd.mask("pattern0", head=3, source=0)`: scores become -inf; of a pattern, entries zero."""
    return _edit(hook, "mask", where)


def _edit(hook: str, action: Action, where: Where, value: Values = None, origin: Origin | None = None) -> Intervention:
    if not isinstance(hook, str):
        raise TypeError(f"a hook point is given by its name; received {hook!r}")
    chosen = {name: _index(name, given) for name, given in where.items()}
    unknown = chosen.keys() - Where.__annotations__.keys()
    if unknown:
        raise TypeError(
            f"{action} has no {', '.join(sorted(unknown))}; the words are {', '.join(Where.__annotations__)}"
        )
    return Intervention(hook, action, value=value, origin=origin, **chosen)


def _origin(
    name: str,
    given: Any,
    run: str | None,
    prompt: int | None = None,
    pos: int | tuple[int, ...] | slice | None = None,
    prepend_bos: bool | None = True,
) -> Origin:
    if (given is None) == (run is None):
        raise InvalidArgument(f"expected {name} (an input or a cache) or from_run=, one of them")
    return Origin(given, run, None if prompt is None else _prompt("from_prompt", prompt), pos, prepend_bos)


def _prompt(name: str, given: int) -> int:
    number = as_index(given)
    if not 0 <= number < 1 << 32:
        raise InvalidArgument(f"{name} is the number of a prompt, from 0; received {number}")
    return number


def _index(name: str, given: Index) -> int | tuple[int, ...] | slice | None:
    """Raises `TypeError` for what is no index, `InvalidArgument` for a list that names nothing."""
    if given is None or isinstance(given, slice):
        return given
    if getattr(given, "ndim", None) == 0 or not isinstance(given, Iterable):
        return _integer(name, given)
    entries = tuple(_integer(name, each) for each in given)
    if not entries:
        raise InvalidArgument(f"{name} names at least one, or is left out to edit all of them")
    return entries


def _integer(name: str, given: Any) -> int:
    if isinstance(given, bool):
        raise TypeError(f"{name} is an index or several; received {given!r}")
    return as_index(given)

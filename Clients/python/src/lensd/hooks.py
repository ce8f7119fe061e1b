"""Functions of the user's that see and change activations as a pass comes by, registered as in TransformerLens."""

from __future__ import annotations

import inspect
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from lensd.arrays import Array
from lensd.cache import HookNames
from lensd.errors import FailedPrecondition, InvalidArgument, NotFound
from lensd.interventions import Intervention

# `fn(value, hook)`: gets an activation [batch, …], may change it in place, return another of its shape, or neither.
HookFunction: TypeAlias = Callable[..., Any]
# A hook point's name, or a predicate on full names.
HookSelector: TypeAlias = str | Callable[[str], bool]
Hooks: TypeAlias = Iterable[tuple[HookSelector, HookFunction]]
# What is called at one point, in order.
Calls: TypeAlias = Mapping[str, list[Callable[[Array, "HookPoint"], Any]]]

# Whether a function gets the activation as the pass comes by, or the gradient on the way back.
Direction = Literal["fwd", "bwd"]

# From 1, so that the negative ones come first, the last of them foremost.
_numbers = itertools.count(1)


class HookPoint:
    """Where a hook function is called; it gets this as `hook`.

    `name` is the full name; `ctx` is a dictionary of the function's own that stays with the model's point from call to
    call, until `clear_contexts`.
    """

    def __init__(self, name: str, hooks: ModelHooks | None = None) -> None:
        """`hooks` are the model's; without them nothing can be added to the point."""
        self.name = name
        self.ctx: dict[Any, Any] = {}
        self._hooks = hooks

    def layer(self) -> int:
        """The block's number. Raises `InvalidArgument` at a point outside the blocks."""
        scope, _, rest = self.name.partition(".")
        if scope != "blocks":
            raise InvalidArgument(f"{self.name} lies in no layer")
        return int(rest.partition(".")[0])

    def add_hook(
        self, hook: HookFunction, dir: Direction = "fwd", is_permanent: bool = False, *, prepend: bool = False
    ) -> None:
        """As the model's `add_hook`, for this point."""
        self._of_model().add([(self.name, hook)], dir, is_permanent, prepend)

    def add_perma_hook(self, hook: HookFunction, dir: Direction = "fwd") -> None:
        """As the model's `add_perma_hook`, for this point."""
        self.add_hook(hook, dir, is_permanent=True)

    def remove_hooks(self, dir: Direction | Literal["both"] = "fwd", including_permanent: bool = False) -> None:
        """Removes the functions that were added to this point."""
        self._of_model().remove(dir, including_permanent, self.name)

    def has_hooks(self, dir: Direction | Literal["both"] = "both") -> bool:
        """Whether a pass that is run now calls functions here."""
        return any(self.name in self._of_model().calls(each) for each in directions(dir))

    def clear_context(self) -> None:
        """Empties `ctx`."""
        self.ctx.clear()

    def __repr__(self) -> str:
        return f"HookPoint({self.name})"

    def _of_model(self) -> ModelHooks:
        if self._hooks is None:
            raise FailedPrecondition(f"{self!r} belongs to no model")
        return self._hooks


@dataclass(frozen=True)
class _Hook:
    """A function and the points that it is called at."""

    number: int
    names: frozenset[str]
    call: Callable[[Array, HookPoint], Any]
    direction: Direction
    is_permanent: bool = False


@dataclass(frozen=True)
class _Block:
    """What a `with model.hooks(…)` adds."""

    owner: ModelHooks
    hooks: tuple[_Hook, ...]
    interventions: tuple[Intervention, ...]


# Blocks hold where they were entered: in their thread, or in their asyncio task.
_blocks: ContextVar[tuple[_Block, ...]] = ContextVar("lensd_hook_blocks", default=())


class ModelHooks:
    """The hook functions and the edits under which a model runs: those added for good, and those of `with` blocks.

    What was added holds in every thread; a block holds for the thread or the asyncio task that entered it.
    """

    def __init__(self, names: HookNames) -> None:
        self.points = {name: HookPoint(name, self) for name in names}
        self.names = names
        self._lock = threading.Lock()
        self._added: tuple[_Hook, ...] = ()

    def add(self, hooks: Hooks, direction: Direction, is_permanent: bool = False, prepend: bool = False) -> None:
        """Adds functions until `reset`, behind or before the others. Raises `NotFound`, `InvalidArgument`."""
        if direction not in ("fwd", "bwd"):
            raise InvalidArgument(f'a hook\'s direction is "fwd" or "bwd"; received {direction!r}')
        added = (replace(hook, is_permanent=is_permanent) for hook in self._resolved(hooks, direction))
        self._keep(tuple(replace(hook, number=-hook.number) if prepend else hook for hook in added))

    def reset(
        self,
        clear_contexts: bool = True,
        direction: Direction | Literal["both"] = "both",
        including_permanent: bool = False,
    ) -> None:
        """Removes what was added; blocks stay until they are left."""
        self.remove(direction, including_permanent)
        if clear_contexts:
            self.clear_contexts()

    def remove(
        self, direction: Direction | Literal["both"], including_permanent: bool, name: str | None = None
    ) -> None:
        """Removes functions of a direction that were added, at one point or everywhere."""
        gone = directions(direction)

        def rest(hook: _Hook) -> _Hook | None:
            if hook.direction not in gone or (hook.is_permanent and not including_permanent):
                return hook
            names = hook.names - {name} if name is not None else frozenset[str]()
            return replace(hook, names=names) if names else None

        with self._lock:
            self._added = tuple(kept for hook in self._added if (kept := rest(hook)) is not None)

    def clear_contexts(self) -> None:
        """Empties the points' dictionaries."""
        for point in self.points.values():
            point.clear_context()

    @contextmanager
    def block(
        self,
        fwd_hooks: Hooks,
        bwd_hooks: Hooks,
        interventions: Iterable[Intervention],
        reset_hooks_end: bool,
        clear_contexts: bool,
    ) -> Iterator[None]:
        """A block under these hooks and edits, and under those around it, which come first."""
        hooks = (*self._resolved(fwd_hooks, "fwd"), *self._resolved(bwd_hooks, "bwd"))
        block = _Block(self, hooks, tuple(interventions))
        token = _blocks.set((*_blocks.get(), block))
        try:
            yield
        finally:
            _blocks.reset(token)
            if not reset_hooks_end:
                self._keep(block.hooks)
            if clear_contexts:
                self.clear_contexts()

    @contextmanager
    def seeing(self, names: Iterable[str], gradients: dict[str, Array]) -> Iterator[None]:
        """A block in which the gradients at some points are put down, under the points' names with `_grad` behind."""

        def keep(gradient: Array, hook: HookPoint) -> None:
            gradients[f"{hook.name}_grad"] = gradient

        with self.block((), [(name, keep) for name in names], (), True, False):
            yield

    def calls(self, direction: Direction = "fwd") -> Calls:
        """What is called at which point, in the order in which it was registered."""
        hooks = [*self._added, *(hook for block in self._own_blocks() for hook in block.hooks)]
        calls: dict[str, list[Callable[[Array, HookPoint], Any]]] = {}
        for hook in sorted(hooks, key=lambda each: each.number):
            for name in hook.names if hook.direction == direction else ():
                calls.setdefault(name, []).append(hook.call)
        return calls

    def interventions(self) -> list[Intervention]:
        """The edits of the blocks, outermost first."""
        return [edit for block in self._own_blocks() for edit in block.interventions]

    @property
    def are_none(self) -> bool:
        """Whether no hooks and no edits hold."""
        return not (self.calls() or self.calls("bwd") or self.interventions())

    def refuse(self, what: str) -> None:
        """Raises `FailedPrecondition` where hooks or edits hold: `what` would silently run without them."""
        if not self.are_none:
            raise FailedPrecondition(
                f"{what} runs without hooks and edits: leave model.hooks(…), or reset_hooks(), first"
            )

    def _own_blocks(self) -> list[_Block]:
        return [block for block in _blocks.get() if block.owner is self]

    def _keep(self, hooks: tuple[_Hook, ...]) -> None:
        with self._lock:
            self._added = (*self._added, *hooks)

    def _resolved(self, hooks: Hooks, direction: Direction) -> tuple[_Hook, ...]:
        return tuple(
            _Hook(next(_numbers), self._selected(selector), _caller(function), direction)
            for selector, function in hooks
        )

    def _selected(self, selector: HookSelector) -> frozenset[str]:
        if not isinstance(selector, str) and not callable(selector):
            raise InvalidArgument(f"a hook's name is a string or a predicate on names; received {selector!r}")
        names = frozenset(self.names.selected(selector))
        if not names:
            raise NotFound(
                "the predicate selects none of the model's hook points; those that cost extra are to be named"
            )
        return names


def directions(given: Direction | Literal["both"]) -> tuple[Direction, ...]:
    """Raises `InvalidArgument` for another word than "fwd", "bwd" and "both"."""
    if given == "both":
        return "fwd", "bwd"
    if given not in ("fwd", "bwd"):
        raise InvalidArgument(f'a direction is "fwd", "bwd" or "both"; received {given!r}')
    return (given,)


def _caller(function: HookFunction) -> Callable[[Array, HookPoint], Any]:
    """Calls a function as TransformerLens does, `function(value, hook=hook)`, or by position where it cannot be so."""
    if not callable(function):
        raise InvalidArgument(f"a hook function is called as fn(value, hook); received {function!r}")
    try:
        inspect.signature(function).bind(None, hook=None)
    except (TypeError, ValueError):  # The second from a builtin that does not tell its parameters.
        return function
    return lambda value, hook: function(value, hook=hook)

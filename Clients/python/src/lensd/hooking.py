"""Hook functions and the points where they are called: the methods of `Model` for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from lensd.hooks import Direction, HookFunction, HookPoint, Hooks, HookSelector
from lensd.interventions import Intervention
from lensd.tokenizing import Tokenizing

if TYPE_CHECKING:
    from typing_extensions import Self


class Hooking(Tokenizing):
    """The part of a model that holds functions of the user's."""

    @contextmanager
    def hooks(
        self,
        fwd_hooks: Hooks = (),
        bwd_hooks: Hooks = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        *,
        interventions: Iterable[Intervention] = (),
    ) -> Iterator[Self]:
        """A block in which every pass of this model runs under these functions and edits, and those of blocks around.

        The block holds for the thread or the asyncio task that entered it. `run_with_cache` in it returns the edited
        activations; those that `names_filter` keeps travel at once, and nothing can be fetched afterwards.
        """
        with self._hooks.block(fwd_hooks, bwd_hooks, interventions, reset_hooks_end, clear_contexts):
            yield self

    def add_hook(
        self,
        name: HookSelector,
        hook: HookFunction,
        dir: Direction = "fwd",
        is_permanent: bool = False,
        *,
        prepend: bool = False,
    ) -> None:
        """Adds a function to all later passes, of every thread, until `reset_hooks`; `prepend` puts it first."""
        self._hooks.add([(name, hook)], dir, is_permanent, prepend)

    def add_perma_hook(self, name: HookSelector, hook: HookFunction, dir: Direction = "fwd") -> None:
        """Adds a function that `reset_hooks` leaves, unless it says `including_permanent`."""
        self.add_hook(name, hook, dir, is_permanent=True)

    def reset_hooks(
        self,
        clear_contexts: bool = True,
        direction: Direction | Literal["both"] = "both",
        including_permanent: bool = False,
    ) -> None:
        """Removes the functions that were added; those of `with` blocks stay until the block is left."""
        self._hooks.reset(clear_contexts, direction, including_permanent)

    def clear_contexts(self) -> None:
        """Empties the `ctx` of every hook point."""
        self._hooks.clear_contexts()

    @property
    def hook_dict(self) -> Mapping[str, HookPoint]:
        """The hook points by their full names."""
        return self._hooks.points

    def hook_points(self) -> Collection[HookPoint]:
        """The hook points, in the order of a pass."""
        return self.hook_dict.values()

    # Points that cost extra.

    def set_use_attn_result(self, use_attn_result: bool) -> None:
        """Whether caches without a filter, and predicates, have `attn.hook_result`; by name it is always there."""
        self._use(use_attn_result, "use_attn_result", "attn.hook_result")

    def set_use_split_qkv_input(self, use_split_qkv_input: bool) -> None:
        """The same for `hook_q_input`, `hook_k_input` and `hook_v_input`."""
        self._use(use_split_qkv_input, "use_split_qkv_input", "hook_q_input", "hook_k_input", "hook_v_input")

    def set_use_hook_mlp_in(self, use_hook_mlp_in: bool) -> None:
        """The same for `hook_mlp_in`."""
        self._use(use_hook_mlp_in, "use_hook_mlp_in", "hook_mlp_in")

    def set_use_attn_in(self, use_attn_in: bool) -> None:
        """The same for `hook_attn_in`."""
        self._use(use_attn_in, "use_attn_in", "hook_attn_in")

    def _use(self, is_used: bool, flag: str, *points: str) -> None:
        flags: dict[str, Any] = {flag: is_used}
        self.cfg = replace(self.cfg, **flags)
        self.hook_names = self._hooks.names = self.hook_names.with_usual(points, is_used)

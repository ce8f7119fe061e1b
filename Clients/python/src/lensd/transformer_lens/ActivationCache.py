"""`transformer_lens.ActivationCache`."""  # noqa: N999

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from lensd import cache
from lensd.arrays import Array
from lensd.cache import HookNames
from lensd.errors import InvalidArgument, NotFound, Unimplemented


class ActivationCache(cache.ActivationCache):
    """The activations of a pass of a `HookedTransformer`, fetched when they are first touched, outside torch's graph.

    Made of a dictionary it is the same over activations that are here.
    """

    def __init__(self, cache_dict: Mapping[str, Array], model: Any, has_batch_dim: bool = True) -> None:
        """`cache_dict` has activations by their full names, with or without the batch axis."""
        held = {name: value if has_batch_dim else value[None] for name, value in cache_dict.items()}
        if not held:
            raise InvalidArgument("a cache needs activations; received none")
        size = next(iter(held.values()))
        names = HookNames(((name, False) for name in dict.fromkeys([*model.hook_names, *held])), model.cfg.n_layers)
        lengths = np.full(len(size), size.shape[1], np.int64)
        super().__init__(_Held(held), names, list(held), lengths, model=model)
        self.has_batch_dim = has_batch_dim

    @classmethod
    def fetching(cls, *arguments: Any, **options: Any) -> ActivationCache:
        """One over a pass, made as `lensd.ActivationCache` is."""
        made = cls.__new__(cls)
        cache.ActivationCache.__init__(made, *arguments, **options)
        return made

    @property
    def cache_dict(self) -> dict[str, Array]:
        """Everything that is in the cache, fetched, in a dictionary of its own; `keep` puts something in."""
        return {str(name): value for name, value in self.items()}

    @property
    def has_embed(self) -> bool:
        """Whether it has the token embeddings."""
        return "hook_embed" in self

    @property
    def has_pos_embed(self) -> bool:
        """Whether it has position embeddings."""
        return "hook_pos_embed" in self

    def to(self, device: torch.device | str) -> ActivationCache:
        """Itself: activations arrive on the CPU. Raises `Unimplemented` for another device."""
        if torch.device(device).type != "cpu":
            raise Unimplemented(f'activations arrive on the CPU; move what you use: cache["z", 0].to({str(device)!r})')
        return self

    def toggle_autodiff(self, mode: bool = False) -> None:
        """Turns torch's gradients on or off, everywhere."""
        torch.set_grad_enabled(mode)


class _Held:
    """Activations that are here."""

    run_id = None

    def __init__(self, values: Mapping[str, Array]) -> None:
        self._values = values

    def read(self, hook: str, index: Any = None) -> Array:
        if hook not in self._values:
            raise NotFound(f"{hook} is not in this cache")
        value = self._values[hook]
        if index is None:
            return value
        key = (slice(None), *(index if isinstance(index, tuple) else (index,)))
        return value[key]

"""The activations of one pass, awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from lensd._proto.inference_pb2 import PassSource
from lensd.activations import IncomingTensors, PassHandle
from lensd.aio.channel import Channel
from lensd.arrays import Array, Arrays
from lensd.cache import CachedPoints, HookNames, Key, NamesFilter
from lensd.methods import QUERY
from lensd.padded import Lengths


class Pass(PassHandle):
    """One forward pass, to be read by tasks."""

    def __init__(
        self, channel: Channel, arrays: Arrays, source: str | PassSource, fingerprint: str | None = None
    ) -> None:
        super().__init__(arrays, source, fingerprint)
        self._channel = channel

    async def read(self, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """An activation of every prompt, or of some: `[batch, …]` with `.lengths`, float32 (`hook_tokens`: int64)."""
        incoming = IncomingTensors()
        await self._channel.deliver(QUERY, self.request(hook, index, prompts), incoming)
        return self.arranged(incoming, index)


class ActivationCache(CachedPoints):
    """Activations by hook point: `await cache["z", 0]`, by the keys of the blocking client's cache.

    A value has shape `[batch, …]`, right-padded with `.lengths` where prompts differ in length; it is fetched when
    first asked for and then kept. Iterating gives the names.
    """

    def __init__(self, source: Pass, points: HookNames, names_filter: NamesFilter, lengths: Lengths) -> None:
        """`lengths` [batch] are the tokens of each prompt. Raises `NotFound` for a filter's name that is no point."""
        super().__init__(source, points, names_filter, lengths)
        self._source = source
        self._values: dict[str, Array] = {}

    async def __getitem__(self, key: Key) -> Array:
        """The activation. Raises `NotFound` (a `KeyError`) where the cache has no such point."""
        name = self._name(key)
        if name not in self._values:
            # Two tasks may fetch the same values; the first ones stay.
            self._values.setdefault(name, await self._source.read(name))
            self._names.add(name)
        value = self._values[name]
        return value if self.has_batch_dim else value[0]

    async def fetch(self, keys: Iterable[Key]) -> list[Array]:
        """Several activations, asked for together."""
        return await asyncio.gather(*(self[key] for key in keys))

    async def slice(self, key: Key, index: Any) -> Array:
        """A part of an activation, cut by the daemon: `await cache.slice("pattern0", np.s_[3, -1])`."""
        value = await self._source.read(self._name(key), index)
        return value if self.has_batch_dim else value[0]

    def keys(self) -> list[str]:
        """The names of the points."""
        return list(self)

    def remove_batch_dim(self) -> ActivationCache:
        """Strips the batch axis from every value. Raises `InvalidArgument` with more than one prompt."""
        self._check_sole()
        self.has_batch_dim = False
        return self

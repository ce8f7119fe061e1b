"""Sessions, awaited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lensd.aio.cache import Pass
from lensd.aio.channel import Channel
from lensd.arrays import Array, Arrays
from lensd.questions import Awaiting
from lensd.session_questions import SessionQuestions


class Session(SessionQuestions, Awaiting):
    """A session by its name; everything is meant as in `lensd.Session`, which also writes files, and awaited."""

    def __init__(self, channel: Channel, arrays: Arrays, name: str) -> None:
        self._channel = channel
        self._arrays = arrays
        self.name = name

    async def create(self, note: str = "") -> Session:
        """Makes it, empty. Raises `AlreadyExists`; a recorded pass makes its session by itself."""
        await self._answer(self._created(note))
        return self

    async def rename(self, new_name: str) -> Session:
        """Gives it another name; runs, notes and grants stay with it."""
        await self._answer(self._renamed(new_name))
        return self

    async def query(self, run: str, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """One activation of one of its runs: an id, a unique prefix of one, or `"last"`; see `lensd.Client.query`."""
        return await Pass(self._channel, self._arrays, f"{self.name}:{run}").read(hook, index, prompts)

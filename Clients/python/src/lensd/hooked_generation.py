"""Generation with hook functions: one call that goes back and forth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from lensd._proto.generation_pb2 import (
    GenerateEvent,
    GenerateRequest,
    HookedGenerateMessage,
    HookedGenerateRequest,
)
from lensd._proto.hooks_pb2 import HookAnswer
from lensd.arrays import Arrays
from lensd.channel import Channel
from lensd.errors import LensError
from lensd.hook_session import HookSession
from lensd.hooks import Calls, HookPoint
from lensd.methods import GENERATE_HOOKED

if TYPE_CHECKING:
    from typing_extensions import Self


class HookedEvents:
    """The events of a generation; functions are called between them, whenever a step's pass parks.

    What a function raises cancels the generation and is raised as it is.
    """

    def __init__(
        self,
        channel: Channel,
        request: GenerateRequest,
        calls: Calls,
        points: Mapping[str, HookPoint],
        arrays: Arrays,
    ) -> None:
        hooks = [name.encode() for name in calls]
        start = HookedGenerateMessage(start=HookedGenerateRequest(generation=request, hooks=hooks))
        self._exchange = channel.exchange(GENERATE_HOOKED, start)
        self._session = HookSession(calls, points, arrays, self._answer, self._exchange.paused)

    def __iter__(self) -> Iterator[GenerateEvent]:
        for event in self._exchange:
            if event.WhichOneof("event") == "hook":
                self._session.take(event.hook)
            else:
                yield event.generation

    def start_over(self, error: LensError) -> None:
        """Raises the error: functions took part, and are not called twice."""
        raise error

    def cancel(self) -> None:
        """Tells the daemon to stop, unless the call has ended."""
        self._exchange.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.cancel()

    def _answer(self, answer: HookAnswer) -> None:
        self._exchange.send(HookedGenerateMessage(answer=answer))

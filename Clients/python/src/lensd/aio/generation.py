"""Text that the daemon continues, token by token, for a task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from lensd._proto import generation_pb2
from lensd.aio.cache import ActivationCache
from lensd.aio.channel import Stream
from lensd.errors import FailedPrecondition, LensError
from lensd.generation import GenerationResult
from lensd.generation_news import GeneratedToken, GenerationNews

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, repr=False)
class Generation(GenerationResult):
    """What became of each prompt, and the activations of it."""

    # Every activation of the final tokens, as they were while the tokens were generated.
    cache: ActivationCache


class GenerationStream:
    """The new tokens as they come, for one task; of several prompts, in turn.

    Leaving an `async with` block, a cancelled task, and letting it go end the generation. After the last token
    `result` is the whole of it.
    """

    def __init__(
        self,
        events: Stream[generation_pb2.GenerateEvent],
        finish: Callable[[Sequence[generation_pb2.Generation], generation_pb2.GenerationEnd], Generation],
    ) -> None:
        self._events = events
        self._finish = finish
        self._news = GenerationNews()
        self._waiting: deque[GeneratedToken] = deque()
        self._result: Generation | None = None

    @property
    def result(self) -> Generation:
        """The generation. Raises `FailedPrecondition` before the last token was taken."""
        if self._result is None:
            raise FailedPrecondition("the generation has no result before its last token; take the rest first")
        return self._result

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> GeneratedToken:
        """The next token. Raises what the call ended with."""
        while not self._waiting:
            if self._result is not None:
                raise StopAsyncIteration
            try:
                event = await self._events.__anext__()
            except StopAsyncIteration:
                self._result = self._finish(*self._news.outcome())
                raise
            except LensError as error:
                await self._events.start_over(error)
                self._news.start_over()
            else:
                self._waiting.extend(self._news.take(event))
        return self._waiting.popleft()

    def close(self) -> None:
        """Tells the daemon to stop, unless it is done."""
        self._events.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

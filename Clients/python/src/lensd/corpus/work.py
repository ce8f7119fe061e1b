"""Pieces of work given to an executor: a bounded number at a time, taken in order, given out again when lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, Generic, TypeVar

from lensd.errors import InvalidArgument, LensError, Unavailable

Result = TypeVar("Result")


def carried_out(
    executor: Executor | Callable[[], Executor],
    function: Callable[..., Result | Exception],
    pieces: Iterable[tuple[Any, ...]],
    in_flight: int,
    retries: int,
) -> Iterator[Result]:
    """What `function` makes of each piece, in their order. Raises an exception that it returns.

    What a future raises is the executor's: a worker that was lost. The piece is given out again, `retries` times at
    most; then `Unavailable`. Leaving early cancels what was not begun.
    """
    pool = _Pool(executor)
    waiting: deque[_Piece[Result]] = deque()
    try:
        for arguments in pieces:
            waiting.append(_Piece(pool, function, arguments))
            if len(waiting) >= in_flight:
                yield waiting[0].result(retries)
                waiting.popleft()
        while waiting:
            yield waiting[0].result(retries)
            waiting.popleft()
    finally:
        for piece in waiting:
            piece.cancel()
        pool.close()


class _Pool:
    """An executor; one that a function makes is made again when it breaks, and shut down at the end."""

    def __init__(self, executor: Executor | Callable[[], Executor]) -> None:
        if not isinstance(executor, Executor) and not callable(executor):
            raise InvalidArgument(f"an executor is one of concurrent.futures' kind; received {executor!r:.80}")
        self._make = None if isinstance(executor, Executor) else executor
        self._executor = executor if isinstance(executor, Executor) else executor()

    def submit(self, function: Callable[..., Result], arguments: tuple[Any, ...]) -> Future[Result]:
        try:
            return self._executor.submit(function, *arguments)
        except BrokenExecutor as error:
            if self._make is None:
                raise Unavailable(
                    "the executor lost a worker and takes no more work; a function that makes one would be called again"
                ) from error
            self._executor.shutdown(wait=False)
            self._executor = self._make()
            return self._executor.submit(function, *arguments)

    def close(self) -> None:
        if self._make is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)


class _Piece(Generic[Result]):
    """Work that was given out."""

    def __init__(self, pool: _Pool, function: Callable[..., Result | Exception], arguments: tuple[Any, ...]) -> None:
        self._pool = pool
        self._function = function
        self._arguments = arguments
        self._future = pool.submit(function, arguments)

    def result(self, retries: int) -> Result:
        """What came of it, once it is there."""
        losses = 0
        while True:
            try:
                result = self._future.result()
            except Exception as error:
                losses += 1
                if losses > retries:
                    if isinstance(error, LensError):
                        raise
                    raise Unavailable(
                        f"a piece of work was lost {losses} times; the last time: {error!r:.200}"
                    ) from error
                self._future = self._pool.submit(self._function, self._arguments)
                continue
            if isinstance(result, Exception):
                raise result
            return result

    def cancel(self) -> None:
        """Takes it back, where it was not begun."""
        self._future.cancel()

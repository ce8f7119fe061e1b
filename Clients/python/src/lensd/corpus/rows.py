"""The rows of an analysis over many prompts, in the order of the prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from lensd.corpus.prompts import Prompt, Source, count, read
from lensd.corpus.work import carried_out
from lensd.errors import InvalidArgument, LensError, Unavailable
from lensd.progress import Progress, progress_of

if TYPE_CHECKING:
    from lensd.model import Model

Row: TypeAlias = dict[str, Any]
Analysis: TypeAlias = "Callable[[Model, Prompt], Iterable[Mapping[str, Any]]]"
# A pool, or a function that makes one, which is called again when the pool breaks.
Workers: TypeAlias = Executor | Callable[[], Executor] | None


class Finished(NamedTuple):
    """A prompt and its rows."""

    prompt: Prompt
    rows: list[Row]


def rows(
    model: Model,
    prompts: Source,
    analysis: Analysis,
    *,
    executor: Workers = None,
    in_flight: int = 16,
    chunk: int = 1,
    retries: int = 3,
    keep_errors: bool = False,
    progress: Progress = None,
) -> Iterator[Row]:
    """The rows of an analysis, prompt by prompt in their order, as they are made: {"prompt": 0, …fields, …values}.

    Without an executor each prompt is worked on when its rows are asked for. With one, at most `in_flight` pieces of
    `chunk` prompts each are under way or wait to be taken; a piece whose worker was lost is given out again, at most
    `retries` times. A pool of processes that loses one is of no use any more: give a function that makes the pool.
    What an analysis raises is raised here, with the prompt named; with `keep_errors` a `LensError` becomes the row
    {"prompt": …, "error": …} instead. `progress` is as for `Model.ablate_heads`, in prompts.
    """
    job = Job(model, prompts, analysis, executor, in_flight, chunk, retries, keep_errors)
    with job.told(progress) as tell:
        for each in job.finished():
            yield from each.rows
            tell(each)


@dataclass(frozen=True)
class Job:
    """An analysis of a corpus, and how it is worked on; see `rows`."""

    model: Model
    prompts: Source
    analysis: Analysis
    executor: Workers = None
    in_flight: int = 16
    chunk: int = 1
    retries: int = 3
    keep_errors: bool = False

    def __post_init__(self) -> None:
        for name in ("in_flight", "chunk"):
            if getattr(self, name) < 1:
                raise InvalidArgument(f"{name} is at least 1; received {getattr(self, name)}")

    def finished(self, skip: int = 0) -> Iterator[Finished]:
        """The prompts and their rows, without the first `skip` prompts."""
        rest = islice(read(self.prompts), skip, None)
        if self.executor is None:
            for prompt in rest:
                yield Finished(prompt, _rows_of(self.model, self.analysis, prompt, self.keep_errors))
            return
        parts = iter(lambda: list(islice(rest, self.chunk)), [])
        pieces = ((self.model, self.analysis, part, self.keep_errors) for part in parts)
        for found in carried_out(self.executor, _carry_out, pieces, self.in_flight, self.retries):
            yield from found

    @contextmanager
    def told(self, progress: Progress) -> Iterator[Callable[[Finished], None]]:
        """The function that is to be called with every prompt that is finished."""
        with progress_of(progress, "corpus", "prompt") as tell:
            total = 0 if tell is None else count(self.prompts) or 0

            def told(each: Finished) -> None:
                if tell is not None:
                    done = each.prompt.index + 1
                    tell(done, max(total, done))

            yield told


def _carry_out(
    model: Model, analysis: Analysis, prompts: list[Prompt], keep_errors: bool
) -> list[Finished] | Exception:
    """A worker's part. What the analysis raises is returned: only the loss of a worker is raised by its future."""
    try:
        return [Finished(prompt, _rows_of(model, analysis, prompt, keep_errors)) for prompt in prompts]
    except Unavailable:
        # This worker's daemon is gone: another worker may have one.
        raise
    except Exception as error:
        return error


def _rows_of(model: Model, analysis: Analysis, prompt: Prompt, keep_errors: bool) -> list[Row]:
    if "prompt" in prompt.fields:
        raise InvalidArgument(f"prompt {prompt.index}: its field 'prompt' has the name of the prompts' numbers")
    head = {"prompt": prompt.index, **prompt.fields}
    try:
        found = [dict(row) for row in analysis(model, prompt)]
    except Unavailable:
        raise
    except LensError as error:
        if keep_errors:
            return [{**head, "error": error.message}]
        raise type(error)(f"prompt {prompt.index}: {error.message}", error.retry_after) from error
    for row in found:
        if twice := row.keys() & head.keys():
            raise InvalidArgument(
                f"prompt {prompt.index}: the analysis has a column that the prompt has too: {sorted(twice)[0]!r}"
            )
    return [{**head, **row} for row in found]

"""How far a long call is: a bar, a function, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, TypeAlias

from lensd.extras import extra

# `fn(done, total)`; true for a bar, false for none; `None` for a bar where somebody looks at a notebook.
Progress: TypeAlias = Callable[[int, int], object] | bool | None

# A call that is over sooner shows no bar.
_PATIENCE_SECONDS = 0.4


@contextmanager
def progress_of(progress: Progress, title: str, unit: str = "it") -> Iterator[Callable[[int, int], object] | None]:
    """The function that is to learn of progress, for as long as the work lasts; `None` where nobody asks.

    A bar is tqdm's, the extra `lensd[tqdm]`. Raises `FailedPrecondition` where one is wanted and tqdm is not there.
    """
    if callable(progress):
        yield progress
        return
    if progress is None:
        progress = in_notebook() and find_spec("tqdm") is not None
    if not progress:
        yield None
        return
    bar = _bar_class()(desc=title, unit=unit, delay=_PATIENCE_SECONDS, leave=False)
    try:
        yield _Mover(bar)
    finally:
        bar.close()


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def _bar_class() -> Any:
    # A notebook's own bar needs widgets; the other one is text.
    is_rich = in_notebook() and find_spec("ipywidgets") is not None
    return extra("tqdm.notebook" if is_rich else "tqdm", "tqdm").tqdm


class _Mover:
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __call__(self, done: int, total: int) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

"""Processes of other users: each runs a function of ours and talks to us through a pipe."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from subject import IS_ROOT

# Nobody's on any machine that matters; the overflow uid 65534 is far.
FIRST_UID = 48100

_fork = multiprocessing.get_context("fork")


class Failed(Exception):
    """The user's process ended with an error, which this tells."""


class User:
    """A process with a uid of its own that runs `body(pipe, *arguments)`. Where we are not root it keeps our uid."""

    def __init__(self, uid: int, body: Callable[..., None], *arguments: Any) -> None:
        self.uid = uid if IS_ROOT else os.getuid()
        self._pipe, theirs = _fork.Pipe()
        self._process = _fork.Process(target=_run, args=(self.uid, theirs, self._pipe, body, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def tell(self, message: Any) -> None:
        """Sends something to the body."""
        try:
            self._pipe.send(message)
        except OSError as error:
            raise Failed(f"the process of uid {self.uid} is gone") from error

    def hear(self, seconds: float = 120) -> Any:
        """What the body sends next. Raises `Failed` where it ended or says nothing for so long."""
        try:
            if not self._pipe.poll(seconds):
                raise Failed(f"the process of uid {self.uid} said nothing for {seconds} s")
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise Failed(f"the process of uid {self.uid} ended without a word") from error
        if isinstance(answer, _Trace):
            raise Failed(f"uid {self.uid}: {answer.text}")
        return answer

    def end(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()


class _Trace:
    def __init__(self, text: str) -> None:
        self.text = text


def _run(uid: int, pipe: Connection, other: Connection, body: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    other.close()
    try:
        become(uid)
        body(pipe, *arguments)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        pass
    except BaseException:
        with suppress(OSError):
            pipe.send(_Trace(traceback.format_exc()))


def become(uid: int) -> None:
    """Gives up root for good, in a child."""
    if IS_ROOT and uid != 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)

"""What has been written of a corpus, beside its output, so that an interrupted run goes on where it was."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from lensd.corpus.outputs import writes
from lensd.errors import Aborted, AlreadyExists, FailedPrecondition

_SECONDS_BETWEEN_LINES = 0.5


class Mark(NamedTuple):
    """Prompts that are done, and what the output holds of them."""

    prompts: int = 0
    rows: int = 0
    bytes: int = 0
    is_complete: bool = False


class Journal:
    """A file of JSON lines: what the output is made from, then a mark now and then; held by one process at a time.

    A mark is written after what it speaks of has reached the disk, so that after any interruption the output is cut
    back to the last mark and goes on from there. A torn last line is no mark.
    """

    def __init__(self, out: Path, made_from: Mapping[str, Any], stream: Path, resume: bool) -> None:
        """Opens the journal of `out`, whose rows go to `stream`.

        Raises `FailedPrecondition` where the output was begun from something else, `AlreadyExists` where it is not
        known what it was made from, `Aborted` while another process writes it.
        """
        path = out.with_name(out.name + ".journal")
        is_new = not path.exists()
        if is_new and resume and out.exists():
            raise AlreadyExists(
                f"{str(out)!r} is there and has no journal to go on from; resume=False (--restart) writes it anew"
            )
        with writes(path):
            self._file = path.open("a+b")
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Aborted(f"{str(out)!r} is being written by another process") from error
            if not resume:
                self._file.truncate(0)
            self.mark = self._read(made_from, stream, out)
        except BaseException:
            self._file.close()
            raise
        self._written_at = time.monotonic()

    def reached(self, mark: Mark, output: Any) -> None:
        """The output holds what `mark` says. Written now and then, and where the mark is the last one."""
        self.mark = mark
        if mark.is_complete or time.monotonic() - self._written_at > _SECONDS_BETWEEN_LINES:
            self.settle(output)

    def settle(self, output: Any) -> None:
        """Writes the last mark, once what it speaks of is on the disk; `output` is an open file or `None`."""
        with writes(Path(self._file.name)):
            if output is not None:
                output.flush()
                os.fdatasync(output.fileno())
            self._append(self.mark._asdict())
        self._written_at = time.monotonic()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def _append(self, value: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(value).encode() + b"\n")
        self._file.flush()

    def _read(self, made_from: Mapping[str, Any], stream: Path, out: Path) -> Mark:
        self._file.seek(0)
        data = self._file.read()
        whole = data[: data.rfind(b"\n") + 1]
        try:
            lines = [dict(**json.loads(line)) for line in whole.splitlines()]
            begun, marks = lines[0] if lines else {}, [Mark(**line) for line in lines[1:]]
        except (TypeError, ValueError) as error:
            raise FailedPrecondition(
                f"{self._file.name!r} is no journal of rows ({error}); resume=False (--restart) begins again"
            ) from error
        self._file.truncate(len(whole))
        if not any(mark.prompts or mark.is_complete for mark in marks):
            # Nothing is there yet that could have been made from something else.
            self._file.truncate(0)
            self._append(made_from)
            return Mark()
        for name, value in made_from.items():
            if begun.get(name) != value:
                raise FailedPrecondition(
                    f"{str(out)!r} was begun with another {name} ({_short(begun.get(name))}, now {_short(value)}); "
                    "resume=False (--restart) begins again"
                )
        # Where the machine itself went down, less may have reached the disk than a later mark says.
        size = stream.stat().st_size if stream.exists() else 0
        return next(
            (each for each in reversed(marks) if (out.exists() if each.is_complete else each.bytes <= size)), Mark()
        )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:12] + "…"

"""Files that rows are written to as they come."""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any

from lensd.errors import InvalidArgument, ResourceExhausted


@contextmanager
def writes(path: Path) -> Iterator[None]:
    """What the system refuses, as errors that name the file: `ResourceExhausted` for a full disk."""
    try:
        yield
    except OSError as error:
        kind = ResourceExhausted if error.errno in (errno.ENOSPC, errno.EDQUOT) else InvalidArgument
        raise kind(f"cannot write {str(path)!r}: {error.strerror or error}") from error


class RowFile:
    """An open file that grows by rows; what is behind `bytes` when it is opened is cut off."""

    def __init__(self, path: Path, bytes: int) -> None:
        self._path = path
        with writes(path):
            self.file = path.open("r+b" if path.exists() else "w+b")
            self.file.truncate(bytes)
            self.file.seek(bytes)
        self.size = bytes

    def add(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Writes rows and says how many. Raises `InvalidArgument` for a value that no file holds."""
        lines = [self.line({name: settled(name, value) for name, value in row.items()}) for row in rows]
        data = "".join(lines).encode()
        with writes(self._path):
            self.file.write(data)
            self.file.flush()
        self.size += len(data)
        return len(lines)

    def line(self, row: dict[str, Any]) -> str:
        """A row as text, with its end."""
        return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"

    def __enter__(self) -> RowFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with writes(self._path):
            self.file.close()


class CSVFile(RowFile):
    """Comma-separated values; the columns are those of the first row."""

    def __init__(self, path: Path, bytes: int) -> None:
        super().__init__(path, bytes)
        self._columns: list[str] | None = None
        if bytes:
            self.file.seek(0)
            with path.open(newline="", encoding="utf-8") as file:
                self._columns = next(csv.reader(file), None)
            self.file.seek(bytes)

    def line(self, row: dict[str, Any]) -> str:
        """A row as text, the first one under the names of its columns."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if self._columns is None:
            self._columns = list(row)
            writer.writerow(self._columns)
        if others := [name for name in row if name not in self._columns]:
            raise InvalidArgument(
                f"a table has the columns of its first row, {', '.join(self._columns)}; received one with {others[0]}: "
                "write .jsonl or .parquet"
            )
        writer.writerow(map(_cell, (row.get(name) for name in self._columns)))
        return text.getvalue()


def settled(name: str, value: Any) -> Any:
    """A value as JSON has it; no finite number is `None`. Raises `InvalidArgument` with the column."""
    if hasattr(value, "tolist"):
        # NumPy's and torch's numbers and arrays.
        value = value.tolist()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [settled(name, each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): settled(name, each) for key, each in value.items()}
    raise InvalidArgument(f"a row holds numbers, texts and lists of them; received {name}={value!r:.80}")


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value

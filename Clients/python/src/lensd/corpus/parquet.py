"""Rows as a Parquet file. Needs the extra `lensd[parquet]`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from lensd.corpus.outputs import writes
from lensd.errors import InvalidArgument
from lensd.extras import extra

_ROWS_AT_A_TIME = 16_384


def check_installed() -> None:
    """Raises `FailedPrecondition` where pyarrow is missing."""
    extra("pyarrow.parquet", "parquet")


def write_parquet(rows: Path, out: Path, made_from: Mapping[str, Any]) -> None:
    """Makes a Parquet file of a file of JSON lines, a part at a time, and puts it in place when it is whole.

    Columns are in the order in which they first come; a row that lacks one has null there. `made_from` goes into the
    file's metadata, under "lensd". Raises `InvalidArgument` where a column has values that no one type holds.
    """
    arrow, parquet = extra("pyarrow", "parquet"), extra("pyarrow.parquet", "parquet")
    schema = arrow.schema([])
    try:
        for part in _parts(rows):
            own = _table(arrow, part, list(dict.fromkeys(name for row in part for name in row)), None).schema
            schema = arrow.unify_schemas([schema, own], promote_options="permissive")
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        raise InvalidArgument(f"a column of {str(out)!r} has values of several kinds: {error}") from error
    # Of a column that never has a value, nobody knows the type: numbers that were not finite.
    known = [field.with_type(arrow.float64()) if arrow.types.is_null(field.type) else field for field in schema]
    schema = arrow.schema(known, metadata={"lensd": json.dumps(dict(made_from))})
    partial = out.with_name(f"{out.name}.{os.getpid()}.partial")
    try:
        with writes(out):
            with parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
                for part in _parts(rows):
                    writer.write_table(_table(arrow, part, schema.names, schema))
            with partial.open("rb") as file:
                os.fsync(file.fileno())
            partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _table(arrow: Any, rows: list[dict[str, Any]], names: list[str], schema: Any) -> Any:
    columns = {
        name: arrow.array([row.get(name) for row in rows], None if schema is None else schema.field(name).type)
        for name in names
    }
    return arrow.table(columns, schema=schema)


def _parts(path: Path) -> Iterator[list[dict[str, Any]]]:
    with path.open(encoding="utf-8") as file:
        lines = (json.loads(line) for line in file)
        while part := list(islice(lines, _ROWS_AT_A_TIME)):
            yield part

"""The rows of a corpus in a file, written as they come and gone on with after an interruption."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lensd._version import __version__
from lensd.corpus.described import described
from lensd.corpus.journal import Journal, Mark
from lensd.corpus.outputs import CSVFile, RowFile
from lensd.corpus.prompts import Source, digest
from lensd.corpus.rows import Analysis, Job, Workers
from lensd.errors import InvalidArgument
from lensd.progress import Progress

if TYPE_CHECKING:
    from lensd.model import Model

_KINDS: dict[str, Callable[[Path, int], RowFile]] = {".jsonl": RowFile, ".csv": CSVFile, ".parquet": RowFile}


@dataclass(frozen=True)
class Written:
    """What a file holds now."""

    path: Path
    prompts: int
    rows: int
    # How many of the prompts were there already.
    resumed: int


def write(
    model: Model,
    prompts: Source,
    analysis: Analysis,
    out: str | os.PathLike[str],
    *,
    executor: Workers = None,
    in_flight: int = 16,
    chunk: int = 1,
    retries: int = 3,
    keep_errors: bool = False,
    resume: bool = True,
    progress: Progress = None,
) -> Written:
    """Writes the rows of an analysis to a `.jsonl`, `.csv` or `.parquet` file (`lensd[parquet]`); see `rows`.

    Rows reach the file as they come (on the way to Parquet, which has its directory at its end, a file of JSON lines
    beside it). A journal beside the output says how far it is and what it was made from: called again after an
    interruption, of whatever kind, the file goes on behind the last prompt that was done, and a file that is done is
    left as it is. `resume=False` begins again. Numbers that are not finite are null or empty. Little is kept in
    memory, however long the corpus.

    Raises `FailedPrecondition` where the file was begun with other prompts, another analysis or other weights,
    `AlreadyExists` for a file without a journal.
    """
    job = Job(model, prompts, analysis, executor, in_flight, chunk, retries, keep_errors)
    path = Path(out)
    if path.suffix not in _KINDS:
        raise InvalidArgument(f"rows are written to .jsonl, .csv or .parquet; received {str(path)!r}")
    if path.suffix == ".csv" and keep_errors:
        raise InvalidArgument("a table has no place for rows of errors; write .jsonl or .parquet to keep them")
    is_parquet = path.suffix == ".parquet"
    if is_parquet:
        from lensd.corpus.parquet import check_installed, write_parquet

        check_installed()
    made_from = {
        "prompts": digest(prompts),
        "analysis": described(analysis),
        "model": model.name,
        "fingerprint": model.fingerprint,
        "version": __version__,
    }
    stream = path.with_name(path.name + ".rows") if is_parquet else path
    with Journal(path, made_from, stream, resume) as journal:
        start = journal.mark
        if not start.is_complete:
            with _KINDS[path.suffix](stream, start.bytes) as output:
                try:
                    _add(job, output, journal, progress)
                finally:
                    journal.settle(output.file)
            if is_parquet:
                write_parquet(stream, path, made_from)
            journal.reached(journal.mark._replace(is_complete=True), None)
        if is_parquet:
            stream.unlink(missing_ok=True)
        return Written(path, journal.mark.prompts, journal.mark.rows, start.prompts)


def _add(job: Job, output: RowFile, journal: Journal, progress: Progress) -> None:
    """Works on the prompts that the journal does not have yet."""
    with job.told(progress) as tell:
        for each in job.finished(skip=journal.mark.prompts):
            added = output.add(each.rows)
            journal.reached(Mark(each.prompt.index + 1, journal.mark.rows + added, output.size), output.file)
            tell(each)

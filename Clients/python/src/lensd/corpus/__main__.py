"""`python -m lensd.corpus`: an analysis over a file of prompts, row by row into a file. `lensctl corpus` is this."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import lensd
from lensd.command_line import Parser, finish
from lensd.corpus.choice import ANALYSES, add_options, chosen
from lensd.corpus.writing import write

_EPILOG = """
examples:
  python -m lensd.corpus prompts.jsonl --out losses.csv
  python -m lensd.corpus stories.txt --analysis ablation --kind mean --out heads.parquet
  python -m lensd.corpus ioi.jsonl --analysis attribution --by head --out heads.jsonl
  python -m lensd.corpus stories.txt --analysis reduction --hook pattern --to entropy --out entropies.csv

The file has one prompt per line or, named .jsonl, an object with "text" or "tokens" per line, whose other fields
become columns. The same command again goes on from where it was interrupted.
"""
_SECONDS_BETWEEN_LOOKS = 0.1


def main(arguments: list[str] | None = None) -> int:
    """Writes the rows; returns the exit status."""
    parser = Parser(
        prog="python -m lensd.corpus",
        description="Run an analysis over a file of prompts, row by row into a file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", help="the prompts, .txt or .jsonl")
    parser.add_argument("--out", required=True, help="where the rows go: .jsonl, .csv or .parquet")
    parser.add_argument("--analysis", choices=[*ANALYSES], default="losses", help="of a prompt")
    add_options(parser)
    parser.add_argument("--workers", type=int, default=2, help="how many prompts are under way at a time")
    parser.add_argument("--restart", action="store_true", help="begin again, whatever is there")
    parser.add_argument(
        "--keep-errors", action="store_true", help="a row with an error for a prompt that cannot be run; not in .csv"
    )
    parser.add_argument("--socket", help="the daemon's socket")
    parser.add_argument("--session", help="the session that runs are kept in; without one they leave no trace")
    parser.add_argument("--model", help="NAME or NAME@raw")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if options.workers < 1:
        parser.error(f"--workers is 1 or more; received {options.workers}")
    analysis = chosen(options, parser)
    with lensd.connect(options.socket, session=options.session) as client:
        model = client.model(options.model)
        with ThreadPoolExecutor(options.workers) as pool, _Look(shown=not options.json) as look:
            done = write(
                model,
                options.file,
                analysis,
                options.out,
                executor=pool,
                in_flight=2 * options.workers,
                keep_errors=options.keep_errors,
                resume=not options.restart,
                progress=look,
            )
    if options.json:
        said = {"schema": 1, "model": model.name, "fingerprint": model.fingerprint}
        print(json.dumps({**said, **asdict(done), "path": str(done.path)}, ensure_ascii=False))
    else:
        resumed = f", {done.resumed} of them there before" if done.resumed else ""
        print(f"{done.path}: {done.rows} rows of {done.prompts} prompts{resumed}")
    return 0


class _Look:
    """A line about how far the work is, on a terminal."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty()
        self._drawn_at = time.monotonic()
        self._is_drawn = False

    def __call__(self, done: int, total: int) -> None:
        if self._shown and time.monotonic() - self._drawn_at > _SECONDS_BETWEEN_LOOKS:
            self._drawn_at = time.monotonic()
            self._write(f"\r{done:,} of {total:,} prompts, {done / total:.0%}\x1b[K")
            self._is_drawn = True

    def __enter__(self) -> Callable[[int, int], None]:
        return self

    def __exit__(self, *ending: object) -> None:
        if self._is_drawn:
            self._write("\r\x1b[K")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


if __name__ == "__main__":
    finish("lensd.corpus", main)

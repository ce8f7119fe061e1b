"""`python -m lensd.verify`: what a model makes of a fixed prompt, by transformers, to compare with the daemon."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lensd.command_line import Parser, finish
from lensd.errors import InvalidArgument, NotFound
from lensd.model_files import model_folder
from lensd.parity_report import ParityReport, differences

_EPILOG = """
examples:
  python -m lensd.verify DIR
  python -m lensd.verify stories --text "Tom saw a cat." --json
  lensctl models verify stories --json | python -m lensd.verify DIR --compare -

The model is computed in float32 from the folder's own weights, without weight processing (lensd's NAME@raw), by
transformers, or by TransformerLens for a folder that lensd.save_model wrote. With --compare the report's tokens
are run, and the exit status is 1 where anything differs beyond 1e-4 (losses: 1e-5).
"""


def main(arguments: list[str] | None = None) -> int:
    """Prints the report, or what differs; returns the exit status."""
    parser = Parser(
        prog="python -m lensd.verify",
        description="Print what a model makes of a prompt by transformers: loss, likeliest next tokens, norms.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="the model's folder, or the name of one that was imported")
    prompt = parser.add_mutually_exclusive_group()
    prompt.add_argument("--text", help="another prompt; BOS is put in front")
    prompt.add_argument("--ids", help="token ids, such as 5,7,9; nothing is put in front")
    prompt.add_argument("--compare", metavar="FILE", help="what lensctl models verify --json wrote; - reads stdin")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    folder = model_folder(options.model)
    report = _read(options.compare) if options.compare else None
    ids = _ids(options.ids) if options.ids is not None else [each.id for each in report.tokens] if report else None

    from lensd.reference_report import reference_report

    reference = reference_report(folder, options.text, ids)
    found = [] if report is None else differences(report, reference)
    print(reference.json() if options.json else "\n".join(reference.lines()))
    if report is None:
        return 0
    for line in found:
        print(f"differs: {line}", file=sys.stderr)
    if not found and not options.json:
        print(f"\n{report.source} agrees: {len(report.tokens)} tokens, loss, next tokens and norms")
    return 1 if found else 0


def _read(path: str) -> ParityReport:
    try:
        return ParityReport.parse(sys.stdin.read() if path == "-" else Path(path).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise NotFound(f"cannot read the report {path}: {error}") from error


def _ids(text: str) -> list[int]:
    try:
        return [int(part) for part in text.replace(",", " ").split()]
    except ValueError:
        raise InvalidArgument(f"token ids are whole numbers such as 5,7,9; received '{text}'") from None


if __name__ == "__main__":
    finish("lensd.verify", main)

"""Writes Tests/Reliability.md from the records of the programmes; `--check` says whether it is up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RECORDS = HERE / "records"
REPORT = HERE.parent / "Reliability.md"

# Where a programme counts several things.
COUNTED = {
    "kills": "kills",
    "system_calls": "points",
    "full_disk": "points",
    "frames": "malformed frames",
    "disconnects": "disconnects",
    "decoder": "inputs",
    "races": "tests",
}

HEAD = """\
# Reliability: what was tried, and what was found

Made by `Tests/Reliability/report.py` from the records that the programmes wrote; not edited by hand. `make faults`,
`make soak` and `make fuzz` run them in full; `python Tests/Reliability PROGRAMME --help` runs one, with a seed and a
size. CI runs a short slice of each. A programme ends by itself, says what should not have happened, and plants faults
that it has to find: one that finds nothing where nothing was planted is only believed if it found what was.

"""


def main() -> int:
    """Writes the report, or with `--check` compares it."""
    text = report([json.loads(file.read_text()) for file in sorted(RECORDS.glob("*.json"))])
    if sys.argv[1:] == ["--check"]:
        if REPORT.exists() and REPORT.read_text() == text:
            return 0
        print(f"{REPORT.name} is not what the records say: run Tests/Reliability/report.py", file=sys.stderr)
        return 1
    REPORT.write_text(text)
    return 0


def report(records: list[dict[str, Any]]) -> str:
    """The page: a table of all programmes, then each with its figures."""
    lines = [
        HEAD,
        "| programme | figure to reach | done | found | planted faults | took |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(record) for record in records]
    for record in records:
        lines += ["", *_section(record)]
    return "\n".join(lines) + "\n"


def _row(record: dict[str, Any]) -> str:
    violations = record["counts"].get("violations", 0)
    controls = record["controls"]
    caught = sum(control["is_caught"] for control in controls)
    return (
        f"| [{record['programme']}](#{record['programme']}) | {_cell(record['goal'])} | "
        f"{_done(record)} | {'nothing' if violations == 0 else f'**{violations} violations**'} | "
        f"{f'{caught} of {len(controls)} caught' if controls else '–'} | {_duration(record['seconds'])} |"
    )


def _done(record: dict[str, Any]) -> str:
    """The count that the figure to reach is about."""
    counts = record["counts"]
    name = COUNTED.get(record["programme"]) or next(iter(counts), None)
    return f"{_number(counts.get(name, 0))} {name}" if name else "–"


def _section(record: dict[str, Any]) -> list[str]:
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in record["options"].items())
    lines = [
        f"## {record['programme']}",
        "",
        f"{record['goal'][0].upper()}{record['goal'][1:]}.",
        "",
        f"{record['finished']}, lensd {record['lensd']} at {record['commit']}, {record['machine']}; {told}; "
        f"{_duration(record['seconds'])}.",
        "",
    ]
    counts = {name: value for name, value in record["counts"].items() if name != "violations"}
    lines += ["- " + ", ".join(f"{_number(value)} {name}" for name, value in counts.items())] if counts else []
    lines += ["- " + ", ".join(f"{name} {_number(value)}" for name, value in record["figures"].items())] * bool(
        record["figures"]
    )
    for control in record["controls"]:
        verdict = f"found: {_cell(control['by'])}" if control["is_caught"] else "**not found**"
        lines.append(f"- Planted: {control['planted']}; {verdict}")
    lines += [f"- **Violated**: {_cell(violation)}" for violation in record["violations"]]
    return lines


def _cell(text: str) -> str:
    short = text if len(text) <= 240 else text[:240] + "…"
    return short.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _number(value: float) -> str:
    return f"{value:,}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    sys.exit(main())

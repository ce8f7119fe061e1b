"""Runs a programme: `python Tests/Reliability PROGRAMME [--seed N] [--record FILE] …`.

Prints a JSON record of what was done, measured and found, planted faults included; the exit status is 1 where anything
was violated or a planted fault was not caught.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "EndToEnd"))

from programmes import perform


def main() -> int:
    record, file = perform(sys.argv[1:])
    print(record.text(), end="")
    if file is not None:
        file.write_text(record.text())
    return 0 if record.is_good else 1


if __name__ == "__main__":
    sys.exit(main())

"""Prints how long imports take, in new interpreters: median and spread of several, beyond a bare start.

python tests/import_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

REPETITIONS = 11
STATEMENTS = {
    "(bare interpreter)": "pass",
    "import lensd": "import lensd",
    "import lensd; lensd.connect": "import lensd; lensd.connect",
    "import numpy": "import numpy",
}


def seconds(statement: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - started


def main() -> None:
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(REPETITIONS):
        # Interleaved, so that what else the machine does falls on all of them.
        for name, statement in STATEMENTS.items():
            times[name].append(seconds(statement))
    bare = statistics.median(times["(bare interpreter)"])
    for name, measured in times.items():
        extra = statistics.median(measured) - bare
        spread = f"{min(measured) * 1000:.0f} to {max(measured) * 1000:.0f}"
        print(f"{name:30} {extra * 1000:6.0f} ms   ({spread} with the start)")


if __name__ == "__main__":
    main()

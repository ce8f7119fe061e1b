"""What a run of a programme found, and the JSON record that `report.py` makes a row of."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lensd._version import __version__

ROOT = Path(__file__).resolve().parents[2]
# Beyond these a report helps nobody.
MOST_VIOLATIONS = 20


@dataclass
class Trial:
    """What was done, what was measured, and what should not have happened."""

    counts: dict[str, int] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def count(self, what: str, more: int = 1) -> None:
        """Adds to a count."""
        self.counts[what] = self.counts.get(what, 0) + more

    def violated(self, what: str) -> None:
        """Notes something that should not have happened."""
        self.count("violations")
        if len(self.violations) < MOST_VIOLATIONS:
            self.violations.append(what)

    def expect(self, is_so: bool, what: str) -> None:
        """Notes a violation where something is not so."""
        if not is_so:
            self.violated(what)

    def take(self, other: Trial) -> None:
        """Adds what another trial found."""
        for what, number in other.counts.items():
            if what != "violations":
                self.count(what, number)
        for violation in other.violations:
            self.violated(violation)

    def time(self, what: str, seconds: Sequence[float]) -> None:
        """Figures of times: median, 99th percentile and longest, in milliseconds."""
        ordered = sorted(seconds)
        if not ordered:
            return
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            at = min(len(ordered) - 1, int(share * len(ordered)))
            self.figures[f"{what} {name} ms"] = round(ordered[at] * 1000, 2)


@dataclass
class Control:
    """A fault that was planted, and what the programme said of it."""

    planted: str
    is_caught: bool
    by: str


@dataclass
class Record:
    """One run of a programme with everything needed to judge and to repeat it."""

    programme: str
    goal: str
    options: dict[str, int | float | str]
    counts: dict[str, int]
    figures: dict[str, float]
    violations: list[str]
    controls: list[Control]
    seconds: float
    finished: str = field(default_factory=lambda: time.strftime("%Y-%m-%d", time.gmtime()))
    lensd: str = __version__
    commit: str = field(default_factory=lambda: commit())
    machine: str = field(default_factory=lambda: machine())

    @property
    def is_good(self) -> bool:
        """Nothing was violated and every planted fault was caught."""
        return not self.violations and all(control.is_caught for control in self.controls)

    def text(self) -> str:
        """As JSON, on many lines."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def machine() -> str:
    """Its class; nothing that names it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {platform.machine()}, {memory:.0f} GiB, Linux {'.'.join(platform.release().split('.')[:2])}"


def commit() -> str:
    """The commit that is checked out; empty where there is no repository."""
    done = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()

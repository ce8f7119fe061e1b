"""The wire's decoder under libFuzzer with sanitizers: framing, protobuf, every conversion; Tests/Fuzz does the work."""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess

from record import ROOT, Trial

GOAL = (
    "decoder under libFuzzer with address and undefined-behaviour sanitizers, our framing and validation instrumented: "
    "4 core-hours, 0 crashes, ≥ 95 % of the decoder covered; memory budget held"
)
FUZZ = ROOT / "Tests" / "Fuzz" / "fuzz.sh"
DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+) ft: (\d+) .*?rss: (\d+)Mb")
COVERAGE = re.compile(r"^TOTAL\s+(\d+)\s+(\d+)\s+\S+\s+(\d+)\s+(\d+)\s+\S+\s+(\d+)\s+(\d+)", re.MULTILINE)
# Of the regions of Sources/LensWire's conversions and framing; Swift's compiler counts no branches.
COVERED = 0.95


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=int, default=4 * 3600, help="how long (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """New inputs for so long, then what the corpus covers."""
    trial = Trial()
    before = _core_seconds()
    said = _fuzz(trial, "long", str(options.seconds))
    trial.figures["core-hours"] = round((_core_seconds() - before) / 3600, 2)
    if (done := DONE.search(said)) is None:
        trial.violated("the fuzzer stopped")
    else:
        inputs, edges, features, resident = map(int, done.groups())
        trial.counts |= {"inputs": inputs, "edges": edges, "features": features}
        trial.figures["resident MiB"] = resident
    _measure_coverage(trial)
    return trial


def controls(_: argparse.Namespace) -> dict[str, Trial]:
    trial = Trial()
    _fuzz(trial, "planted")
    return {"a trap in one of the decoders": trial}


def _measure_coverage(trial: Trial) -> None:
    total = COVERAGE.search(_fuzz(trial, "coverage"))
    if total is None:
        trial.violated("the coverage was not measured")
        return
    regions, missed, functions, functions_missed, lines, lines_missed = map(int, total.groups())
    for what, all_of_them, not_run in (
        ("regions", regions, missed),
        ("functions", functions, functions_missed),
        ("lines", lines, lines_missed),
    ):
        trial.figures[f"% of {what} covered"] = round(100 * (1 - not_run / all_of_them), 2)
    covered = 1 - missed / regions
    trial.expect(covered >= COVERED, f"{100 * covered:.1f} % of the decoder's regions are covered")


def _core_seconds() -> float:
    """What the programmes that ended have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fuzz(trial: Trial, *arguments: str) -> str:
    done = subprocess.run(
        [FUZZ, *arguments], capture_output=True, text=True, check=False, env=os.environ | {"FUZZ_TARGETS": "wire"}
    )
    summary = re.search(r"SUMMARY: .*|ERROR: .*", done.stdout)
    trial.expect(done.returncode == 0, summary[0] if summary else done.stderr[-400:])
    return done.stdout

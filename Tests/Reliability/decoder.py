"""The wire's decoder under libFuzzer with sanitizers: framing, protobuf, every conversion; Tests/Fuzz does the work."""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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
    parser.add_argument("--seconds", type=int, default=2 * 3600, help="how long (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="at the same time, on one corpus (%(default)s)")
    parser.add_argument(
        "--after", default="", metavar="RECORD", help="an earlier run's record, whose inputs and core-hours are added"
    )


def run(options: argparse.Namespace) -> Trial:
    """New inputs for so long, then what the corpus covers."""
    trial = Trial()
    if options.after:
        earlier = json.loads(Path(options.after).read_text())
        trial.counts["inputs"] = earlier["counts"]["inputs"]
        trial.figures["core-hours"] = earlier["figures"]["core-hours"]
    _fuzz(trial, "build")
    before = _core_seconds()
    with ThreadPoolExecutor(options.workers) as workers:
        runs = [
            workers.submit(_fuzz, trial, "long", str(options.seconds), f"-seed={options.seed + worker}")
            for worker in range(options.workers)
        ]
    taken = (_core_seconds() - before) / 3600
    trial.figures["core-hours"] = round(trial.figures.get("core-hours", 0) + taken, 2)
    for said in runs:
        if (done := DONE.search(said.result())) is None:
            trial.violated("the fuzzer stopped")
            continue
        inputs, edges, features, resident = map(int, done.groups())
        trial.count("inputs", inputs)
        # Each sees its own, and what the others wrote when it began: the most that one saw.
        trial.counts |= {"edges": max(edges, trial.counts.get("edges", 0))}
        trial.counts |= {"features": max(features, trial.counts.get("features", 0))}
        trial.figures["resident MiB"] = max(resident, trial.figures.get("resident MiB", 0))
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

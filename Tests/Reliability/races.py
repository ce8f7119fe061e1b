"""The concurrent Swift tests under the thread sanitizer, in a build of its own."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import tempfile
from pathlib import Path

from record import ROOT, Trial

GOAL = "thread sanitizer over the concurrent tests: 0 reports"
SCRATCH = ROOT / ".build" / "tsan"
TESTS = "LensWireTests|LensStoreTests|LensEngineTests"
MUTEX = Path(__file__).with_name("races.c")
SUPPRESSIONS = Path(__file__).with_name("races.supp")
REPORT = re.compile(r"SUMMARY: ThreadSanitizer: ([\w ]+) \S+ in (\S+)")
PASSED = re.compile(r"Test run with (\d+) tests?.*? passed")
# Two tasks that add to the same number.
PLANTED = """
import Dispatch
import Glibc
final class Shared: @unchecked Sendable { var number = 0 }
let shared = Shared()
DispatchQueue.concurrentPerform(iterations: 4) { _ in
    for _ in 0..<100 {
        shared.number += 1
        usleep(100)
    }
}
print(shared.number)
"""


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--filter", default=TESTS, help="tests that run (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="of the build (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Builds and runs the tests, and counts reports."""
    trial = Trial()
    SCRATCH.mkdir(parents=True, exist_ok=True)
    mutex = SCRATCH / "mutex.o"
    subprocess.run(["clang", "-O1", "-c", "-o", mutex, MUTEX], check=True)
    build = ["swift", "build", "-c", "release", "--build-tests", "--sanitize=thread", "-Xlinker", str(mutex)]
    built = subprocess.run(
        [*build, f"--scratch-path={SCRATCH}", f"--jobs={options.jobs}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        trial.violated(f"the build failed: {built.stdout[-400:]}")
        return trial
    tests = SCRATCH / "release" / "lensdPackageTests.xctest"
    said = _watched([str(tests), "--testing-library", "swift-testing", "--no-parallel", "--filter", options.filter])
    _count(trial, said)
    passed = PASSED.search(said)
    trial.expect(passed is not None, f"the tests did not pass: {said[-400:]}")
    trial.count("tests", int(passed[1]) if passed else 0)
    return trial


def controls(_: argparse.Namespace) -> dict[str, Trial]:
    trial = Trial()
    with tempfile.TemporaryDirectory() as path:
        source, program = Path(path, "main.swift"), Path(path, "planted")
        source.write_text(PLANTED)
        subprocess.run(["swiftc", "-O", "-sanitize=thread", "-o", program, source], check=True)
        _count(trial, _watched([str(program)]))
    return {"two threads that add to the same number": trial}


def _count(trial: Trial, said: str) -> None:
    for kind, where in REPORT.findall(said):
        trial.violated(f"{kind} in {where}")
    trial.counts.setdefault("reports", trial.counts.get("violations", 0))


def _watched(command: list[str]) -> str:
    env = os.environ | {
        "TSAN_OPTIONS": f"suppressions={SUPPRESSIONS} halt_on_error=0 exitcode=0",
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=env)
    ended = f"\nended by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else ""
    return done.stdout + done.stderr + ended

"""A short seeded slice of every programme: nothing is found, and every planted fault is."""

from __future__ import annotations

import pytest
from daemon import BINARY

from full_disk import may_mount
from programmes import FAULTS, LOAD, perform
from subject import IS_ROOT
from tracing import may_trace

SLICES = {
    "kills": ["--count=5"],
    "system_calls": ["--beginnings=killed", "--calls=pwrite64,fdatasync", "--stride=6", "--points=2"],
    "ordering": ["--count=40"],
    "full_disk": ["--pages=30", "--stride=15"],
    "frames": ["--count=10000"],
    "disconnects": ["--count=1000"],
    "access": [],
    "crowded": ["--count=1", "--round=4", "--clients=16", "--questions=300"],
    "soak": ["--minutes=0.2", "--questions=300"],
}
# Judged by time, which a test does not: here they only have to run.
TIMED_SLICES = {
    "waiting": ["--sweeps=100", "--runs=20"],
    "slow_peers": ["--runs=50"],
    "throughput": ["--rounds=1", "--seconds=0.5"],
}


def test_every_programme_has_a_slice() -> None:
    # Fuzzers have a slice of their own (make fuzz-slice); the thread sanitizer wants a build of its own.
    assert set(SLICES) | set(TIMED_SLICES) == set(FAULTS + LOAD)


@pytest.mark.parametrize("name", SLICES)
def test_slice(name: str) -> None:
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is missing: swift build -c release, or set LENSD_BINARY")
    if name in ("access", "full_disk", "crowded") and not IS_ROOT:
        pytest.skip("only root may become other users")
    if name in ("system_calls", "ordering") and not may_trace():
        pytest.skip("strace is missing or may not trace")
    if name == "full_disk" and not may_mount():
        pytest.skip("no disk in memory may be mounted here")
    record, _ = perform([name, *SLICES[name]])
    assert record.is_good, record.text()


@pytest.mark.parametrize("name", TIMED_SLICES)
def test_slice_of_what_is_timed(name: str) -> None:
    if not IS_ROOT:
        pytest.skip("only root may become other users")
    record, _ = perform([name, *TIMED_SLICES[name], "--no-controls"])
    assert record.figures, record.text()
    assert not [each for each in record.violations if "ended" in each], record.text()

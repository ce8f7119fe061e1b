"""Checkpoints of every family: imported by lensctl, served by the daemon, with the references' losses."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from daemon import FIXTURES, Daemon
from test_lensctl import ask, lensctl

CHECKPOINTS = sorted(
    path.parent.relative_to(FIXTURES).as_posix()
    for pattern in ("families/*/config.json", "gpt-neo-*/config.json")
    for path in FIXTURES.glob(pattern)
)


@pytest.fixture(scope="module")
def imported() -> Iterator[Daemon]:
    """A daemon that serves every checkpoint, each imported by lensctl."""
    with tempfile.TemporaryDirectory(prefix="lensd-e2e-") as path:
        arguments = []
        for checkpoint in CHECKPOINTS:
            name = Path(checkpoint).name
            folder = Path(path) / name
            done = lensctl("models", "import", FIXTURES / checkpoint, "--out", folder)
            assert done.returncode == 0, done.stderr.decode()
            arguments += ["--model", f"{name}={folder}"]
        daemon = Daemon(Path(path), *arguments).start()
        yield daemon
        assert daemon.stop() == 0, daemon.log()


@pytest.mark.parametrize("checkpoint", CHECKPOINTS)
def test_an_imported_checkpoint_has_the_references_losses(imported: Daemon, checkpoint: str) -> None:
    name = Path(checkpoint).name
    reference = load_file(FIXTURES / checkpoint / "reference.safetensors")
    sequence = "seq10" if "seq10/tokens" in reference else "seq7"
    ids = ",".join(str(token) for token in reference[f"{sequence}/tokens"])
    worst = 0.0
    for form, model in (("processed", name), ("raw", f"{name}@raw")):
        found = ask(imported, "run", "--model", model, "--ids", ids)
        worst = max(worst, abs(found["loss"] - float(reference[f"{form}/{sequence}/loss"])))
    record(checkpoint, "import", worst)
    assert worst <= 1e-5


def record(checkpoint: str, column: str, worst: float) -> None:
    """Adds a line to the file that README's table of families is made from, where one is asked for."""
    results = os.environ.get("LENS_FAMILY_RESULTS")
    if results is None:
        return
    architecture = json.loads((FIXTURES / checkpoint / "config.json").read_text())["architectures"][0]
    line = {"architecture": architecture, "checkpoint": checkpoint, "column": column, "count": 2, "worst": worst}
    with Path(results).open("a") as file:
        file.write(json.dumps(line) + "\n")

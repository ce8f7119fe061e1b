"""What the documentation shows, run: lensctl and echo in `sh` blocks, and `python` blocks, page by page, in order.

A block behind `<!-- not run: reason -->` is left out, and so are blocks of other kinds (`py`, `console`, none).
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import BINARY, ROOT, Daemon, environment

DOCS = ROOT / "Sources" / "Lens.docc"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
LENSCTL = BINARY.with_name("lensctl")
# Made from the programs' help, whose examples want files and models of all kinds.
GENERATED = ("Commands.md", "PythonAPI.md")
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n\n?)?^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STORY = (
    "Once upon a time, there was a little girl named Lily. She loved to play with her red ball in the park. "
    "One day, Lily lost her ball. She was very sad. Her friend Tom found the ball and gave it to Lily."
)


def blocks(page: Path, kind: str) -> list[str]:
    """The blocks of a kind that are to be run."""
    return [text for left_out, block, text in BLOCK.findall(page.read_text()) if block == kind and not left_out]


def commands(page: Path) -> Iterator[str]:
    """The lines of lensctl, and those of echo, which make the files that the others name."""
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if shlex.split(line, comments=True)[:1] in (["lensctl"], ["echo"]):
                yield line


@pytest.fixture
def place(folder: Path) -> Path:
    """A folder with the files that examples name."""
    (folder / "story.txt").write_text(STORY)
    (folder / "corpus.txt").write_text("Tom had a big red ball.\nLily went to the park.\n")
    (folder / "prompts.jsonl").write_text('{"text": "Tom had a big red ball."}\n{"text": "Lily went to the park."}\n')
    for name in ("direction.npy", "dir.npy"):
        np.save(folder / name, np.linspace(-1, 1, 256, dtype=np.float32))
    return folder


@pytest.fixture
def embedded(place: Path) -> Iterator[Daemon]:
    """A daemon with the embedded model, as `lensctl up` starts one."""
    daemon = Daemon(place, "--threads", "2", env={"LENSD_MODELS": str(ROOT / "Models")}).start()
    yield daemon
    assert daemon.stop() == 0, daemon.log()


def pages_with(kind: str) -> list[Any]:
    return [
        pytest.param(page, id=page.name)
        for page in PAGES
        if page.name not in GENERATED and (list(commands(page)) if kind == "sh" else blocks(page, kind))
    ]


@pytest.mark.parametrize("page", pages_with("sh"))
def test_commands(page: Path, embedded: Daemon, place: Path) -> None:
    env = environment({"LENSD_SOCKET": str(embedded.socket), "LENSD_STATE": str(embedded.state), "BROWSER": "true"})
    env |= {"LENSD_PYTHON": sys.executable, "PATH": f"{LENSCTL.parent}:{env['PATH']}"}
    for line in commands(page):
        done = subprocess.run(["bash", "-c", line], cwd=place, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        assert done.stdout or done.stderr or "--out" in line or line.startswith("echo")


@pytest.mark.parametrize("page", pages_with("python"))
def test_python(page: Path, embedded: Daemon, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSD_SOCKET", str(embedded.socket))
    monkeypatch.chdir(place)
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(compile(block, page.name, "exec"), names)
    for value in names.values():
        if type(value).__name__ == "Client":
            value.close()

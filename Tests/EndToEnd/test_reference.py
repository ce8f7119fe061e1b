"""The reference pages are what the code says now."""

from __future__ import annotations

import subprocess
import sys

import pytest

from daemon import BINARY, ROOT

WRITERS = ROOT / "Sources" / "Lens.docc" / "Reference"


@pytest.mark.parametrize("writer", [["commands.py", "--programs", str(BINARY.parent)], ["python_api.py"]])
def test_pages(writer: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, WRITERS / writer[0], *writer[1:], "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr

"""What the writers of reference pages share."""

from __future__ import annotations

import sys
from pathlib import Path


def settle(page: Path, text: str, *, check: bool) -> int:
    """Writes the page, or says whether it is what would be written; returns the exit status."""
    if not check:
        page.write_text(text)
        return 0
    if page.exists() and page.read_text() == text:
        return 0
    print(f"{page.name} is not what the code says now: make reference", file=sys.stderr)
    return 1

"""A page for eyes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass(frozen=True)
class AttentionPage:
    """One self-contained HTML page; the last expression of a notebook cell shows it."""

    html: str

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the page to a file and gives its path."""
        file = Path(path)
        file.write_text(self.html, encoding="utf-8")
        return file

    def _repr_html_(self) -> str:
        # A frame of its own keeps the page's styles and scripts apart from the notebook's.
        style = "width:100%;height:720px;border:0"
        return f'<iframe sandbox="allow-scripts" style="{style}" srcdoc="{escape(self.html)}"></iframe>'

    def __repr__(self) -> str:
        return f"AttentionPage({len(self.html)} characters; save(path) writes it)"

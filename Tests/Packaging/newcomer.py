#!/usr/bin/env python3
"""newcomer.py WHEEL: the newcomer's clock, in an empty folder at an empty home.

From `pip install` of the wheel to the first picture: under 60 s. From there the guide, shell and Python typed in order,
to the classified heads and why they attend: under 10 minutes in all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "Sources" / "Lens.docc" / "Guide.md"
BLOCK = re.compile(r"(<!-- not run: [^>]+ -->\n\n?)?^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TEXT = "Once upon a time, there was a little girl named Lily."
PICTURE_SECONDS = 60
STUDY_SECONDS = 600


class Newcomer:
    """Somebody with a terminal, in a folder where nothing is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LENSD_", "XDG_", "PYTHON"))}
        places = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PATH": f"{folder}/venv/bin:{os.environ['PATH']}",
        }
        self.environment = kept | places
        self.began = time.monotonic()

    def types(self, *command: str) -> None:
        """Runs a command to its end, and says how long it took."""
        begun = time.monotonic()
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        shown = " ".join(" ".join(command).split())
        print(f"{time.monotonic() - begun:7.2f} s  {shown if len(shown) <= 90 else shown[:89] + '…'}", flush=True)
        if done.returncode != 0:
            sys.exit(f"newcomer.py: exit status {done.returncode}\n{done.stdout}{done.stderr}")

    def reads(self, page: Path) -> None:
        """Types a page's examples; its Python is one program, as in a notebook."""
        program = ""
        for left_out, kind, text in BLOCK.findall(page.read_text()):
            if left_out:
                continue
            if kind == "python":
                program += text
                continue
            for line in text.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    self.types("bash", "-c", line)
        self.types("python", "-c", program)

    def said(self, what: str, limit: float) -> None:
        """Ends the program where more than the limit went by since the beginning."""
        seconds = time.monotonic() - self.began
        print(f"{what}: {seconds:.1f} s of {limit:.0f} s", flush=True)
        if seconds > limit:
            sys.exit(1)


def main(wheel: Path) -> None:
    """Both clocks."""
    with tempfile.TemporaryDirectory(prefix="newcomer-") as folder:
        venv.create(Path(folder, "venv"), with_pip=True)
        newcomer = Newcomer(Path(folder))
        newcomer.types("pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", str(wheel))
        try:
            newcomer.types("lensctl", "up")
            newcomer.types("lensctl", "study", TEXT, "--html", "first.html")
            newcomer.said("from pip install to the first picture", PICTURE_SECONDS)
            newcomer.reads(GUIDE)
            newcomer.said("from pip install to the end of the guide", STUDY_SECONDS)
        finally:
            subprocess.run(["lensctl", "down"], cwd=folder, env=newcomer.environment, capture_output=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())

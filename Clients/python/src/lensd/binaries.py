"""The programs `lensd` and `lensctl`: those that this package was installed with, else those on the path."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path

from .errors import NotFound

__all__ = ["find"]


def find(name: str) -> Path:
    """The program `lensd` or `lensctl`.

    Raises NotFound where this package came without it (the platform's wheel brings it) and the path has none.
    """
    # What was recorded at the installation is right in an environment, in a user's folder and in the system's.
    for file in _installed_files():
        path = Path(str(file.locate()))
        if file.name == name and file.parent.name == "bin" and os.access(path, os.X_OK):
            return path.resolve()
    if path_name := shutil.which(name):
        return Path(path_name)
    raise NotFound(
        f"no program {name!r}: this installation of the package lensd carries none, and there is none on the path; "
        "install the platform's wheel, the Debian package, or build lensd"
    )


def _installed_files() -> list[metadata.PackagePath]:
    try:
        return metadata.files("lensd") or []
    except metadata.PackageNotFoundError:
        return []  # imported from a folder of sources

"""Faults planted below the daemon, which is not told: `lies.c`, compiled when it is needed."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("lies.c")


@functools.cache
def library() -> Path:
    """The compiled lies. Raises `RuntimeError` where there is no C compiler."""
    compiler = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    if compiler is None:
        raise RuntimeError("a C compiler is needed to plant faults; found none of cc, gcc, clang")
    made = Path(tempfile.mkdtemp(prefix="lensd-lies-")) / "lies.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl"], check=True)
    made.parent.chmod(0o755)
    return made


def lying(how: str) -> dict[str, str]:
    """What in a daemon's environment makes its world lie; `lies.c` lists how."""
    return {"LD_PRELOAD": str(library()), "LENS_LIE": how}

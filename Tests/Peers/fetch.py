"""How fast an activation comes into NumPy: a [16, 512, 512] pattern through the socket, beside a copy of its bytes."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

import lensd

SHAPE = (16, 512, 512)


def seconds(work: Callable[[], object]) -> float:
    """What one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measures both in turn and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lensd", type=Path, required=True, help="the daemon's program")
    parser.add_argument("--repeats", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lensd-fetch-") as folder:
        socket = Path(folder) / "lensd.sock"
        daemon = subprocess.Popen(
            [arguments.lensd, "--socket", socket, "--state", Path(folder) / "state"], stderr=subprocess.PIPE, text=True
        )
        try:
            assert daemon.stderr is not None
            while "ready" not in daemon.stderr.readline():
                if daemon.poll() is not None:
                    sys.exit(f"fetch: lensd ended with {daemon.returncode}")
            with lensd.connect(str(socket)) as client:
                model = client.model()
                tokens = np.arange(SHAPE[1])[None] * 37 % model.cfg.d_vocab
                source, copied = np.ones(SHAPE, np.float32), np.empty(SHAPE, np.float32)
                fetches, copies = [], []
                for _ in range(arguments.repeats):
                    _, cache = model.run_with_cache(tokens, return_type=None, names_filter="blocks.0.attn.hook_pattern")
                    fetches.append(seconds(lambda cache=cache: cache["pattern", 0]))
                    copies.append(seconds(lambda: np.copyto(copied, source)))
        finally:
            daemon.terminate()
            daemon.wait()
    size = source.nbytes
    rate, limit = (size / median(times) / 1e9 for times in (fetches, copies))
    print(
        f"a {list(SHAPE)} pattern into NumPy: {1e3 * median(fetches):.2f} ms, {rate:.2f} GB/s; "
        f"memcpy {limit:.2f} GB/s; ratio {rate / limit:.2f} (asked 0.5)"
    )


if __name__ == "__main__":
    main()

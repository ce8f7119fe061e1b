"""lensd beside TransformerLens and plain torch: the same work on the same weights, in turn.

Prints, for each piece of work, both medians and how many times faster lensd is. Every result is compared as well: a
speed-up of a wrong answer is none. lensd is used as users use it, through its socket and the Python client.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch_peer import TorchPeer

import lensd
from checkpoints import SHAPES, checkpoint

# What the project asks for: times faster than the best peer, or than the loop.
TARGETS: dict[tuple[str, str, int], tuple[float | None, float | None]] = {
    ("shape-a", "loss", 32): (2.5, None),
    ("shape-a", "loss", 128): (1.8, None),
    ("shape-a", "loss", 512): (1.5, None),
    ("shape-a", "sweep", 32): (1.6, 2.8),
    ("shape-a", "sweep", 128): (1.9, 2.0),
    ("shape-a", "sweep", 512): (1.5, 1.5),
    ("layers-12", "sweep", 32): (None, 4.5),
    ("layers-12", "sweep", 128): (None, 2.6),
    ("layers-12", "difference", 32): (None, 8.0),
    ("layers-12", "difference", 128): (None, 5.2),
    ("toy", "sweep", 32): (None, 15.0),
}


def clocked(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result; short work is done several times in a row, and its median counts.

    Threads of the other side's last work have come to rest by then.
    """
    time.sleep(0.3)
    times: list[float] = []
    while not times or (sum(times) < 0.5 and len(times) < 15):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return median(times), result


class Comparison:
    """The measurements of one model."""

    def __init__(self, name: str, peer: TorchPeer, model: lensd.Model, repeats: int) -> None:
        self.name, self.peer, self.model, self.repeats = name, peer, model, repeats
        self.rows: list[dict[str, Any]] = []

    def warm_up(self, pos: int) -> None:
        """First calls allocate and choose kernels; they are not counted."""
        tokens = self._tokens(pos)
        for _ in range(2):
            self.peer.loss(tokens)
            self.peer.sweep_by_loop(tokens, [(0, 0)])

    def loss(self, pos: int) -> None:
        """The loss of one run."""
        tokens = self._tokens(pos)
        ids = tokens.numpy()
        self._measure(
            "loss",
            pos,
            lambda: float(self.model(ids, return_type="loss")),
            {"run": lambda: self.peer.loss(tokens)},
        )

    def sweep(self, pos: int, loop_heads: int | None = None) -> None:
        """Every head's z at zero in turn; the loop over `loop_heads` heads, and scaled up, where it is long."""
        tokens = self._tokens(pos)
        ids = tokens.numpy()
        heads, step = self._heads(loop_heads)
        some = heads[::step]
        peers: dict[str, Callable[[], Any]] = {"loop": lambda: self.peer.sweep_by_loop(tokens, some)}
        scales = {"loop": len(heads) / len(some)}
        if self.peer.config.num_layers == 1:
            peers["batch"] = lambda: self.peer.sweep_by_batch(tokens, 0)
        peers["shared prefix"] = lambda: self.peer.sweep_by_shared_prefix(tokens)
        self._measure("sweep", pos, lambda: self.model.ablate_heads(ids).loss.reshape(-1).tolist(), peers, scales, step)

    def difference(self, pos: int, loop_heads: int | None = None) -> None:
        """The same with the difference of two logits at the last position."""
        tokens = self._tokens(pos)
        ids = tokens.numpy()
        heads, step = self._heads(loop_heads)
        pair = (5, 9)
        metric = lensd.metrics.logit_diff(*pair)
        self._measure(
            "difference",
            pos,
            lambda: self.model.sweep(ids, lensd.zero("z"), ("layer", "head"), metric).value.reshape(-1).tolist(),
            {"loop": lambda: self.peer.difference_by_loop(tokens, heads[::step], pair)},
            {"loop": len(heads) / len(heads[::step])},
            step,
        )

    def _heads(self, some: int | None) -> tuple[list[tuple[int, int]], int]:
        """Every (layer, head), and the step that leaves `some` of them."""
        heads = [(layer, head) for layer in range(self.peer.config.num_layers) for head in range(self.peer.heads)]
        return heads, len(heads) // (some or len(heads))

    def _tokens(self, pos: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(pos)
        return torch.randint(0, 250, (1, pos), generator=generator)

    def _measure(
        self,
        work: str,
        pos: int,
        ours: Callable[[], Any],
        peers: dict[str, Callable[[], Any]],
        scales: dict[str, float] | None = None,
        step: int = 1,
    ) -> None:
        own: list[float] = []
        others: dict[str, list[float]] = {name: [] for name in peers}
        clocked(ours)
        for _ in range(self.repeats):
            seconds, found = clocked(ours)
            own.append(seconds)
            for name, peer in peers.items():
                seconds, expected = clocked(peer)
                others[name].append(seconds * (scales or {}).get(name, 1))
                check(found[::step] if name == "loop" else found, expected, f"{self.name} {work} {pos} {name}")
        times = {name: median(values) for name, values in others.items()}
        best = min(times, key=lambda name: times[name])
        first = next(iter(times))
        targets = TARGETS.get((self.name, work, pos), (None, None))
        row = {
            "model": self.name,
            "work": work,
            "pos": pos,
            "ours_ms": 1e3 * median(own),
            "peers_ms": {name: 1e3 * seconds for name, seconds in times.items()},
            "best": best,
            "times_faster": times[best] / median(own),
            "target": targets[0],
            "times_faster_than_loop": times[first] / median(own),
            "loop_target": targets[1],
        }
        self.rows.append(row)
        print(describe(row), flush=True)


def check(found: Any, expected: Any, what: str) -> None:
    """Ends the comparison where the two sides do not compute the same."""
    pairs = [(found, expected)] if isinstance(found, float) else zip(found, expected, strict=True)
    for ours, theirs in pairs:
        if abs(ours - theirs) > 1e-4 + 1e-4 * abs(theirs):
            sys.exit(f"peers: {what}: lensd has {ours}, the peer {theirs}")


def describe(row: dict[str, Any]) -> str:
    """A line of the table."""
    peers = ", ".join(f"{name} {ms:.1f}" for name, ms in row["peers_ms"].items())
    parts = [f"{row['times_faster']:.2f}x the best"]
    if row["target"]:
        parts[0] += f" (asked {row['target']})"
    if "loop" in row["peers_ms"]:
        parts.append(f"{row['times_faster_than_loop']:.2f}x the loop")
        if row["loop_target"]:
            parts[1] += f" (asked {row['loop_target']})"
    return f"{row['model']:10} {row['work']:10} {row['pos']:4}  {row['ours_ms']:9.1f} ms  {peers}  {', '.join(parts)}"


def main() -> None:
    """Measures what the options name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lensd", type=Path, required=True, help="the daemon's program")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder for random checkpoints; kept")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=[shape.name for shape in SHAPES])
    arguments = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="lensd-peers-"))
    rows: list[dict[str, Any]] = []
    try:
        for shape in SHAPES:
            if arguments.only not in (None, shape.name):
                continue
            folder = checkpoint(shape, arguments.checkpoints)
            # The checkpoint's own weights on both sides: no processing to argue about.
            socket = scratch / f"{shape.name}.sock"
            # The same question is asked again and again, and shall be computed each time: nothing is kept.
            config = scratch / f"{shape.name}.toml"
            config.write_text('cache = "1K"\n')
            command = [arguments.lensd, "--socket", socket, "--state", scratch / shape.name, "--config", config]
            daemon = subprocess.Popen(
                [*command, "--model", f"m={folder}"],
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                assert daemon.stderr is not None
                while "ready" not in daemon.stderr.readline():
                    if daemon.poll() is not None:
                        sys.exit(f"peers: lensd ended with {daemon.returncode}")
                with lensd.connect(str(socket)) as client:
                    peer = TorchPeer(folder)
                    comparison = Comparison(shape.name, peer, client.model("m", processing=False), arguments.repeats)
                    for pos in (32, 128, 512) if shape.name == "shape-a" else (32, 128):
                        comparison.warm_up(pos)
                        comparison.loss(pos)
                        if shape.name != "toy" or pos == 32:
                            comparison.sweep(pos, loop_heads=12 if shape.name == "layers-12" else None)
                        if shape.name == "layers-12":
                            comparison.difference(pos, loop_heads=12)
                    rows += comparison.rows
            finally:
                daemon.terminate()
                daemon.wait()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"schema": 1, "torch": torch.__version__, "figures": rows}, indent=1))


if __name__ == "__main__":
    main()

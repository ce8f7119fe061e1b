"""Which sizes are practical on a CPU: random GPT-Neo checkpoints, how long they load and what a user waits for."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

import lensd

FIXTURE = Path(__file__).resolve().parents[1] / "Fixtures" / "gpt-neo-1l-16h"
# Layers, d_model, heads.
SHAPES = {
    "GPT-2 small's, 124M": (12, 768, 12),
    "GPT-2 medium's, 354M": (24, 1024, 16),
    "GPT-Neo 1.3B's": (24, 2048, 16),
}
VOCABULARY, CONTEXT = 50257, 1024
POSITIONS, NEW_TOKENS = 128, 64


def seconds(work: Callable[[], object]) -> float:
    """What one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write_checkpoint(folder: Path, layers: int, width: int, heads: int) -> None:
    """A folder with random float16 weights, tensor by tensor."""
    folder.mkdir(parents=True)
    config = json.loads((FIXTURE / "config.json").read_text()) | {
        "num_layers": layers, "hidden_size": width, "num_heads": heads, "intermediate_size": 4 * width,
        "vocab_size": VOCABULARY, "max_position_embeddings": CONTEXT, "window_size": 256,
        "attention_types": [[["global", "local"], layers // 2]], "tie_word_embeddings": True,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(FIXTURE / name, folder / name)
    shapes = {"wte.weight": [VOCABULARY, width], "wpe.weight": [CONTEXT, width]}
    for layer in range(layers):
        block = f"h.{layer}."
        for norm in ("ln_1", "ln_2"):
            shapes |= {f"{block}{norm}.weight": [width], f"{block}{norm}.bias": [width]}
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes[f"{block}attn.attention.{name}.weight"] = [width, width]
        shapes[f"{block}attn.attention.out_proj.bias"] = [width]
        shapes |= {f"{block}mlp.c_fc.weight": [4 * width, width], f"{block}mlp.c_fc.bias": [4 * width]}
        shapes |= {f"{block}mlp.c_proj.weight": [width, 4 * width], f"{block}mlp.c_proj.bias": [width]}
    shapes |= {"ln_f.weight": [width], "ln_f.bias": [width]}
    header, offset = {}, 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[f"transformer.{name}"] = {"dtype": "F16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    generator = np.random.default_rng(0)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            values = generator.standard_normal(shape, np.float32) * np.float32(0.02)
            if name.endswith("weight") and len(shape) == 1:
                values += 1
            file.write(values.astype(np.float16).tobytes())


def measure(lensd_binary: Path, folder: Path, name: str, memory: str) -> str:
    """A row of the table."""
    state = folder / "state"
    # The same question is asked again and again, and shall be computed each time: nothing is kept.
    config = folder / "lensd.toml"
    config.write_text('cache = "1K"\n')
    daemon = subprocess.Popen(
        [lensd_binary, "--config", config, "--socket", folder / "k", "--state", state, "--memory", memory],
        stderr=subprocess.PIPE, text=True, env=os.environ | {"LENSD_LOG": "error"},
    )  # fmt: skip
    try:
        assert daemon.stderr is not None
        while "ready" not in (line := daemon.stderr.readline()):
            if not line:
                sys.exit(f"sizes: lensd ended with {daemon.wait()}")
        with lensd.connect(folder / "k") as client:
            loading = seconds(lambda: client.load_model(name))
            client.unload_model(name)
            # The files are warm now.
            loading = min(loading, seconds(lambda: client.load_model(name)))
            # Of loading; what passes take comes on top.
            peak = next(
                int(line.split()[1]) * 1024
                for line in Path(f"/proc/{client.status().process_id}/status").read_text().splitlines()
                if line.startswith("VmHWM")
            )
            model = client.model(name)
            tokens = np.random.default_rng(1).integers(0, model.cfg.d_vocab, (1, POSITIONS))
            run = median(seconds(lambda: model(tokens, return_type="loss")) for _ in range(5))
            sweep = seconds(lambda: model.ablate_heads(tokens))
            generate = seconds(
                lambda: model.generate(tokens[:, :16], max_new_tokens=NEW_TOKENS, do_sample=False, stop_at_eos=False)
            )
            heads = model.cfg.n_layers * model.cfg.n_heads
            weights = 4 * model.parameter_count
            return (
                f"{loading:.1f} s | {weights / 1e9:.2f} GB | {peak / weights:.2f} × | {1e3 * run:.0f} ms | "
                f"{sweep:.1f} s ({heads} heads) | {NEW_TOKENS / generate:.0f} tokens/s"
            )
    finally:
        daemon.terminate()
        daemon.wait()


def main() -> None:
    """Makes one checkpoint after the other and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lensd", type=Path, required=True, help="the daemon's program")
    parser.add_argument("--memory", default="12G", help="what the daemon may use for weights")
    parser.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    arguments = parser.parse_args()
    columns = ["shape", "load (warm)", "weights", "peak memory", f"run of {POSITIONS} tokens", "all heads", "generate"]
    print(f"| {' | '.join(columns)} |", "|---" * len(columns) + "|", sep="\n")
    for number, shape in enumerate(arguments.shapes):
        with tempfile.TemporaryDirectory(prefix="lensd-sizes-") as path:
            folder = Path(path)
            models = folder / "state" / "models"
            models.mkdir(parents=True, mode=0o700)
            (folder / "state").chmod(0o700)
            write_checkpoint(models / f"m{number}", *SHAPES[shape])
            print(f"| {shape} | {measure(arguments.lensd, folder, f'm{number}', arguments.memory)} |", flush=True)


if __name__ == "__main__":
    main()

"""Holds the families' references against TransformerBridge: `python Tests/Fixtures/check_bridge.py`.

Needs transformer_lens==4.3.0 in place of 3.9, so it is no part of generate.py. Prints what differs.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from safetensors.torch import load_file
from transformer_lens.model_bridge import TransformerBridge


def main() -> None:
    """Compares the processed activations of `seq10` of every family, or of those named."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    transformers.utils.logging.disable_progress_bar()
    torch.set_grad_enabled(False)
    root = Path(__file__).parent / "families"
    names = sys.argv[1:] or sorted(path.name for path in root.iterdir())
    for name in names:
        if not name.startswith("toy-"):
            compare(root / name)


def compare(folder: Path) -> None:
    """Prints how many hook points agree and which do not, or are not there."""
    prefix = "processed/seq10/"
    tensors = load_file(folder / "reference.safetensors")
    ours = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    bridge = TransformerBridge.boot_transformers(str(folder), device="cpu")
    bridge.enable_compatibility_mode()
    logits, cache = bridge.run_with_cache(tensors["seq10/tokens"][None])
    torch.testing.assert_close(logits[0], ours.pop("logits"), atol=1e-4, rtol=1e-4)
    equal, differing, absent = 0, [], []
    for key, value in ours.items():
        if key not in cache or key in ("loss", "token_loss"):
            absent.append(key)
        elif torch.allclose(cache[key].reshape(-1), value.reshape(-1), atol=1e-4, rtol=1e-4):
            equal += 1
        else:
            differing.append(key)
    print(f"{folder.name}: logits and {equal} points equal; differing {differing}; absent {absent}")


if __name__ == "__main__":
    main()

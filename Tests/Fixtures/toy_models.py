"""TransformerLens's own toy models, saved as folders: a config.json and its state dict verbatim."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.weight_processing import ProcessWeights

from family_checkpoints import FOLDER, VOCABULARY
from manifest import write_json


@dataclass(frozen=True)
class ToySpec:
    """One toy model: fields of HookedTransformerConfig."""

    name: str
    fields: dict[str, Any]

    @property
    def folder(self) -> str:
        """Path below the fixtures' root."""
        return str(FOLDER / self.name)


def shape(d_model: int, n_heads: int, d_head: int, n_layers: int, **more: Any) -> dict[str, Any]:
    """Fields that every toy model has."""
    return {
        "d_model": d_model,
        "n_heads": n_heads,
        "d_head": d_head,
        "n_layers": n_layers,
        "n_ctx": 40,
        "d_vocab": VOCABULARY,
    } | more


TOY_SPECS: tuple[ToySpec, ...] = (
    ToySpec("toy-attn-only-2l", shape(24, 3, 8, 2, attn_only=True, normalization_type="LN")),
    ToySpec("toy-attn-only-no-norm-1l", shape(16, 2, 8, 1, attn_only=True, normalization_type=None)),
    ToySpec("toy-solu-2l", shape(24, 3, 8, 2, d_mlp=40, act_fn="solu_ln")),
    # The first SoLU models ended in an RMS norm.
    ToySpec("toy-solu-1l-final-rms", shape(24, 2, 12, 1, d_mlp=40, act_fn="solu_ln", final_rms=True)),
    ToySpec(
        "toy-shortformer-2l",
        shape(24, 3, 8, 2, attn_only=True, positional_embedding_type="shortformer"),
    ),
    ToySpec("toy-ln-pre-2l", shape(24, 2, 10, 2, d_mlp=40, act_fn="relu", normalization_type="LNPre")),
    ToySpec(
        "toy-rms-gated-2l",
        shape(24, 4, 6, 2, d_mlp=40, act_fn="silu", normalization_type="RMS", gated_mlp=True)
        | {"positional_embedding_type": "rotary", "rotary_adjacent_pairs": True, "rotary_dim": 4}
        | {"n_key_value_heads": 2, "parallel_attn_mlp": True},
    ),
)

# HookedTransformer.from_pretrained switches these off for shortformer models, and says so.
SHORTFORMER = {"fold_ln": False, "center_unembed": False, "center_writing_weights": False}
RAW = SHORTFORMER | {"fold_value_biases": False}


def write_toy(spec: ToySpec, root: Path) -> None:
    """Writes config.json and model.safetensors, buffers of the state dict included."""
    folder = root / spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    model = HookedTransformer(HookedTransformerConfig(**spec.fields, device="cpu"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            generator = np.random.default_rng(zlib.crc32(f"{spec.name}/{name}".encode()))
            values = spread(name, parameter) * generator.standard_normal(tuple(parameter.shape))
            if name.endswith(".w"):
                values = values + 1
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
    config = {key: plain(value) for key, value in model.cfg.to_dict().items()}
    identity = {"architectures": ["HookedTransformer"], "model_type": "hooked_transformer"}
    write_json(folder / "config.json", identity | config)


def spread(name: str, parameter: torch.Tensor) -> float:
    """Standard deviation of a parameter; attention scores get one of about 2."""
    part = name.rsplit(".", 1)[-1]
    if part in ("w", "b") or part.lstrip("_").startswith("b_"):
        return 0.3
    if part in ("W_E", "W_pos", "W_U"):
        return 0.35
    gain = 1.4 if part in ("W_Q", "W_K", "_W_K") else 0.9
    inputs = parameter.shape[0] * parameter.shape[1] if part == "W_O" else parameter.shape[-2]
    return gain / inputs**0.5


def plain(value: Any) -> Any:
    """A field's value as JSON has it."""
    if isinstance(value, torch.dtype):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value


def load_toy(spec: ToySpec, form: str) -> HookedTransformer:
    """The folder as HookedTransformer: `form` is "processed" (as from_pretrained does) or "raw"."""
    steps = RAW if form == "raw" else {}
    if spec.fields.get("positional_embedding_type") == "shortformer":
        steps = steps or SHORTFORMER
    if spec.fields.get("final_rms"):
        # An RMS norm sees the mean: `process_weights` leaves W_O alone then, but centres b_O.
        steps = steps or {"center_writing_weights": False}
    fields = dict(spec.fields)
    if steps.get("fold_ln", True) and fields.get("normalization_type", "LN") in ("LN", "RMS"):
        # Built with the norm that is left after folding, as from_pretrained does.
        fields["normalization_type"] = fields.get("normalization_type", "LN") + "Pre"
    model = HookedTransformer(HookedTransformerConfig(**fields, device="cpu"))
    with centring_only_for_layer_norm():
        state = load_file(f"{spec.folder}/model.safetensors")
        model.load_and_process_state_dict(state, **steps)
    return model.eval()


@contextmanager
def centring_only_for_layer_norm() -> Iterator[None]:
    """Keeps W_U as it is where an RMS norm comes before it.

    `fold_layer_norm` centres W_U over d_model for the sake of the blocks' layer norms even if the
    last norm is RMS (`final_rms`), which does not centre: the loss would change.
    """
    fold = ProcessWeights._fold_unembed_layer_norm

    def folded(state: Any, cfg: Any, fold_biases: bool, center_weights: bool, adapter: Any) -> Any:
        return fold(state, cfg, fold_biases, center_weights and not cfg.final_rms, adapter)

    with patch.object(ProcessWeights, "_fold_unembed_layer_norm", staticmethod(folded)):
        yield

"""Small random GPT-Neo checkpoints in the Hugging Face layout."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import GPTNeoConfig, GPTNeoForCausalLM

from bpe import END_OF_TEXT, train_checkpoint_tokenizer, write_tokenizer


@dataclass(frozen=True)
class CheckpointSpec:
    """Shape, storage type and peculiarities of one checkpoint."""

    name: str
    attention_types: list[list[object]]
    heads: int
    hidden: int
    context: int
    vocab: int
    window: int = 256
    intermediate: int | None = None
    dtype: torch.dtype = torch.float32
    tied: bool = True
    legacy_buffers: bool = False
    """Also store the mask buffers that checkpoints of older transformers versions carry."""
    bos_template: bool = False
    """Give the tokenizer a post-processor that adds BOS itself."""
    tokenizer_vocab: int | None = None
    """Size of the tokenizer where it is smaller than the model's vocabulary (padded rows)."""
    sequences: tuple[int, ...] = (1, 2, 7, 24)
    edited: tuple[str, ...] | None = None
    """Hook kinds to make edit references for; None means every kind."""
    edited_raw: tuple[str, ...] | None = None
    """The same for the unprocessed weights."""

    @property
    def layers(self) -> int:
        """Number of transformer blocks."""
        return sum(len(kinds) * count for kinds, count in self.attention_types)  # type: ignore[misc,arg-type]

    raw_whole_up_to: int = 24
    """Tokens up to which every activation is stored for the unprocessed weights."""

    def is_edited(self, kind: str, form: str) -> bool:
        """Whether there is an edit reference for a hook kind, for "processed" or "raw"."""
        chosen = self.edited if form == "processed" else self.edited_raw
        return chosen is None or kind in chosen


GLOBAL_LOCAL = ["global", "local"]
FEW_EDITS = ("attn.hook_pattern", "attn.hook_z", "hook_resid_mid", "mlp.hook_post")

SPECS: tuple[CheckpointSpec, ...] = (
    CheckpointSpec(
        name="gpt-neo-1l-16h",
        attention_types=[[["global"], 1]],
        heads=16,
        hidden=64,
        context=48,
        vocab=320,
        sequences=(1, 2, 7, 24, 48),
        edited_raw=FEW_EDITS,
        raw_whole_up_to=7,
    ),
    CheckpointSpec(
        name="gpt-neo-3l-local",
        attention_types=[[GLOBAL_LOCAL, 1], [["global"], 1]],
        heads=4,
        hidden=32,
        context=32,
        vocab=280,
        window=5,
        intermediate=80,
    ),
    CheckpointSpec(
        name="gpt-neo-2l-f16",
        attention_types=[[GLOBAL_LOCAL, 1]],
        heads=2,
        hidden=16,
        context=16,
        vocab=272,
        window=4,
        dtype=torch.float16,
        legacy_buffers=True,
        sequences=(1, 2, 7, 16),
        edited=(),
        edited_raw=(),
    ),
    CheckpointSpec(
        name="gpt-neo-2l-bf16",
        attention_types=[[["local", "global"], 1]],
        heads=2,
        hidden=16,
        context=16,
        vocab=272,
        window=3,
        dtype=torch.bfloat16,
        tokenizer_vocab=265,
        sequences=(1, 2, 7, 16),
        edited=(),
        edited_raw=(),
    ),
    CheckpointSpec(
        name="gpt-neo-1l-untied",
        attention_types=[[["global"], 1]],
        heads=3,
        hidden=24,
        context=16,
        vocab=272,
        intermediate=40,
        tied=False,
        bos_template=True,
        sequences=(1, 2, 7, 16),
        edited=FEW_EDITS,
        edited_raw=FEW_EDITS,
    ),
)


def write_checkpoint(spec: CheckpointSpec, root: Path) -> None:
    """Writes `root/<name>/` with config.json, model.safetensors and the tokenizer's files."""
    folder = root / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    config = GPTNeoConfig(
        vocab_size=spec.vocab,
        max_position_embeddings=spec.context,
        hidden_size=spec.hidden,
        num_layers=spec.layers,
        attention_types=spec.attention_types,
        num_heads=spec.heads,
        intermediate_size=spec.intermediate,
        window_size=spec.window,
        tie_word_embeddings=spec.tied,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPTNeoForCausalLM(config)
    randomise(model, spec)
    model.to(spec.dtype).save_pretrained(folder, safe_serialization=True)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if spec.legacy_buffers:
        add_legacy_buffers(folder / "model.safetensors", spec)
    size = spec.tokenizer_vocab or spec.vocab
    tokenizer = train_checkpoint_tokenizer(size, bos_template=spec.bos_template)
    assert tokenizer.token_to_id(END_OF_TEXT) == config.bos_token_id
    assert tokenizer.get_vocab_size() == size
    write_tokenizer(tokenizer, folder)
    (folder / "model.safetensors").chmod(0o644)


def randomise(model: GPTNeoForCausalLM, spec: CheckpointSpec) -> None:
    """Draws every parameter anew, biases and layer norms too, so that nothing is trivial.

    Transformers starts biases at 0, layer norms at 1 and 0 and matrices near 0: then attention is
    uniform, layer norms are nearly linear, and most mistakes in an implementation cannot be seen.
    """
    head_dim = spec.hidden // spec.heads
    # Scores q·k (unscaled in GPT-Neo) get a standard deviation of about 2.
    query_key = (2.0 / (spec.hidden * head_dim**0.5)) ** 0.5
    deviations = {
        "wte": 0.35,
        "wpe": 0.3,
        "q_proj": query_key,
        "k_proj": query_key,
        "v_proj": 0.25,
        "out_proj": 0.25,
        "c_fc": 0.25,
        "c_proj": 0.2,
        "lm_head": 0.35,
    }
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            generator = np.random.default_rng(zlib.crc32(f"{spec.name}/{name}".encode()))
            noise = generator.standard_normal(tuple(parameter.shape))
            part = name.split(".")[-2]
            if name.endswith("bias"):
                values = 0.3 * noise
            elif part.startswith("ln_"):
                values = 1.0 + 0.3 * noise
            else:
                values = deviations[part] * noise
            if part == "q_proj":
                # Heads between soft and sharp.
                sharpness = np.linspace(0.4, 1.8, spec.heads).repeat(head_dim)
                values = values * sharpness[:, None]
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def add_legacy_buffers(path: Path, spec: CheckpointSpec) -> None:
    """Adds `attention.bias` and `attention.masked_bias`, which a loader must ignore."""
    tensors = load_file(path)
    for layer in range(spec.layers):
        prefix = f"transformer.h.{layer}.attn.attention"
        mask = torch.ones(spec.context, spec.context, dtype=torch.bool).tril()
        tensors[f"{prefix}.bias"] = mask.view(1, 1, spec.context, spec.context)
        tensors[f"{prefix}.masked_bias"] = torch.tensor(-1e9)
    save_file(tensors, path, metadata={"format": "pt"})


def load_transformers_model(name: str, dtype: torch.dtype = torch.float32) -> GPTNeoForCausalLM:
    """Loads a written checkpoint; stored weights are widened exactly."""
    return GPTNeoForCausalLM.from_pretrained(name, dtype=dtype).eval()

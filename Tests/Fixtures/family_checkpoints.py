"""Small random checkpoints of many model families, made by transformers' own classes."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import nn

from bpe import train_checkpoint_tokenizer, write_tokenizer

FOLDER = Path("families")
VOCABULARY = 270


@dataclass(frozen=True)
class FamilySpec:
    """One checkpoint: a class of transformers, its configuration, and how it is stored."""

    name: str
    architecture: str
    settings: dict[str, Any]
    dtype: torch.dtype = torch.float32
    without_prefix: str = ""
    """A prefix to take off the tensors' names, as some published folders lack it."""
    shard_size: str = "5GB"
    legacy_buffers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Constants that checkpoints of older transformers versions carry; `{l}` is the layer."""

    @property
    def folder(self) -> str:
        """Path below the fixtures' root."""
        return str(FOLDER / self.name)


def sizes(hidden: int, heads: int, layers: int, mlp: int, **more: Any) -> dict[str, Any]:
    """Settings in the words of most configurations."""
    return {
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "intermediate_size": mlp,
        "max_position_embeddings": 40,
    } | more


LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 12,
    "rope_theta": 500.0,
}

YARN_ROPE = {
    "rope_type": "yarn",
    "factor": 4.0,
    "original_max_position_embeddings": 12,
    "rope_theta": 10000.0,
}

# Two scales of YaRN that together say how much longer queries and keys become.
YARN_SCALES_ROPE = YARN_ROPE | {"mscale": 1.0, "mscale_all_dim": 0.4}

FAMILY_SPECS: tuple[FamilySpec, ...] = (
    # Stored as openai-community/gpt2 is: no prefix, and the masks of older versions.
    FamilySpec(
        "gpt2-2l",
        "GPT2LMHeadModel",
        {"n_embd": 24, "n_head": 3, "n_layer": 2, "n_positions": 40, "n_ctx": 40},
        without_prefix="transformer.",
        legacy_buffers={"h.{l}.attn.bias": (1, 1, 40, 40), "h.{l}.attn.masked_bias": ()},
    ),
    FamilySpec(
        "gpt2-3l-scaled",
        "GPT2LMHeadModel",
        {"n_embd": 16, "n_head": 2, "n_layer": 3, "n_positions": 40, "n_ctx": 40, "n_inner": 40}
        | {"scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False},
    ),
    FamilySpec(
        "neox-2l",
        "GPTNeoXForCausalLM",
        sizes(32, 2, 2, 48, rotary_pct=0.25, rotary_emb_base=10000),
        legacy_buffers={
            "gpt_neox.layers.{l}.attention.bias": (1, 1, 40, 40),
            "gpt_neox.layers.{l}.attention.masked_bias": (),
            "gpt_neox.layers.{l}.attention.rotary_emb.inv_freq": (2,),
        },
    ),
    FamilySpec(
        "neox-2l-sequential",
        "GPTNeoXForCausalLM",
        sizes(24, 3, 2, 40, rotary_pct=1.0, rotary_emb_base=500, tie_word_embeddings=True)
        | {"use_parallel_residual": False, "hidden_act": "gelu_new"},
        dtype=torch.float16,
    ),
    FamilySpec(
        "llama-2l",
        "LlamaForCausalLM",
        sizes(24, 3, 2, 40, rope_theta=10000.0),
        without_prefix="model.",
    ),
    FamilySpec(
        "llama-3l-grouped",
        "LlamaForCausalLM",
        sizes(24, 4, 3, 40, num_key_value_heads=2, head_dim=10, tie_word_embeddings=True)
        | {"rope_parameters": LLAMA3_ROPE},
        shard_size="30KB",
    ),
    FamilySpec(
        "llama-2l-biases",
        "LlamaForCausalLM",
        sizes(24, 4, 2, 40, num_key_value_heads=1, attention_bias=True)
        | {"rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 10000.0}},
    ),
    FamilySpec(
        "llama-2l-yarn",
        "LlamaForCausalLM",
        sizes(24, 3, 2, 40, rope_parameters=YARN_SCALES_ROPE),
    ),
    FamilySpec(
        "qwen2-2l",
        "Qwen2ForCausalLM",
        sizes(32, 4, 2, 40, num_key_value_heads=2, rope_theta=1000000.0, tie_word_embeddings=True),
        dtype=torch.bfloat16,
    ),
    FamilySpec(
        "qwen2-2l-window",
        "Qwen2ForCausalLM",
        sizes(24, 3, 2, 40, num_key_value_heads=3)
        | {"use_sliding_window": True, "max_window_layers": 1, "sliding_window": 4}
        | {"rope_parameters": YARN_ROPE},
    ),
    FamilySpec(
        "mistral-2l",
        "MistralForCausalLM",
        sizes(24, 4, 2, 40, num_key_value_heads=2, sliding_window=5),
        shard_size="30KB",
    ),
    FamilySpec(
        "mistral-2l-head-dim",
        "MistralForCausalLM",
        sizes(24, 2, 2, 40, num_key_value_heads=1, sliding_window=None, head_dim=16),
        dtype=torch.bfloat16,
    ),
    FamilySpec("phi-2l", "PhiForCausalLM", sizes(24, 2, 2, 48, partial_rotary_factor=0.5)),
    FamilySpec(
        "phi-3l",
        "PhiForCausalLM",
        sizes(24, 3, 3, 40, partial_rotary_factor=0.25, rope_theta=300.0, hidden_act="gelu"),
    ),
    FamilySpec(
        "gptj-2l",
        "GPTJForCausalLM",
        {"n_embd": 24, "n_head": 2, "n_layer": 2, "n_positions": 40, "rotary_dim": 8},
        legacy_buffers={
            "transformer.h.{l}.attn.bias": (1, 1, 40, 40),
            "transformer.h.{l}.attn.masked_bias": (),
        },
    ),
    FamilySpec(
        "gptj-2l-narrow",
        "GPTJForCausalLM",
        {"n_embd": 24, "n_head": 3, "n_layer": 2, "n_positions": 40, "rotary_dim": 4, "n_inner": 40},
    ),
    FamilySpec(
        "opt-2l",
        "OPTForCausalLM",
        sizes(24, 3, 2, 0, ffn_dim=40, word_embed_proj_dim=24),
    ),
    FamilySpec(
        "opt-3l",
        "OPTForCausalLM",
        sizes(16, 2, 3, 0, ffn_dim=64, word_embed_proj_dim=16, activation_function="gelu")
        | {"tie_word_embeddings": False},
        dtype=torch.float16,
        without_prefix="model.",
    ),
    FamilySpec(
        "bloom-2l",
        "BloomForCausalLM",
        {"hidden_size": 24, "n_head": 4, "n_layer": 2},
        without_prefix="transformer.",
    ),
    # ALiBi's slopes are another series where the number of heads is no power of two.
    FamilySpec("bloom-2l-5h", "BloomForCausalLM", {"hidden_size": 20, "n_head": 5, "n_layer": 2}),
    FamilySpec(
        "gemma-2l",
        "GemmaForCausalLM",
        sizes(24, 2, 2, 40, num_key_value_heads=1, head_dim=16),
    ),
    FamilySpec(
        "gemma-2l-3h",
        "GemmaForCausalLM",
        sizes(24, 3, 2, 40, num_key_value_heads=3, head_dim=8, rms_norm_eps=1e-5),
    ),
    # Caps so low that they bend the scores and logits of a small random model.
    FamilySpec(
        "gemma2-2l",
        "Gemma2ForCausalLM",
        sizes(24, 4, 2, 40, num_key_value_heads=2, head_dim=8, sliding_window=5)
        | {"query_pre_attn_scalar": 12, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 4.0},
    ),
    FamilySpec(
        "gemma2-2l-uncapped",
        "Gemma2ForCausalLM",
        sizes(24, 2, 2, 40, num_key_value_heads=2, head_dim=16, sliding_window=4)
        | {"query_pre_attn_scalar": 16, "attn_logit_softcapping": None, "final_logit_softcapping": None},
        dtype=torch.bfloat16,
    ),
    FamilySpec(
        "qwen3-2l",
        "Qwen3ForCausalLM",
        sizes(24, 2, 2, 40, num_key_value_heads=1, head_dim=16, tie_word_embeddings=True),
    ),
    FamilySpec(
        "qwen3-2l-biases",
        "Qwen3ForCausalLM",
        sizes(24, 3, 2, 40, num_key_value_heads=3, head_dim=8, attention_bias=True)
        | {"use_sliding_window": True, "max_window_layers": 1, "sliding_window": 5},
    ),
    FamilySpec("olmo-2l", "OlmoForCausalLM", sizes(24, 4, 2, 40)),
    FamilySpec(
        "olmo-2l-clip",
        "OlmoForCausalLM",
        sizes(24, 3, 2, 40, clip_qkv=0.8, rope_theta=500.0, tie_word_embeddings=True),
    ),
    FamilySpec("olmo2-2l", "Olmo2ForCausalLM", sizes(24, 3, 2, 40)),
    FamilySpec(
        "olmo2-2l-grouped",
        "Olmo2ForCausalLM",
        sizes(24, 4, 2, 40, num_key_value_heads=2, rope_theta=500000.0),
    ),
    FamilySpec("stablelm-2l", "StableLmForCausalLM", sizes(32, 2, 2, 40, num_key_value_heads=2)),
    FamilySpec(
        "stablelm-2l-parallel",
        "StableLmForCausalLM",
        sizes(24, 3, 2, 40, num_key_value_heads=1, use_qkv_bias=True, use_parallel_residual=True)
        | {"partial_rotary_factor": 0.5},
    ),
)


def write_family_checkpoint(spec: FamilySpec, root: Path) -> None:
    """Writes the folder as `save_pretrained` does, and a tokenizer."""
    folder = root / spec.folder
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    kind = getattr(transformers, spec.architecture)
    common = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 0}
    model = kind(kind.config_class(**common, **spec.settings))
    randomise(model, spec.name)
    model.to(spec.dtype).save_pretrained(folder, max_shard_size=spec.shard_size)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if spec.without_prefix or spec.legacy_buffers:
        rewrite_tensors(folder / "model.safetensors", spec, model.config.num_hidden_layers)
    write_tokenizer(train_checkpoint_tokenizer(VOCABULARY, bos_template=False), folder)
    for path in folder.iterdir():
        path.chmod(0o644)


def randomise(model: nn.Module, seed: str) -> None:
    """Draws every parameter anew, biases and norms too, so that nothing is trivial."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            module = model.get_submodule(name.rpartition(".")[0])
            generator = np.random.default_rng(zlib.crc32(f"{seed}/{name}".encode()))
            noise = generator.standard_normal(tuple(parameter.shape))
            values = spread(name, module, parameter.shape) * noise
            if name.endswith("weight") and is_norm(module) and "Gemma" not in type(module).__name__:
                values = values + 1
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def is_norm(module: nn.Module) -> bool:
    """Whether a module is a layer norm or an RMS norm (Gemma's holds the weight minus 1)."""
    return "Norm" in type(module).__name__


def spread(name: str, module: nn.Module, shape: torch.Size) -> float:
    """Standard deviation of a parameter; attention scores get one of about 2."""
    if len(shape) == 1:
        return 0.3
    if isinstance(module, nn.Embedding) or "lm_head" in name or "embed_out" in name:
        return 0.35
    inputs = shape[0] if type(module).__name__ == "Conv1D" else shape[1]
    attends = any(part in name for part in ("q_proj", "k_proj", "c_attn", "query_key_value"))
    return (1.4 if attends else 0.9) / inputs**0.5


def rewrite_tensors(path: Path, spec: FamilySpec, layers: int) -> None:
    """Takes a prefix off the names and adds buffers that mean nothing."""
    tensors = load_file(path)
    tensors = {name.removeprefix(spec.without_prefix): value for name, value in tensors.items()}
    for pattern, shape in spec.legacy_buffers.items():
        for layer in range(layers):
            value = torch.ones(shape)
            if len(shape) == 4:
                value = value.to(torch.bool).tril()
            tensors[pattern.format(l=layer)] = value
    save_file(tensors, path, metadata={"format": "pt"})


def load_family_model(folder: str) -> Any:
    """The checkpoint by transformers itself, widened to float32."""
    config = json.loads((Path(folder) / "config.json").read_text())
    kind = getattr(transformers, config["architectures"][0])
    return kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

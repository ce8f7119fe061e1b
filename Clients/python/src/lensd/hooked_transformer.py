"""What a TransformerLens `HookedTransformer` consists of: its configuration's defaults and its tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lensd.errors import InvalidArgument, Unimplemented

# What a configuration may leave out, as HookedTransformerConfig (TransformerLens 3.9) has it.
DEFAULTS: dict[str, Any] = {
    "n_heads": -1,
    "d_mlp": None,
    "d_vocab_out": -1,
    "act_fn": "relu",
    "eps": 1e-5,
    "use_attn_scale": True,
    "attn_scale": -1.0,
    "normalization_type": "LN",
    "positional_embedding_type": "standard",
    "attention_dir": "causal",
    "attn_only": False,
    "gated_mlp": False,
    "parallel_attn_mlp": False,
    "final_rms": False,
    "post_embedding_ln": False,
    "use_normalization_before_and_after": False,
    "use_qk_norm": False,
    "use_local_attn": False,
    "n_key_value_heads": None,
    "num_experts": None,
    "original_architecture": None,
    "default_prepend_bos": True,
}
_REQUIRED = ("n_layers", "d_model", "d_head", "n_ctx", "d_vocab")
_SIZES = (*_REQUIRED, "n_heads", "d_vocab_out")
# Architectures whose query and key norms span all heads at once.
_WIDE_QK_NORM = ("Olmo2ForCausalLM", "Olmo3ForCausalLM", "OlmoeForCausalLM")


def complete(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with TransformerLens's defaults for what it leaves out or has as -1, sizes checked.

    Raises `InvalidArgument` naming the key, `Unimplemented` for mixtures of experts.
    """
    missing = [key for key in _REQUIRED if key not in cfg]
    if missing:
        raise InvalidArgument(f"cfg needs {', '.join(_REQUIRED)}; {', '.join(missing)} is missing")
    full = {**DEFAULTS, **cfg}
    if full["n_heads"] == -1:
        if full["d_model"] % full["d_head"]:
            raise InvalidArgument(
                f"without n_heads, d_model must be divisible by d_head; received {full['d_model']} and {full['d_head']}"
            )
        full["n_heads"] = full["d_model"] // full["d_head"]
    if full["d_vocab_out"] == -1:
        full["d_vocab_out"] = full["d_vocab"]
    if full["d_mlp"] is None and not full["attn_only"]:
        full["d_mlp"] = 4 * full["d_model"]
    if full["use_attn_scale"] and full["attn_scale"] == -1.0:
        full["attn_scale"] = math.sqrt(full["d_head"])
    if full["positional_embedding_type"] == "rotary" and full.get("rotary_dim") is None:
        full["rotary_dim"] = full["d_head"]
    for key in _SIZES + (() if full["attn_only"] else ("d_mlp",)):
        if isinstance(full[key], bool) or not isinstance(full[key], int) or full[key] < 1:
            raise InvalidArgument(f"cfg['{key}'] must be an integer over 0; received {full[key]!r}")
    if full["normalization_type"] not in ("LN", "LNPre", "RMS", "RMSPre", None):
        raise InvalidArgument(
            f"cfg['normalization_type'] must be 'LN', 'LNPre', 'RMS', 'RMSPre' or None; "
            f"received {full['normalization_type']!r}"
        )
    if full["num_experts"] is not None:
        raise Unimplemented(f"not supported: mixtures of experts; cfg['num_experts'] is {full['num_experts']!r}")
    return full


def tensor_shapes(cfg: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Every tensor of `HookedTransformer(cfg).state_dict()` that is a weight, in its order; `cfg` is `complete`."""
    model, head, vocab = cfg["d_model"], cfg["d_head"], cfg["d_vocab"]
    norm = cfg["normalization_type"]
    shapes: dict[str, tuple[int, ...]] = {"embed.W_E": (vocab, model)}
    if cfg["post_embedding_ln"]:
        shapes |= _norm("embed.ln", "LN", model)
    if cfg["positional_embedding_type"] in ("standard", "shortformer"):
        shapes["pos_embed.W_pos"] = (cfg["n_ctx"], model)
    for layer in range(cfg["n_layers"]):
        block = f"blocks.{layer}"
        shapes |= _norm(f"{block}.ln1", norm, model)
        if cfg["use_normalization_before_and_after"]:
            # Never folded, so there are weights after folding too.
            shapes |= _norm(f"{block}.ln1_post", norm and norm.removesuffix("Pre"), model)
        if not cfg["attn_only"]:
            shapes |= _norm(f"{block}.ln2", norm, model)
            if cfg["use_normalization_before_and_after"]:
                shapes |= _norm(f"{block}.ln2_post", norm and norm.removesuffix("Pre"), model)
        shapes |= _attention(f"{block}.attn", cfg, model, head)
        if not cfg["attn_only"]:
            shapes |= _mlp(f"{block}.mlp", cfg, model)
    shapes |= _norm("ln_final", norm.replace("LN", "RMS") if norm and cfg["final_rms"] else norm, model)
    return shapes | {"unembed.W_U": (model, cfg["d_vocab_out"]), "unembed.b_U": (cfg["d_vocab_out"],)}


def is_buffer(name: str, cfg: Mapping[str, Any]) -> bool:
    """Whether a state dict's tensor is no weight but something that TransformerLens keeps beside them."""
    if name.rpartition(".")[2] in ("mask", "IGNORE", "rotary_sin", "rotary_cos", "alibi"):
        return True
    # ALiBi models have a position embedding that nothing reads.
    return name == "pos_embed.W_pos" and cfg["positional_embedding_type"] == "alibi"


def _norm(name: str, kind: str | None, width: int) -> dict[str, tuple[int, ...]]:
    """Nothing for folded norms and for none at all."""
    parts = {"LN": ("w", "b"), "RMS": ("w",)}.get(kind or "", ())
    return {f"{name}.{part}": (width,) for part in parts}


def _attention(name: str, cfg: Mapping[str, Any], model: int, head: int) -> dict[str, tuple[int, ...]]:
    heads, groups = cfg["n_heads"], cfg["n_key_value_heads"]
    shared, of = ("", heads) if groups is None else ("_", groups)
    shapes: dict[str, tuple[int, ...]] = {
        f"{name}.W_Q": (heads, model, head),
        f"{name}.W_O": (heads, head, model),
        f"{name}.b_Q": (heads, head),
        f"{name}.b_O": (model,),
        f"{name}.{shared}W_K": (of, model, head),
        f"{name}.{shared}W_V": (of, model, head),
        f"{name}.{shared}b_K": (of, head),
        f"{name}.{shared}b_V": (of, head),
    }
    if cfg["use_qk_norm"]:
        shapes |= {f"{name}.q_norm.w": (head,), f"{name}.k_norm.w": (head,)}
    elif cfg["original_architecture"] in _WIDE_QK_NORM:
        shapes |= {f"{name}.q_norm.w": (model,), f"{name}.k_norm.w": (model if groups is None else groups * head,)}
    return shapes


def _mlp(name: str, cfg: Mapping[str, Any], model: int) -> dict[str, tuple[int, ...]]:
    width = cfg["d_mlp"]
    shapes: dict[str, tuple[int, ...]] = {f"{name}.W_in": (model, width), f"{name}.W_out": (width, model)}
    if cfg["gated_mlp"]:
        shapes[f"{name}.W_gate"] = (model, width)
    shapes |= {f"{name}.b_in": (width,), f"{name}.b_out": (model,)}
    if str(cfg["act_fn"]).endswith("_ln") and cfg["normalization_type"] == "LN":
        shapes |= _norm(f"{name}.ln", "LN", width)
    return shapes

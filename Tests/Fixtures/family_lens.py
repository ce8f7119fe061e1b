"""HookedTransformer on checkpoints of many families, mended where 3.9 reads them wrongly.

`accept_families` says what is mended. Whatever comes out is held against transformers' own logits
by family_reference.py, so a mistake here cannot hide.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import nn
from transformer_lens import HookedTransformer, loading_from_pretrained
from transformer_lens.components import AbstractAttention
from transformer_lens.components.mlps.gated_mlp import GatedMLP
from transformer_lens.factories import mlp_factory
from transformer_lens.loading_from_pretrained import (
    convert_hf_model_config,
    get_pretrained_state_dict,
)
from transformer_lens.pretrained.weight_conversions import (
    convert_llama_weights,
    convert_olmo3_weights,
)
from transformers import AutoConfig, PreTrainedTokenizerFast
from transformers.models.bloom.modeling_bloom import _get_alibi_slopes

from family_checkpoints import load_family_model

Fields = dict[str, Any]


def accept_families() -> None:
    """Mends TransformerLens 3.9 for local folders of every family.

    - sizes that it takes from a model's name (Gemma, OLMo) or assumes (d_mlp, n_ctx, d_head, the
      rotary base of GPT-NeoX) come from config.json, sliding windows and YaRN of Qwen too;
    - Gemma 1's activation is the tanh form of GELU, as in transformers;
    - biases of attention in LLaMA and Qwen 3; grouped queries in OLMo 2;
    - Phi's rotary part, which transformers 5 keeps in another place;
    - ALiBi's slopes for a number of heads that is no power of two;
    - StableLM, which it does not know: its tensors are LLaMA's with biases in the layer norms. Folding
      those gives a gated MLP biases before the product, which `BiasedGatedMLP` has.
    """
    loading: Any = loading_from_pretrained

    def fields(model_name: str, **kwargs: Any) -> Fields:
        config = AutoConfig.from_pretrained(model_name)
        architecture = config.architectures[0]
        if architecture in TEMPLATES:
            result = convert_hf_model_config(TEMPLATES[architecture])
        elif architecture in OWN_FIELDS:
            result = {"original_architecture": architecture}
        else:
            with tempfile.TemporaryDirectory() as neutral:
                # A folder called "llama…" or "gemma…" would be taken for that model.
                os.symlink(Path(model_name).absolute(), f"{neutral}/checkpoint")
                result = convert_hf_model_config(f"{neutral}/checkpoint", **kwargs)
        result |= corrections(architecture, config)
        return result | {"tokenizer_name": None, "default_prepend_bos": True}

    def state_dict(name: str, cfg: Any, hf_model: Any, **kwargs: Any) -> dict[str, torch.Tensor]:
        if cfg.original_architecture == "StableLmForCausalLM":
            return stablelm_state_dict(hf_model, cfg)
        if cfg.original_architecture == "Olmo2ForCausalLM" and cfg.n_key_value_heads is not None:
            return convert_olmo3_weights(hf_model, cfg)
        state = get_pretrained_state_dict(name, cfg, hf_model, **kwargs)
        return with_attention_biases(state, hf_model, cfg)

    loading.get_official_model_name = lambda name: name
    loading.convert_hf_model_config = fields
    loading.get_pretrained_state_dict = state_dict
    AbstractAttention.create_alibi_multipliers = staticmethod(_get_alibi_slopes)


# TransformerLens tells these by their names alone; the sizes are put right afterwards.
TEMPLATES = {"GemmaForCausalLM": "google/gemma-2b", "Gemma2ForCausalLM": "google/gemma-2-2b"}
OWN_FIELDS = ("OlmoForCausalLM", "Olmo2ForCausalLM", "PhiForCausalLM", "StableLmForCausalLM")


def corrections(architecture: str, config: Any) -> Fields:
    """Fields that TransformerLens leaves out, assumes or has from a model's name."""
    match architecture:
        case "GPT2LMHeadModel" | "GPTJForCausalLM":
            return {"d_mlp": config.n_inner or 4 * config.n_embd}
        case "GPTNeoXForCausalLM":
            return {"rotary_base": config.rope_parameters["rope_theta"]}
        case "GPTNeoForCausalLM":
            return {"d_mlp": config.intermediate_size or 4 * config.hidden_size}
        case "OPTForCausalLM" | "BloomForCausalLM":
            return {}
    fields = decoder_fields(config)
    match architecture:
        case "LlamaForCausalLM":
            fields |= yarn(config)
            if config.rope_parameters["rope_type"] == "linear":
                fields |= {"rotary_scaling_factor": config.rope_parameters["factor"]}
            if config.num_key_value_heads == config.num_attention_heads:
                fields |= {"n_key_value_heads": None}
        case "Qwen2ForCausalLM" | "Qwen3ForCausalLM":
            fields |= windows(config) | yarn(config)
        case "GemmaForCausalLM":
            fields |= {"act_fn": config.hidden_act}
        case "Gemma2ForCausalLM":
            fields |= windows(config) | {
                "attn_scale": config.query_pre_attn_scalar**0.5,
                "attn_scores_soft_cap": config.attn_logit_softcapping or -1.0,
                "output_logits_soft_cap": config.final_logit_softcapping or -1.0,
            }
        case "OlmoForCausalLM":
            fields |= {"eps": 1e-5, "normalization_type": "LN", "clip_qkv": config.clip_qkv}
            fields |= {"n_key_value_heads": None}
        case "Olmo2ForCausalLM":
            fields |= {"eps": config.rms_norm_eps, "normalization_type": "RMS"}
            if config.num_key_value_heads == config.num_attention_heads:
                fields |= {"n_key_value_heads": None}
        case "PhiForCausalLM" | "StableLmForCausalLM":
            rotary = config.rope_parameters["partial_rotary_factor"]
            fields |= {
                "eps": config.layer_norm_eps,
                "normalization_type": "LN",
                "parallel_attn_mlp": getattr(config, "use_parallel_residual", True),
                "rotary_dim": int(rotary * fields["d_head"]),
            }
    if architecture == "PhiForCausalLM":
        fields |= {"n_key_value_heads": None}
    if architecture in OWN_FIELDS:
        fields |= {
            "n_layers": config.num_hidden_layers,
            "act_fn": config.hidden_act,
            "positional_embedding_type": "rotary",
            "gated_mlp": architecture != "PhiForCausalLM",
        }
    return fields


def decoder_fields(config: Any) -> Fields:
    """Sizes in the words that LLaMA's descendants share."""
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return {
        "d_model": config.hidden_size,
        "n_layers": config.num_hidden_layers,
        "d_head": head,
        "rotary_dim": head,
        "n_heads": config.num_attention_heads,
        "n_key_value_heads": config.num_key_value_heads,
        "d_mlp": config.intermediate_size,
        "n_ctx": config.max_position_embeddings,
        "d_vocab": config.vocab_size,
        "eps": getattr(config, "rms_norm_eps", 1e-5),
        "rotary_base": config.rope_parameters["rope_theta"],
    }


def windows(config: Any) -> Fields:
    """Which layers see a sliding window only."""
    kinds = ["local" if kind == "sliding_attention" else "global" for kind in config.layer_types]
    if "local" not in kinds:
        return {}
    return {"use_local_attn": True, "attn_types": kinds, "window_size": config.sliding_window}


def yarn(config: Any) -> Fields:
    """YaRN's scaling of the angles."""
    rope = config.rope_parameters
    if rope["rope_type"] != "yarn":
        return {}
    factor = math.log(rope["factor"])
    scales = [rope.get(key) for key in ("mscale", "mscale_all_dim")]
    if not all(scales):
        scales = [1.0, 0.0]
    return {
        "use_yarn_rope": True,
        "yarn_factor": rope["factor"],
        "yarn_attention_factor": (0.1 * scales[0] * factor + 1) / (0.1 * scales[1] * factor + 1),
        "yarn_original_max_position_embeddings": rope["original_max_position_embeddings"],
        "yarn_beta_fast": 32.0,
        "yarn_beta_slow": 1.0,
    }


def with_attention_biases(state: dict[str, torch.Tensor], hf_model: Any, cfg: Any) -> dict[str, torch.Tensor]:
    """Puts in biases of q, k, v and o that a converter holds for absent."""
    if cfg.original_architecture not in ("LlamaForCausalLM", "Qwen3ForCausalLM"):
        return state
    for layer in range(cfg.n_layers):
        attention = hf_model.model.layers[layer].self_attn
        for ours, theirs in (("Q", "q"), ("K", "k"), ("V", "v")):
            bias = getattr(attention, f"{theirs}_proj").bias
            if bias is not None:
                mark = "_" if ours != "Q" and cfg.n_key_value_heads is not None else ""
                state[f"blocks.{layer}.attn.{mark}b_{ours}"] = bias.reshape(-1, cfg.d_head)
        if attention.o_proj.bias is not None:
            state[f"blocks.{layer}.attn.b_O"] = attention.o_proj.bias
    return state


def stablelm_state_dict(hf_model: Any, cfg: Any) -> dict[str, torch.Tensor]:
    """StableLM's tensors under TransformerLens's names."""
    layers = hf_model.model.layers
    if cfg.parallel_attn_mlp:
        for layer in layers:
            layer.post_attention_layernorm = layer.input_layernorm
    state = convert_llama_weights(hf_model, cfg)
    for index, layer in enumerate(layers):
        state[f"blocks.{index}.ln1.b"] = layer.input_layernorm.bias
        state[f"blocks.{index}.ln2.b"] = layer.post_attention_layernorm.bias
        for ours, theirs in (("Q", "q"), ("K", "k"), ("V", "v")):
            bias = getattr(layer.self_attn, f"{theirs}_proj").bias
            if bias is not None:
                mark = "" if ours == "Q" else "_"
                state[f"blocks.{index}.attn.{mark}b_{ours}"] = bias.reshape(-1, cfg.d_head)
    state["ln_final.b"] = hf_model.model.norm.bias
    return state


class BiasedGatedMLP(GatedMLP):
    """A gated MLP whose biases come before the product, where folded layer norms put them."""

    def __init__(self, cfg: Any) -> None:
        super().__init__(cfg)
        self.b_gate = nn.Parameter(torch.zeros(self.d_mlp, dtype=self.cfg.dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, pos, d_model] to the same."""
        pre = self.hook_pre(F.linear(x, self.W_gate.T, self.b_gate))
        pre_linear = self.hook_pre_linear(F.linear(x, self.W_in.T, self.b_in))
        post = self.hook_post(self.act_fn(pre) * pre_linear)
        return F.linear(post, self.W_out.T, self.b_out)


def load_family_lens(folder: str, form: str) -> HookedTransformer:
    """The checkpoint as HookedTransformer: `form` is "processed" (the defaults) or "raw"."""
    load = HookedTransformer.from_pretrained if form == "processed" else HookedTransformer.from_pretrained_no_processing
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    biased = patch.object(mlp_factory, "GatedMLP", BiasedGatedMLP)
    with contextlib.redirect_stdout(io.StringIO()), biased:
        model = load(folder, hf_model=load_family_model(folder), tokenizer=tokenizer, device="cpu")
    return model.eval()

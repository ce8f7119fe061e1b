"""Writes what HookedTransformer's state dicts hold: `python Tests/Fixtures/hooked_transformer_shapes.py`.

One record for each of some configurations: `cfg`, and `tensors`, every name of the state dict with its shape.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path

from transformer_lens import HookedTransformer, HookedTransformerConfig

TARGET = Path(__file__).parents[2] / "Clients/python/tests/hooked_transformer_shapes.json"
SIZES = {"n_layers": 2, "d_model": 12, "d_head": 3, "n_ctx": 7, "d_vocab": 11}
VARIANTS: list[dict[str, object]] = [
    {"attn_only": True},
    {"attn_only": True, "normalization_type": None, "d_vocab_out": 5, "n_heads": 2},
    {"attn_only": True, "positional_embedding_type": "shortformer", "normalization_type": "LNPre"},
    {"act_fn": "gelu_new"},
    {"act_fn": "gelu_new", "normalization_type": "LNPre", "d_mlp": 20},
    {"act_fn": "relu", "normalization_type": None, "attention_dir": "bidirectional"},
    {"act_fn": "solu_ln", "final_rms": True},
    {"act_fn": "solu_ln", "normalization_type": "LNPre"},
    {"act_fn": "silu", "gated_mlp": True, "normalization_type": "RMS", "positional_embedding_type": "rotary"},
    {
        "act_fn": "silu",
        "gated_mlp": True,
        "normalization_type": "RMSPre",
        "positional_embedding_type": "rotary",
        "rotary_dim": 2,
        "n_heads": 4,
        "n_key_value_heads": 2,
        "use_qk_norm": True,
    },
    {
        "act_fn": "gelu_pytorch_tanh",
        "gated_mlp": True,
        "normalization_type": "RMSPre",
        "positional_embedding_type": "rotary",
        "n_key_value_heads": 1,
        "use_normalization_before_and_after": True,
    },
    {"act_fn": "silu", "normalization_type": "RMS", "original_architecture": "Olmo2ForCausalLM"},
    {"act_fn": "gelu", "positional_embedding_type": "alibi", "post_embedding_ln": True},
    {"act_fn": "gelu_new", "positional_embedding_type": "rotary", "parallel_attn_mlp": True, "rotary_dim": 2},
    {"act_fn": "gelu_new", "use_local_attn": True, "window_size": 3, "attn_types": ["global", "local"]},
]


def record(variant: dict[str, object]) -> dict[str, object]:
    """A model's tensors."""
    cfg = SIZES | variant
    model = HookedTransformer(HookedTransformerConfig.from_dict(cfg | {"device": "cpu"}))
    return {"cfg": cfg, "tensors": {name: list(each.shape) for name, each in model.state_dict().items()}}


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    records = [json.dumps(record(variant)) for variant in VARIANTS]
    TARGET.write_text("[\n " + ",\n ".join(records) + "\n]\n")

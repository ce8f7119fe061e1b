"""HookedTransformer (TransformerLens 3.9) on a local checkpoint folder."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from transformer_lens import HookedTransformer, loading_from_pretrained
from transformer_lens.hook_points import HookPoint
from transformers import AutoConfig, PreTrainedTokenizerFast

from checkpoints import load_transformers_model

FORMS = ("processed", "raw")

Tensors = dict[str, torch.Tensor]

# In the order of a pass. `{l}` is the layer.
BLOCK_HOOKS = (
    "hook_resid_pre",
    "hook_attn_in",
    "hook_q_input",
    "hook_k_input",
    "hook_v_input",
    "ln1.hook_scale",
    "ln1.hook_normalized",
    "attn.hook_q",
    "attn.hook_k",
    "attn.hook_v",
    "attn.hook_attn_scores",
    "attn.hook_pattern",
    "attn.hook_z",
    "attn.hook_result",
    "hook_attn_out",
    "hook_resid_mid",
    "hook_mlp_in",
    "ln2.hook_scale",
    "ln2.hook_normalized",
    "mlp.hook_pre",
    "mlp.hook_post",
    "hook_mlp_out",
    "hook_resid_post",
)

# The switches of TransformerLens without which a costly hook point is never called. They exclude
# one another to some degree (see `reference_modes` in reference.py), so one is set at a time.
SWITCHES = {
    "hook_result": "use_attn_result",
    "hook_q_input": "use_split_qkv_input",
    "hook_k_input": "use_split_qkv_input",
    "hook_v_input": "use_split_qkv_input",
    "hook_attn_in": "use_attn_in",
    "hook_mlp_in": "use_hook_mlp_in",
}


def accept_local_folders() -> None:
    """Lets TransformerLens take a folder for a name, and read its `intermediate_size`.

    TransformerLens assumes d_mlp = 4 * d_model for every GPT-Neo.
    """
    loading: Any = loading_from_pretrained
    convert: Callable[..., dict[str, Any]] = loading.convert_hf_model_config

    def convert_with_width(model_name: str, **kwargs: Any) -> dict[str, Any]:
        fields = convert(model_name, **kwargs)
        width = AutoConfig.from_pretrained(model_name).intermediate_size
        if width is not None:
            fields["d_mlp"] = width
        return fields

    loading.get_official_model_name = lambda name: name
    loading.convert_hf_model_config = convert_with_width


def load_lens_model(name: str, form: str, dtype: torch.dtype = torch.float32) -> HookedTransformer:
    """The checkpoint as HookedTransformer: `form` is "processed" (the defaults) or "raw"."""
    load = (
        HookedTransformer.from_pretrained
        if form == "processed"
        else HookedTransformer.from_pretrained_no_processing
    )
    tokenizer = PreTrainedTokenizerFast.from_pretrained(name)
    with contextlib.redirect_stdout(io.StringIO()), processing_in(dtype):
        model = load(
            name,
            hf_model=load_transformers_model(name, dtype),
            tokenizer=tokenizer,
            device="cpu",
            dtype=dtype,
        )
    model.eval()
    return model


@contextmanager
def processing_in(dtype: torch.dtype) -> Iterator[None]:
    """Keeps float64 weights float64 while they are processed.

    `ProcessWeights.process_weights` calls `.float()` on whatever is not float32, meaning to widen
    half precision; float64 weights are rounded by it and stay so.
    """
    if dtype != torch.float64:
        yield
        return
    with patch.object(torch.Tensor, "float", torch.Tensor.double):
        yield


@contextmanager
def switched_on(model: HookedTransformer, switch: str | None) -> Iterator[None]:
    """Sets one `cfg.use_…` switch for a while."""
    if switch is None:
        yield
        return
    setattr(model.cfg, switch, True)
    try:
        yield
    finally:
        setattr(model.cfg, switch, False)


@contextmanager
def token_hook(model: HookedTransformer) -> Iterator[None]:
    """Gives the model `hook_tokens`, which TransformerLens only makes when it is built."""
    model.hook_tokens = HookPoint()
    model.setup()
    try:
        with switched_on(model, "use_hook_tokens"):
            yield
    finally:
        del model.hook_tokens
        model.setup()


def switch_of(hook_name: str) -> str | None:
    """The switch that a hook point needs, None for the ones that are always there."""
    return SWITCHES.get(hook_name.rsplit(".", 1)[-1])


def hook_names(layers: int) -> list[str]:
    """Every hook point of the table for GPT-Neo, in the order of a pass."""
    blocks = [f"blocks.{layer}.{hook}" for layer in range(layers) for hook in BLOCK_HOOKS]
    return [
        "hook_embed",
        "hook_pos_embed",
        *blocks,
        "ln_final.hook_scale",
        "ln_final.hook_normalized",
    ]

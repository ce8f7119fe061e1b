"""Gradients of the loss by torch autograd through HookedTransformer, at every hook point of some families.

`families/<checkpoint>/gradients.safetensors`: `tokens`, and `processed/<hook point>` and `raw/<hook point>` without the
batch axis, for checkpoints that between them do everything that a forward pass does.
"""

from __future__ import annotations

from typing import Any

import torch
from transformer_lens import HookedTransformer
from transformer_lens.hook_points import HookPoint

from family_reference import SWITCHES, possible, tokens_of, without_batch
from lens import FORMS, Tensors, switched_on

LENGTH = 6
CHECKPOINTS = (
    "bloom-2l",
    "gemma2-2l",
    "gpt2-3l-scaled",
    "gptj-2l",
    "llama-3l-grouped",
    "neox-2l",
    "olmo-2l-clip",
    "olmo2-2l-grouped",
    "qwen3-2l",
    "stablelm-2l-parallel",
    "toy-attn-only-no-norm-1l",
    "toy-shortformer-2l",
    "toy-solu-2l",
)


def family_gradients(name: str, lenses: dict[str, HookedTransformer]) -> Tensors:
    """All tensors of one checkpoint's file."""
    tokens = tokens_of(name, LENGTH)
    tensors: Tensors = {"tokens": tokens}
    with torch.enable_grad():
        for form in FORMS:
            for key, value in gradients(lenses[form], tokens).items():
                tensors[f"{form}/{key}"] = value.detach().float().contiguous().clone()
    return tensors


def gradients(model: HookedTransformer, tokens: torch.Tensor) -> Tensors:
    """What backward hooks see at each point, one switch at a time.

    TransformerLens calls `ln1` three times, for q, k and v: the gradient of the one activation is
    the sum. Logits are left out: TransformerLens has that point before a soft-cap.
    """
    found: Tensors = {}
    for switch in (None, *dict.fromkeys(SWITCHES.values())):
        if switch is not None and not possible(model, switch):
            continue
        seen: Tensors = {}

        def see(gradient: torch.Tensor, hook: HookPoint, seen: Tensors = seen) -> None:
            value = gradient.clone()
            seen[hook.name] = seen[hook.name] + value if hook.name in seen else value

        def wanted(name: str, switch: str | None = switch) -> bool:
            return SWITCHES.get(name.rsplit(".", 1)[-1]) == switch and not name.startswith("unembed.")

        hooks: list[tuple[Any, Any]] = [(wanted, see)]
        with switched_on(model, switch), model.hooks(bwd_hooks=hooks):
            model(tokens[None], return_type="loss").backward()
        model.zero_grad()
        found |= {key: without_batch(key, value, len(tokens)) for key, value in seen.items()}
    return found

"""Ablations of every head and single edits of every hook point, by TransformerLens."""

from __future__ import annotations

import zlib
from functools import partial
from typing import Any

import numpy as np
import torch
from transformer_lens import HookedTransformer
from transformer_lens.hook_points import HookPoint

from checkpoints import CheckpointSpec
from lens import Tensors, hook_names, switch_of, switched_on, token_hook

SCALE_FACTOR = 1.3


def ablations(model: HookedTransformer, form: str, name: str, tokens: torch.Tensor) -> Tensors:
    """Zero and mean ablation of hook_z, a whole pass for each head of each layer.

    `loss [layer, head]`, `token_loss [layer, head, pos - 1]`. The mean is over the positions of
    the same prompt.
    """
    layers, heads = model.cfg.n_layers, model.cfg.n_heads
    tensors = {}
    for kind in ("zero", "mean"):
        token_loss = torch.zeros(layers, heads, len(tokens) - 1)
        loss = torch.zeros(layers, heads)
        for layer in range(layers):
            for head in range(heads):
                hooks = [(f"blocks.{layer}.attn.hook_z", partial(ablate_head, head, kind))]
                logits = model.run_with_hooks(tokens[None], fwd_hooks=hooks)
                loss[layer, head] = model.loss_fn(logits, tokens[None])
                token_loss[layer, head] = model.loss_fn(logits, tokens[None], per_token=True)[0]
        tensors[f"ablate/{name}/{form}/{kind}/loss"] = loss
        tensors[f"ablate/{name}/{form}/{kind}/token_loss"] = token_loss
    return tensors


def ablate_head(head: int, kind: str, z: torch.Tensor, hook: HookPoint) -> torch.Tensor:
    """Hook that puts zero, or the mean over positions, in the place of one head's z."""
    z = z.clone()
    z[:, :, head] = z[:, :, head].mean(1, keepdim=True) if kind == "mean" else 0.0
    return z


def edits(
    model: HookedTransformer, spec: CheckpointSpec, form: str, name: str, tokens: torch.Tensor
) -> Tensors:
    """One edit per hook point, in the last layer but one: the value and what comes of it.

    `hook_scale` is multiplied by `value [1]`; to every other point `value`, of the point's own
    shape, is added. `replace/…` holds edits that put `value` in the activation's place.
    """
    layer = max(0, spec.layers - 2)
    _, cache = model.run_with_cache(tokens[None], remove_batch_dim=True)
    tensors: Tensors = {}
    for hook_name in hook_names(spec.layers):
        kind = hook_name
        if hook_name.startswith("blocks."):
            _, index, kind = hook_name.split(".", 2)
            if int(index) != layer:
                continue
        if not spec.is_edited(kind, form):
            continue
        switch = switch_of(hook_name)
        with switched_on(model, switch):
            value = edit_value(model, f"{spec.name}/{hook_name}", hook_name, tokens)
            factor = hook_name.endswith("hook_scale")

            def edit(
                activation: torch.Tensor,
                hook: HookPoint,
                value: torch.Tensor = value,
                factor: bool = factor,
            ) -> torch.Tensor:
                return activation * value if factor else activation + value[None]

            logits = model.run_with_hooks(tokens[None], fwd_hooks=[(hook_name, edit)])
        assert (logits - model(tokens[None])).abs().max() > 1e-3, f"{hook_name}: no effect"
        tensors |= edit_record(model, f"edits/{name}/{form}/{hook_name}", value, logits, tokens)
    if spec.is_edited("hook_tokens", form):
        tensors |= replacements(model, spec, form, name, tokens, cache, layer)
    return tensors


def edit_value(
    model: HookedTransformer, seed: str, hook_name: str, tokens: torch.Tensor
) -> torch.Tensor:
    """A fixed random tensor of half the activation's own spread, or the factor of a scale."""
    if hook_name.endswith("hook_scale"):
        return torch.tensor([SCALE_FACTOR])
    _, cache = model.run_with_cache(
        tokens[None], remove_batch_dim=True, names_filter=lambda key: key == hook_name
    )
    activation = cache[hook_name]
    finite = activation[activation.isfinite()]
    return noise(seed, tuple(activation.shape)) * (0.5 * float(finite.std()))


def replacements(
    model: HookedTransformer,
    spec: CheckpointSpec,
    form: str,
    name: str,
    tokens: torch.Tensor,
    cache: Any,
    layer: int,
) -> Tensors:
    """Edits that are no sums: scores that lift the causal mask, and other tokens."""
    hook_name = f"blocks.{layer}.attn.hook_attn_scores"
    scores = noise(f"{spec.name}/replace/{hook_name}", tuple(cache[hook_name].shape))
    logits = model.run_with_hooks(
        tokens[None], fwd_hooks=[(hook_name, lambda _value, hook: scores[None])]
    )
    prefix = f"replace/{name}/{form}"
    tensors = edit_record(model, f"{prefix}/{hook_name}", scores, logits, tokens)
    other = (tokens * 7 + 3) % spec.vocab
    with token_hook(model):
        logits, loss = model.run_with_hooks(
            tokens[None],
            return_type="both",
            fwd_hooks=[("hook_tokens", lambda _value, hook: other[None])],
        )
    assert torch.allclose(loss, model.loss_fn(logits, other[None]))
    return tensors | edit_record(model, f"{prefix}/hook_tokens", other, logits, other)


def edit_record(
    model: HookedTransformer,
    prefix: str,
    value: torch.Tensor,
    logits: torch.Tensor,
    tokens: torch.Tensor,
) -> Tensors:
    """The three tensors of an edit."""
    return {
        f"{prefix}/value": value,
        f"{prefix}/logits": logits[0],
        f"{prefix}/loss": model.loss_fn(logits, tokens[None]),
    }


def noise(seed: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal float32 numbers, fixed by the text `seed`."""
    generator = np.random.default_rng(zlib.crc32(seed.encode()))
    return torch.from_numpy(generator.standard_normal(shape).astype(np.float32))

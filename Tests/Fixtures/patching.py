"""Activation patching and path patching by TransformerLens and by plain hooks."""

from __future__ import annotations

import contextlib
import io
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from transformer_lens import ActivationCache, HookedTransformer, patching
from transformer_lens.hook_points import HookPoint

from lens import FORMS, Tensors, load_lens_model

CHECKPOINT = "gpt-neo-3l-local"
PROMPTS, LENGTH = 2, 7
# What is read off the logits: see `metrics`.
METRICS = ("loss", "logit", "logit_diff", "prob", "kl_last", "kl_mean")
# Of `get_act_patch_…`; the `every` functions put these together.
FUNCTIONS = (
    "resid_pre",
    "resid_mid",
    "attn_out",
    "mlp_out",
    "attn_head_out_by_pos",
    "attn_head_q_by_pos",
    "attn_head_k_by_pos",
    "attn_head_v_by_pos",
    "attn_head_pattern_by_pos",
    "attn_head_pattern_dest_src_pos",
    "attn_head_out_all_pos",
    "attn_head_q_all_pos",
    "attn_head_k_all_pos",
    "attn_head_v_all_pos",
    "attn_head_pattern_all_pos",
)
# Where paths from each head end: the inputs of heads by (point, layer, head), or the logits.
PATHS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "q": (("q", 2, 1), ("q", 2, 3)),
    "k": (("k", 1, 0), ("k", 2, 2)),
    "v": (("v", 2, 0),),
    "logits": (),
}

Receivers = tuple[tuple[str, int, int], ...]


def patching_tensors() -> Tensors:
    """`clean`, `corrupted`, `answers`, `wrong`: tokens; values `[…, metric, prompt]` by form and function."""
    random = np.random.default_rng(7)
    clean, corrupted = (random.integers(1, 260, (PROMPTS, LENGTH)) for _ in range(2))
    clean[:, 0] = corrupted[:, 0] = 0
    answers, wrong = random.integers(1, 260, (2, PROMPTS))
    tensors = {
        "clean": torch.from_numpy(clean),
        "corrupted": torch.from_numpy(corrupted),
        "answers": torch.from_numpy(answers),
        "wrong": torch.from_numpy(wrong),
    }
    for form in FORMS:
        model = load_lens_model(CHECKPOINT, form)
        results = act_patches(model, tensors) | path_patches(model, tensors)
        tensors |= {f"{form}/{name}": values for name, values in results.items()}
    return tensors


def metrics(
    logits: torch.Tensor, tokens: torch.Tensor, unedited: torch.Tensor, given: Tensors
) -> torch.Tensor:
    """`[metric, prompt]`: loss; the answer's logit at position 3; at the last difference, probability, KL; mean KL."""
    each = torch.arange(PROMPTS)
    logprobs, plain = logits.log_softmax(-1), unedited.log_softmax(-1)
    loss = -logprobs[:, :-1].gather(-1, tokens[:, 1:, None])[..., 0].mean(-1)
    divergence = (plain.exp() * (plain - logprobs)).sum(-1)
    last = logits[:, -1]
    return torch.stack(
        [
            loss,
            logits[each, 3, given["answers"]],
            last[each, given["answers"]] - last[each, given["wrong"]],
            logprobs[each, -1, given["answers"]].exp(),
            divergence[:, -1],
            divergence.mean(-1),
        ]
    )


def act_patches(model: HookedTransformer, given: Tensors) -> Tensors:
    """Every function of TransformerLens's `patching`, clean activations put into the corrupted run."""
    _, clean_cache = model.run_with_cache(given["clean"])
    corrupted = given["corrupted"]
    unedited = model(corrupted)
    tensors = {"corrupted/baseline": metrics(unedited, corrupted, unedited, given)}
    for name in FUNCTIONS:
        seen: list[torch.Tensor] = []

        def note(logits: torch.Tensor, seen: list[torch.Tensor] = seen) -> torch.Tensor:
            seen.append(metrics(logits, corrupted, unedited, given))
            return seen[-1][0].mean()

        with contextlib.redirect_stderr(io.StringIO()):
            shape = getattr(patching, f"get_act_patch_{name}")(model, corrupted, clean_cache, note).shape
        tensors[name] = torch.stack(seen).reshape(*shape, len(METRICS), PROMPTS)
    return tensors


def path_patches(model: HookedTransformer, given: Tensors) -> Tensors:
    """Path patching from every head: corrupted activations sent along direct paths in the clean run."""
    clean = given["clean"]
    unedited, clean_cache = model.run_with_cache(clean)
    _, corrupted_cache = model.run_with_cache(given["corrupted"])
    tensors = {"clean/baseline": metrics(unedited, clean, unedited, given)}
    for (name, receivers), holds_mlps in product(PATHS.items(), (False, True)):
        values = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, len(METRICS), PROMPTS)
        for layer, head in product(range(model.cfg.n_layers), range(model.cfg.n_heads)):
            logits = path_patch(
                model, clean, clean_cache, corrupted_cache, (layer, head), receivers, holds_mlps
            )
            values[layer, head] = metrics(logits, clean, unedited, given)
        tensors[f"path/{name}{'/held_mlps' if holds_mlps else ''}"] = values
    return tensors


def path_patch(
    model: HookedTransformer,
    tokens: torch.Tensor,
    cache: ActivationCache,
    other: ActivationCache,
    sender: tuple[int, int],
    receivers: Receivers,
    holds_mlps: bool,
) -> torch.Tensor:
    """The two passes of the IOI paper's appendix: all heads held but the sender, then the receivers alone."""
    layer, head = sender

    def hold(value: torch.Tensor, hook: HookPoint) -> torch.Tensor:
        held = cache[hook.name].clone()
        if hook.name == f"blocks.{layer}.attn.hook_z":
            held[:, :, head] = other[hook.name][:, :, head]
        return held

    hooks: list[Any] = [(f"blocks.{each}.attn.hook_z", hold) for each in range(model.cfg.n_layers)]
    if holds_mlps:
        hooks += [(f"blocks.{each}.hook_mlp_out", hold) for each in range(model.cfg.n_layers)]
    received: Tensors = {}

    def note(value: torch.Tensor, hook: HookPoint) -> None:
        received[hook.name] = value.clone()

    names = {f"blocks.{at}.attn.hook_{point}" for point, at, _ in receivers}
    logits = model.run_with_hooks(tokens, fwd_hooks=hooks + [(name, note) for name in names])
    if not receivers:
        return logits

    def put(index: int, value: torch.Tensor, hook: HookPoint) -> torch.Tensor:
        value = value.clone()
        value[:, :, index] = received[hook.name][:, :, index]
        return value

    ends = [(f"blocks.{at}.attn.hook_{point}", partial(put, index)) for point, at, index in receivers]
    return model.run_with_hooks(tokens, fwd_hooks=ends)

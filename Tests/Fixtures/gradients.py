"""Gradients by torch autograd through TransformerLens: `gradients.safetensors` beside a checkpoint.

Weights, processing and pass are in float64; the gradients are stored as float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from transformer_lens import HookedTransformer
from transformer_lens.hook_points import HookPoint

from checkpoints import CheckpointSpec
from interventions import noise
from lens import FORMS, SWITCHES, Tensors, hook_names, load_lens_model, switch_of, switched_on
from reference import make_sequences

Metric = Callable[[torch.Tensor, Tensors], torch.Tensor]
Hooks = list[tuple[str, Callable[..., torch.Tensor]]]

LOGITS = "unembed.hook_out"
# Checkpoint: sequences with gradients of the loss at every point.
LOSS_SEQUENCES = {
    "gpt-neo-3l-local": ("seq7", "seq24"),
    "gpt-neo-1l-16h": ("seq7",),
    "gpt-neo-1l-untied": ("seq7",),
}
# The one with several layers also has gradients from other points, through edits, and attributions.
DETAILED = "gpt-neo-3l-local"
FROM = (
    "blocks.1.ln1.hook_scale",
    "blocks.1.attn.hook_pattern",
    "blocks.1.hook_resid_mid",
    "blocks.2.attn.hook_attn_scores",
    "blocks.2.mlp.hook_post",
    "ln_final.hook_normalized",
    LOGITS,
)
EDITED_LAYER = 1
EDITED_HEAD = 1
SCALE_FACTOR = 1.3
ACTIONS = ("zero", "mean", "scale", "project")


def gradient_tensors(spec: CheckpointSpec) -> Tensors:
    """All tensors of one checkpoint's file; README.md lists their names."""
    tensors: Tensors = {}
    sequences = make_sequences(spec)
    with torch.enable_grad():
        for form in FORMS:
            model = load_lens_model(spec.name, form, torch.float64)
            points = [*hook_names(spec.layers), LOGITS]
            for name in LOSS_SEQUENCES[spec.name]:
                found = gradients(model, sequences[name], points, loss_of(model, sequences[name]))
                short = len(sequences[name]) <= 7
                kept = {key: value for key, value in found.items() if short or not switch_of(key)}
                tensors |= {f"{form}/{name}/loss/{key}": value for key, value in kept.items()}
            if spec.name == DETAILED:
                tensors |= from_points(model, form, sequences["seq7"], points)
                tensors |= through_edits(model, form, sequences["seq7"])
                tensors |= attributions(model, form, sequences["seq7"])
    return {key: value.detach().float().contiguous() for key, value in tensors.items()}


def loss_of(model: HookedTransformer, tokens: torch.Tensor) -> Metric:
    """The loss as a metric."""
    return lambda logits, _activations: model.loss_fn(logits, tokens[None])


def gradients(
    model: HookedTransformer,
    tokens: torch.Tensor,
    points: Iterable[str],
    metric: Metric,
    fwd_hooks: Hooks | None = None,
) -> Tensors:
    """What a backward hook of TransformerLens sees at each of the points that a metric reaches.

    Without batch axis. Points behind a switch get a pass of their own, because with some of the
    switches the layer norm has another shape. TransformerLens calls `ln1` three times, for q, k and
    v, and its hooks each time: the gradient with respect to the one activation is the sum.
    """
    points = list(points)
    found: Tensors = {}
    for switch in (None, *sorted(set(SWITCHES.values()))):
        wanted = [point for point in points if switch_of(point) == switch]
        if not wanted:
            continue
        activations: Tensors = {}
        seen: Tensors = {}

        def keep(value: torch.Tensor, hook: HookPoint, kept: Tensors = activations) -> None:
            kept[hook.name] = value

        def see(gradient: torch.Tensor, hook: HookPoint, seen: Tensors = seen) -> None:
            assert hook.name not in seen or ".ln1." in hook.name, hook.name
            seen[hook.name] = seen.get(hook.name, 0) + gradient[0]

        with switched_on(model, switch):
            everywhere = [*hook_names(model.cfg.n_layers), LOGITS]
            hooks = [(point, keep) for point in everywhere]
            with model.hooks(
                fwd_hooks=[*(fwd_hooks or []), *hooks], bwd_hooks=[(point, see) for point in wanted]
            ):
                metric(model(tokens[None]), activations).backward()
        model.zero_grad()
        found |= seen
    return found


def from_points(
    model: HookedTransformer, form: str, tokens: torch.Tensor, points: list[str]
) -> Tensors:
    """Random cotangents at single points and the gradients at all points before them."""
    tensors: Tensors = {}
    _, cache = model.run_with_cache(tokens[None])
    for source in FROM:
        shape = tuple(cache[source].shape[1:])
        cotangent = noise(f"gradients/{form}/{source}", shape).double()

        def metric(
            _logits: torch.Tensor,
            activations: Tensors,
            source: str = source,
            cotangent: torch.Tensor = cotangent,
        ) -> torch.Tensor:
            value = activations[source][0]
            # Masked scores are -inf; nothing comes through them.
            return (value.masked_fill(value.isinf(), 0.0) * cotangent).sum()

        before = [
            point
            for point in points[: points.index(source)]
            if source == LOGITS or not switch_of(point)
        ]
        prefix = f"{form}/seq7/from/{source}"
        tensors[f"{prefix}/cotangent"] = cotangent
        for key, value in gradients(model, tokens, before, metric).items():
            tensors[f"{prefix}/at/{key}"] = value
    return tensors


def through_edits(model: HookedTransformer, form: str, tokens: torch.Tensor) -> Tensors:
    """The loss's gradient at an edited point (of the edited value) and at the embedding.

    Points with heads are edited in one head only.
    """
    tensors: Tensors = {}
    for point in hook_names(model.cfg.n_layers):
        if point.startswith("blocks.") and not point.startswith(f"blocks.{EDITED_LAYER}."):
            continue
        for action in ACTIONS:
            if not applies(action, point):
                continue
            direction = noise(f"gradients/{point}", (width_of(model, tokens, point),)).double()
            with switched_on(model, switch_of(point)):
                found = edited_gradients(model, tokens, point, action, direction)
            prefix = f"{form}/seq7/edit/{action}/{point}"
            tensors |= {f"{prefix}/{key}": value for key, value in found.items()}
            if action == "project":
                tensors[f"{prefix}/direction"] = direction
    return tensors


def applies(action: str, point: str) -> bool:
    """Scores have no mean and no projection (masked entries are -inf); a scale of zero divides."""
    if point.endswith("hook_attn_scores"):
        return action in ("zero", "scale")
    return not (point.endswith("hook_scale") and action in ("zero", "project"))


def width_of(model: HookedTransformer, tokens: torch.Tensor, point: str) -> int:
    """The innermost axis of a point."""
    with switched_on(model, switch_of(point)):
        _, cache = model.run_with_cache(tokens[None], names_filter=lambda key: key == point)
    return int(cache[point].shape[-1])


def edited_gradients(
    model: HookedTransformer,
    tokens: torch.Tensor,
    point: str,
    action: str,
    direction: torch.Tensor,
) -> Tensors:
    """Gradients at `point` and at `hook_embed` of the loss under one edit."""

    def edit(value: torch.Tensor, hook: HookPoint) -> torch.Tensor:
        part = value
        has_heads = value.dim() == 4
        heads_first = hook.name.endswith(("hook_pattern", "hook_attn_scores"))
        if has_heads:
            part = value[:, EDITED_HEAD] if heads_first else value[:, :, EDITED_HEAD]
        if action == "zero":
            part = torch.zeros_like(part)
        elif action == "mean":
            part = part.mean(1, keepdim=True).expand_as(part)
        elif action == "scale":
            part = part * SCALE_FACTOR
        else:
            part = part - (part @ direction / (direction @ direction))[..., None] * direction
        if not has_heads:
            return part
        edited = value.clone()
        if heads_first:
            edited[:, EDITED_HEAD] = part
        else:
            edited[:, :, EDITED_HEAD] = part
        return edited

    seen: Tensors = {}

    def see(name: str) -> Callable[..., None]:
        def keep(gradient: torch.Tensor) -> None:
            seen[name] = seen.get(name, 0) + gradient[0]

        return keep

    # By tensor hooks: a module's backward hook is not called where an edit cuts the way to its input.
    def watched(value: torch.Tensor, hook: HookPoint) -> torch.Tensor:
        edited = edit(value, hook)
        if not edited.requires_grad:
            edited.requires_grad_()
        edited.register_hook(see("point"))
        return edited

    def embedding(value: torch.Tensor, hook: HookPoint) -> torch.Tensor:
        value.register_hook(see("embed"))
        return value

    logits = model.run_with_hooks(
        tokens[None], fwd_hooks=[("hook_embed", embedding), (point, watched)]
    )
    model.loss_fn(logits, tokens[None]).backward()
    model.zero_grad()
    if "embed" not in seen:
        # Nothing depends on the embedding any more.
        seen["embed"] = torch.zeros(len(tokens), model.cfg.d_model)
    return seen


def attributions(model: HookedTransformer, form: str, tokens: torch.Tensor) -> Tensors:
    """Attribution patching: the gradient on the corrupted run times (clean - corrupted).

    The metric is the difference of the logits of tokens 5 and 9 at the last position.
    """
    corrupted = tokens.clone()
    corrupted[2:5] = (corrupted[2:5] * 11 + 7) % model.cfg.d_vocab

    def metric(logits: torch.Tensor, _activations: Tensors) -> torch.Tensor:
        return logits[0, -1, 5] - logits[0, -1, 9]

    layers = range(model.cfg.n_layers)
    heads = [f"blocks.{layer}.attn.hook_z" for layer in layers]
    streams = [f"blocks.{layer}.hook_resid_pre" for layer in layers]
    _, clean = model.run_with_cache(tokens[None], remove_batch_dim=True)
    _, base = model.run_with_cache(corrupted[None], remove_batch_dim=True)
    found = gradients(model, corrupted, [*heads, *streams], metric)
    z = [(found[name] * (clean[name] - base[name])).sum((0, 2)) for name in heads]
    stream = [(found[name] * (clean[name] - base[name])).sum(1) for name in streams]
    return {
        f"{form}/attribution/corrupted": corrupted,
        f"{form}/attribution/z": torch.stack(z),
        f"{form}/attribution/resid_pre": torch.stack(stream),
    }

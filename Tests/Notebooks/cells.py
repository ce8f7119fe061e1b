"""Cells that make the calls of TransformerLens's demos, as functions of the model and of the library's modules.

`lens` is `transformer_lens` or `lensd.transformer_lens`; every function returns what its cells would show.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import circuitsvis
import einops
import torch

CLEAN = "Tom saw a cat. Tom"
CORRUPTED = "Tom saw a dog. Tom"


# Main Demo.


def attention_view(lens: Any, model: Any) -> Any:
    tokens = model.to_tokens(CLEAN)
    logits, cache = model.run_with_cache(tokens, remove_batch_dim=True)
    pattern = cache["pattern", 0, "attn"]
    name = "blocks.0.attn.hook_pattern"
    _, early = model.run_with_cache(tokens, remove_batch_dim=True, stop_at_layer=1, names_filter=[name])
    assert torch.allclose(early[name], pattern, atol=1e-5)
    view = circuitsvis.attention.attention_heads(tokens=model.to_str_tokens(CLEAN), attention=pattern)
    assert "AttentionHeads" in str(view)
    return model(CLEAN, return_type="loss"), logits, pattern, list(model.to_str_tokens(CLEAN))


def head_ablation(lens: Any, model: Any) -> Any:
    tokens, head = model.to_tokens(CLEAN), model.cfg.n_heads - 1
    shapes = []

    def ablate(value: torch.Tensor, hook: Any) -> torch.Tensor:
        shapes.append(tuple(value.shape))
        value[:, :, head, :] = 0.0
        return value

    ablated = model.run_with_hooks(
        tokens, return_type="loss", fwd_hooks=[(lens.utilities.get_act_name("v", 0), ablate)]
    )
    return model(tokens, return_type="loss").item(), ablated.item(), shapes


def patching_loop(lens: Any, model: Any) -> Any:
    clean, corrupted = model.to_tokens(CLEAN), model.to_tokens(CORRUPTED)
    right, wrong = (model.to_tokens(text, prepend_bos=False)[0, 0] for text in (" saw", " cat"))
    clean_logits, clean_cache = model.run_with_cache(clean)
    length = min(clean.shape[-1], corrupted.shape[-1])
    corrupted = corrupted[:, :length]

    def difference(logits: torch.Tensor) -> torch.Tensor:
        return logits[0, -1, right] - logits[0, -1, wrong]

    def patch(stream: torch.Tensor, hook: Any, position: int) -> torch.Tensor:
        stream[:, position, :] = clean_cache[hook.name][:, position, :]
        return stream

    baseline, aim = difference(model(corrupted)), difference(clean_logits)
    results = torch.zeros((model.cfg.n_layers, length), device=model.cfg.device)
    for layer in range(model.cfg.n_layers):
        for position in range(length):
            logits = model.run_with_hooks(
                corrupted,
                fwd_hooks=[(lens.utilities.get_act_name("resid_pre", layer), partial(patch, position=position))],
            )
            results[layer, position] = (difference(logits) - baseline).detach()
    labels = [f"{token}_{index}" for index, token in enumerate(model.to_str_tokens(clean))]
    return aim, baseline, results, labels


def induction_scores(lens: Any, model: Any) -> Any:
    torch.manual_seed(50)
    length = 10
    half = torch.randint(5, min(200, model.cfg.d_vocab), (3, length)).to(model.cfg.device)
    repeated = einops.repeat(half, "batch pos -> batch (2 pos)")
    losses = model.loss_fn(model(repeated), repeated, per_token=True)
    scores = torch.zeros((model.cfg.n_layers, model.cfg.n_heads), device=model.cfg.device)

    def score(pattern: torch.Tensor, hook: Any) -> None:
        stripe = pattern.diagonal(dim1=-2, dim2=-1, offset=1 - length)
        scores[hook.layer(), :] = einops.reduce(stripe, "batch head position -> head", "mean")

    model.run_with_hooks(repeated, return_type=None, fwd_hooks=[(lambda name: name.endswith("pattern"), score)])
    shown = []

    def show(pattern: torch.Tensor, hook: Any) -> None:
        tokens = model.to_str_tokens(repeated[:1])
        shown.append(str(circuitsvis.attention.attention_pattern(tokens=tokens, attention=pattern[0, 0])))

    model.run_with_hooks(repeated[:1], return_type=None, fwd_hooks=[(lens.utilities.get_act_name("pattern", 0), show)])
    assert "AttentionPattern" in shown[0]
    return einops.reduce(losses, "batch position -> position", "mean"), scores


def names_and_shapes(lens: Any, model: Any) -> Any:
    seen = []
    model.run_with_hooks(
        CLEAN,
        return_type=None,
        fwd_hooks=[
            (
                lambda name: name.startswith(("blocks.0.", "hook_", "ln_final")),
                lambda value, hook: seen.append((hook.name, tuple(value.shape))),
            )
        ],
    )
    parameters = {name: tuple(value.shape) for name, value in model.named_parameters() if name.startswith("blocks.0.")}
    bias, order = model.unembed.b_U.sort(descending=True)
    # TransformerLens calls a layer norm once for each of q, k and v.
    return sorted(set(seen)), sorted(parameters.items()), bias, model.to_string(order[0])


def tokenization(lens: Any, model: Any) -> Any:
    texts = ["A cat saw Tom.", "A cat saw Tom. A dog saw a cat."]
    probabilities = model(texts[0]).softmax(dim=-1)
    first = model.to_tokens(texts[0], prepend_bos=False)[0]
    return (
        list(model.to_str_tokens(texts[0])),
        model.to_tokens(texts[0]),
        model.to_string(model.to_tokens(texts[0]).squeeze()),
        model.to_string(first[0]),
        model.get_token_position(first[1].item(), texts[0]),
        model.get_token_position(first[1].item(), texts[0], prepend_bos=False),
        model.get_token_position(first[0].item(), texts[0], mode="last"),
        probabilities,
        tuple(model(texts[0], prepend_bos=False).shape),
        model(texts[0], prepend_bos=False),
    )


def factored_matrices(lens: Any, model: Any) -> Any:
    circuit = model.OV
    eigenvalues = circuit.eigenvalues
    copying = eigenvalues.sum(dim=-1).real / eigenvalues.abs().sum(dim=-1)
    whole = model.embed.W_E @ circuit @ model.unembed.W_U
    whole_eigenvalues = whole.eigenvalues
    whole_copying = whole_eigenvalues.sum(dim=-1).real / whole_eigenvalues.abs().sum(dim=-1)
    return tuple(eigenvalues.shape), copying, tuple(whole.shape), whole_copying, whole.norm()


# Activation Patching demo.


def activation_patching(lens: Any, model: Any) -> Any:
    torch.manual_seed(3)
    patching = lens.patching
    rows = torch.randint(5, min(200, model.cfg.d_vocab), (4, 7))
    bos = (
        torch.tensor([model.tokenizer.bos_token_id] * 4)[:, None].to(model.cfg.device)
        if model.tokenizer
        else rows[:, :1]
    )
    clean = torch.cat([bos, rows], dim=1)
    corrupted = clean[[(at + 1 if at % 2 == 0 else at - 1) for at in range(len(clean))]]
    answers = torch.randint(5, min(200, model.cfg.d_vocab), (4, 2))

    def difference(logits: torch.Tensor) -> torch.Tensor:
        last = logits[:, -1, :] if logits.ndim == 3 else logits
        right, wrong = (last.gather(1, answers[:, at].unsqueeze(1)) for at in range(2))
        return (right - wrong).mean()

    clean_logits, clean_cache = model.run_with_cache(clean)
    corrupted_logits, _ = model.run_with_cache(corrupted)
    top, bottom = difference(clean_logits).item(), difference(corrupted_logits).item()

    def metric(logits: torch.Tensor) -> torch.Tensor:
        return difference(logits) - bottom

    run = (model, corrupted, clean_cache, metric)
    by_head = patching.get_act_patch_attn_head_out_by_pos(*run)
    return (
        top,
        bottom,
        patching.get_act_patch_resid_pre(*run),
        patching.get_act_patch_attn_head_out_all_pos(*run),
        einops.rearrange(by_head, "layer pos head -> (layer head) pos"),
        patching.get_act_patch_attn_head_all_pos_every(*run),
        *(() if model.cfg.attn_only else (patching.get_act_patch_block_every(*run),)),
    )


# Head Detector demo.


def head_detector(lens: Any, model: Any) -> Any:
    detect = lens.head_detector.detect_head
    lens.head_detector.get_supported_heads()
    size = len(model.to_str_tokens(CLEAN))
    anywhere = torch.tril(torch.ones(size, size))
    scores = [
        detect(model, CLEAN, "previous_token_head"),
        detect(model, CLEAN, "previous_token_head", exclude_bos=True, exclude_current_token=True),
        detect(model, [CLEAN, CORRUPTED], "duplicate_token_head"),
        detect(model, [CLEAN, CORRUPTED], "induction_head"),
        detect(model, CLEAN, anywhere, exclude_bos=True, exclude_current_token=True),
        detect(model, CLEAN, detection_pattern=anywhere),
    ]
    _, cache = model.run_with_cache(CLEAN)
    pattern = cache["pattern", 0, "attn"].squeeze(0)
    assert str(circuitsvis.attention.attention_heads(tokens=model.to_str_tokens(CLEAN), attention=pattern))
    return scores, pattern


# Direct Logit Attribution demo.


def direct_logit_attribution(lens: Any, model: Any) -> Any:
    tokens = model.to_tokens(CLEAN)
    with torch.no_grad():
        _, cache = model.run_with_cache(tokens)
    first, second, third = (int(each) for each in tokens[0, 1:4])
    direction = model.tokens_to_residual_directions(torch.tensor(first)) - model.tokens_to_residual_directions(
        torch.tensor(second)
    )
    naive = cache.get_full_resid_decomposition(layer=-1, pos_slice=-1, apply_ln=True) @ direction
    projected, labels = cache.get_full_resid_decomposition(
        layer=-1, pos_slice=-1, apply_ln=True, project_output_onto=direction, return_labels=True
    )
    assert torch.allclose(naive, projected, atol=1e-4)
    ids = torch.tensor([first, second, third])
    several = cache.get_full_resid_decomposition(
        layer=-1,
        pos_slice=-1,
        apply_ln=True,
        project_output_onto=model.tokens_to_residual_directions(ids).T,
    )
    everywhere = cache.get_full_resid_decomposition(layer=-1, apply_ln=True, project_output_onto=direction)
    return naive, labels, several, everywhere, [model.to_string(each) for each in ids]


# Exploratory Analysis demo.


def logit_lens_and_heads(lens: Any, model: Any) -> Any:
    tokens = torch.cat([model.to_tokens(CLEAN), model.to_tokens(CLEAN).roll(1, 1)])
    _, cache = model.run_with_cache(tokens)
    answers = torch.stack([tokens[:, 1], tokens[:, 2]], dim=1)
    directions = model.tokens_to_residual_directions(answers)
    difference = directions[:, 0] - directions[:, 1]

    def read(stack: torch.Tensor) -> torch.Tensor:
        scaled = cache.apply_ln_to_stack(stack, layer=-1, pos_slice=-1)
        return einops.einsum(scaled, difference, "... batch d_model, batch d_model -> ...") / len(tokens)

    stream, labels = cache.accumulated_resid(layer=-1, incl_mid=True, pos_slice=-1, return_labels=True)
    layers, layer_labels = cache.decompose_resid(layer=-1, pos_slice=-1, return_labels=True)
    heads = cache.stack_head_results(layer=-1, pos_slice=-1)
    per_head = einops.rearrange(read(heads), "(layer head) -> layer head", layer=model.cfg.n_layers)
    top = int(per_head.flatten().argmax())

    def ablate(z: torch.Tensor, hook: Any) -> torch.Tensor:
        z = z.clone()
        z[:, -1, top % model.cfg.n_heads, :] = 0
        return z

    model.blocks[top // model.cfg.n_heads].attn.hook_z.add_hook(ablate)
    logits, ablated = model.run_with_cache(tokens)
    model.reset_hooks()
    again = ablated.stack_head_results(layer=-1, pos_slice=-1)
    ratio = cache["ln_final.hook_scale"][:, -1] / ablated["ln_final.hook_scale"][:, -1]
    return read(stream), labels, read(layers), layer_labels, per_head, logits, again, ratio


DEMOS = {
    name: function
    for name, function in list(globals().items())
    if callable(function) and getattr(function, "__module__", None) == __name__
}

"""What TransformerLens says of passes: split scores, logit lens, logit attributions."""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file
from transformer_lens import ActivationCache, HookedTransformer

from family_checkpoints import FAMILY_SPECS
from family_lens import load_family_lens
from lens import FORMS, Tensors, load_lens_model
from reference import assert_close
from toy_models import TOY_SPECS, load_toy

# Learned positions, windows; no q, k, v biases and all of them; rotary, half rotary, grouped; ALiBi behind an embedding
# norm; parallel blocks; norms behind sublayers, caps, norms of queries and keys; no MLPs, positions beside the stream.
CHECKPOINTS = (
    "gpt-neo-3l-local",
    "families/gpt2-3l-scaled",
    "families/llama-3l-grouped",
    "families/neox-2l",
    "families/bloom-2l",
    "families/gemma2-2l",
    "families/qwen3-2l",
    "families/olmo2-2l",
    "families/toy-attn-only-2l",
    "families/toy-shortformer-2l",
    "families/toy-solu-2l",
)
TOP = 5
PLACES = (-1, 4)


def analyses() -> tuple[Tensors, dict[str, Any]]:
    """Tensors by `checkpoint/form/…`, and the labels of their components."""
    tensors: Tensors = {}
    index: dict[str, Any] = {"checkpoints": list(CHECKPOINTS), "labels": {}}
    for checkpoint in CHECKPOINTS:
        for form in FORMS:
            model = load(checkpoint, form)
            tokens = load_file(f"{checkpoint}/reference.safetensors")[f"{sequence(checkpoint)}/tokens"]
            # The norms of single heads have no batch axis that could be removed.
            _, cache = model.run_with_cache(
                tokens[None],
                names_filter=lambda name: "q_norm" not in name and "k_norm" not in name,
                remove_batch_dim=True,
            )
            key = f"{checkpoint}/{form}"
            for layer in {0, model.cfg.n_layers - 1}:
                terms, labels = split(model, cache, layer, head=model.cfg.n_heads - 1)
                tensors[f"{key}/split{layer}"] = terms[:, :, -2:].contiguous()
                index["labels"][f"{key}/split{layer}"] = labels
            tensors |= {f"{key}/lens/{name}": value for name, value in lens(model, cache, tokens).items()}
            for detail in ("layers", "heads"):
                values, labels = attribution(model, cache, tokens, detail)
                index["labels"][f"{key}/{detail}"] = labels
                tensors |= {f"{key}/{detail}/{name}": value for name, value in values.items()}
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}, index


def sequence(checkpoint: str) -> str:
    """The sequence that is looked at."""
    return "seq10" if checkpoint.startswith("families/") else "seq7"


def load(checkpoint: str, form: str) -> HookedTransformer:
    """One form of a checkpoint."""
    name = checkpoint.removeprefix("families/")
    if any(spec.name == name for spec in FAMILY_SPECS):
        return load_family_lens(checkpoint, form)
    for toy in TOY_SPECS:
        if toy.name == name:
            return load_toy(toy, form)
    return load_lens_model(checkpoint, form)


# Components of the residual stream.


def components(model: HookedTransformer, cache: ActivationCache, layer: int) -> tuple[torch.Tensor, list[str]]:
    """What is written into the residual stream before a layer, `[component, pos, d_model]`, in float64."""
    stack = [cache["hook_embed"].double()]
    labels = ["embed"]
    if model.cfg.positional_embedding_type == "standard":
        stack.append(cache["hook_pos_embed"].double())
        labels.append("pos_embed")
    for earlier in range(layer):
        block = model.blocks[earlier]
        heads = torch.einsum("phd,hdm->hpm", cache["z", earlier].double(), block.attn.W_O.double())
        bias = block.attn.b_O.double().expand_as(heads[0])
        # A norm behind the attention, with its divisor held.
        name = {"gemma2-2l": "ln1_post", "olmo2-2l": "ln1"}.get(family(model))
        if name is not None:
            norm = getattr(block, name)
            weight = getattr(norm, "w", torch.ones(model.cfg.d_model)).double()
            scale = cache[f"blocks.{earlier}.{name}.hook_scale"].double()
            heads, bias = heads / scale * weight, bias / scale * weight
        stack += [*heads, bias]
        labels += [f"L{earlier}H{head}" for head in range(len(heads))] + [f"{earlier}_attn_bias"]
        if not model.cfg.attn_only:
            stack.append(cache["mlp_out", earlier].double())
            labels.append(f"{earlier}_mlp_out")
    total = torch.stack(stack)
    end = cache["resid_pre", layer] if layer < model.cfg.n_layers else cache["resid_post", layer - 1]
    assert_close(total.sum(0).float(), end, f"components before layer {layer}")
    return total, labels


def family(model: HookedTransformer) -> str:
    """The checkpoint's own name."""
    return str(model.cfg.model_name).rpartition("/")[2]


def normed(norm: Any, stack: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor:
    """A stack through a norm whose divisor is held, without the norm's bias."""
    if scale is None:
        return stack
    if "RMS" not in type(norm).__name__:
        stack = stack - stack.mean(-1, keepdim=True)
    return stack / scale.double() * getattr(norm, "w", torch.ones(stack.shape[-1])).double()


# Scores.


def split(model: HookedTransformer, cache: ActivationCache, layer: int, head: int) -> tuple[torch.Tensor, list[str]]:
    """Terms `[query component, key component, pos, pos]` of a head's scores before cap, ALiBi and mask."""
    attn = model.blocks[layer].attn
    stack, labels = components(model, cache, layer)
    scale = cache.cache_dict.get(f"blocks.{layer}.ln1.hook_scale")
    if family(model) == "olmo2-2l":
        scale = None
    norm = getattr(model.blocks[layer], "ln1", None)
    inputs = normed(norm, stack, scale)
    if model.cfg.positional_embedding_type == "shortformer":
        inputs = torch.cat([inputs, cache["hook_pos_embed"].double()[None]])
        labels.append("pos_embed")
    constant = torch.zeros(model.cfg.d_model).double() if scale is None else norm_bias(norm, model)
    labels.append("bias")
    sides = []
    for weight, bias, kind in ((attn.W_Q, attn.b_Q, "q"), (attn.W_K, attn.b_K, "k")):
        parts = inputs @ weight[head].double()
        own = (constant @ weight[head].double() + bias[head].double()).expand_as(parts[0])
        parts = torch.cat([parts, own[None]])
        if model.cfg.use_qk_norm or hasattr(attn, "q_norm"):
            parts = query_norm(model, cache, attn, layer, head, parts, kind)
        if model.cfg.positional_embedding_type == "rotary":
            # [component as batch, pos, one head, d_head]
            parts = attn.apply_rotary(parts[:, :, None].float())[:, :, 0].double()
        sides.append(parts)
    terms = torch.einsum("aid,bjd->abij", *sides) / attn.attn_scale
    check_scores(model, cache, layer, head, terms)
    return terms, labels


def norm_bias(norm: Any, model: HookedTransformer) -> torch.Tensor:
    """A norm's own bias, zero where it has none."""
    return getattr(norm, "b", torch.zeros(model.cfg.d_model)).double()


def query_norm(
    model: HookedTransformer,
    cache: ActivationCache,
    attn: Any,
    layer: int,
    head: int,
    parts: torch.Tensor,
    kind: str,
) -> torch.Tensor:
    """Parts of a head's queries or keys through their norm, whose divisor is held."""
    norm = getattr(attn, f"{kind}_norm", None)
    if norm is None:
        return parts
    values = cache[kind, layer].double()
    weight = norm.w.double()
    own = head * values.shape[1] // model.cfg.n_heads
    if weight.numel() == model.cfg.d_head:
        rows = values[:, own]
    else:
        rows = values.flatten(1)
        weight = weight[own * model.cfg.d_head : (own + 1) * model.cfg.d_head]
    divisor = (rows.pow(2).mean(-1, keepdim=True) + model.cfg.eps).sqrt()
    return parts / divisor * weight


def check_scores(model: HookedTransformer, cache: ActivationCache, layer: int, head: int, terms: torch.Tensor) -> None:
    """Holds the sum of the terms against the pass's own scores, where nothing else is in these."""
    scores = cache["attn_scores", layer][head]
    found = terms.sum((0, 1)).float()
    cap = model.cfg.attn_scores_soft_cap
    if cap > 0:
        found = cap * torch.tanh(found / cap)
    if model.cfg.positional_embedding_type == "alibi":
        return
    seen = scores > -1e4
    assert_close(found[seen], scores[seen], f"layer {layer}, head {head}")


# Logit lens.


def lens(model: HookedTransformer, cache: ActivationCache, tokens: torch.Tensor) -> Tensors:
    """What each point of the residual stream predicts, `[point, pos]`; top tokens `[point, pos, TOP]`."""
    points = [cache["resid_pre", layer] for layer in range(model.cfg.n_layers)]
    stack = torch.stack([*points, cache["resid_post", model.cfg.n_layers - 1]])
    logits = torch.stack([predicted(model, point) for point in stack]).double()
    logprobs = logits.log_softmax(-1)
    final = logprobs[-1]
    following = tokens[1:].expand(len(stack), -1)[..., None]
    own = logprobs[:, :-1].gather(-1, following)
    return {
        "log_sums": logits.logsumexp(-1),
        "entropies": -(logprobs.exp() * logprobs).sum(-1),
        "divergences": (final.exp() * (final - logprobs)).sum(-1),
        "next_logprobs": own[..., 0],
        "next_ranks": (logprobs[:, :-1] > own).sum(-1),
        "top_tokens": logprobs.topk(TOP).indices,
        "top_logprobs": logprobs.topk(TOP).values,
    }


def predicted(model: HookedTransformer, residual: torch.Tensor) -> torch.Tensor:
    """Logits of rows of the residual stream."""
    rows = residual[None]
    if model.cfg.normalization_type is not None:
        rows = model.ln_final(rows)
    logits = model.unembed(rows)[0]
    cap = model.cfg.output_logits_soft_cap
    return cap * torch.tanh(logits / cap) if cap > 0 else logits


# Attribution.


def attribution(
    model: HookedTransformer, cache: ActivationCache, tokens: torch.Tensor, detail: str
) -> tuple[Tensors, list[str]]:
    """Terms `[place, component]` of a logit difference and of a logit, at two positions."""
    stack, labels = components(model, cache, model.cfg.n_layers)
    if detail == "layers":
        stack, labels = in_layers(model, stack, labels)
    scale = cache.cache_dict.get("ln_final.hook_scale")
    norm = getattr(model, "ln_final", None)
    answer, wrong = int(tokens[1]), int(tokens[2])
    read = normed(norm, stack, scale)
    constant = torch.zeros(model.cfg.d_model).double() if scale is None else norm_bias(norm, model)
    unembed, bias = model.W_U.double(), model.b_U.double()
    values: Tensors = {"tokens": torch.tensor([answer, wrong])}
    for name, direction, own in (
        ("difference", unembed[:, answer] - unembed[:, wrong], bias[answer] - bias[wrong]),
        ("logit", unembed[:, answer], bias[answer]),
    ):
        rows = [torch.cat([read[:, place] @ direction, (constant @ direction + own)[None]]) for place in PLACES]
        values[name] = torch.stack(rows)
    if not hasattr(norm, "w") and scale is not None:
        check_attribution(model, cache, detail, answer, wrong, values["difference"], labels)
    return values, [*labels, "bias"]


def in_layers(model: HookedTransformer, stack: torch.Tensor, labels: list[str]) -> tuple[torch.Tensor, list[str]]:
    """Heads and their bias as one component of each layer."""
    groups: dict[str, torch.Tensor] = {}
    for part, label in zip(stack, labels, strict=True):
        if label.startswith("L"):
            label = f"{label[1:].partition('H')[0]}_attn_out"
        label = label.replace("_attn_bias", "_attn_out")
        groups[label] = groups[label] + part if label in groups else part
    return torch.stack(list(groups.values())), list(groups)


def check_attribution(
    model: HookedTransformer,
    cache: ActivationCache,
    detail: str,
    answer: int,
    wrong: int,
    found: torch.Tensor,
    labels: list[str],
) -> None:
    """Holds terms against TransformerLens's own `logit_attrs`, where it means the same."""
    if family(model) in ("gemma2-2l", "olmo2-2l"):
        return
    for row, place in enumerate(PLACES):
        if detail == "layers":
            stack, names = cache.decompose_resid(pos_slice=place, return_labels=True)
        else:
            stack, names = cache.stack_head_results(pos_slice=place, return_labels=True)
        expected = cache.logit_attrs(stack, pos_slice=place, tokens=answer, incorrect_tokens=wrong, has_batch_dim=False)
        own = torch.stack([found[row, labels.index(name)] for name in names])
        assert_close(own.float(), expected.reshape(own.shape), f"{detail} at {place}")

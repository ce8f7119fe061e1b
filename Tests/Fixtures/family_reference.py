"""All references of one family's checkpoint, by TransformerLens and by transformers."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
from transformer_lens import HookedTransformer

from family_checkpoints import VOCABULARY
from lens import FORMS, Tensors, switched_on
from reference import assert_close, losses

MAIN = 10
LENGTHS = (1, MAIN, 20)
NEW_TOKENS = 8
EDIT_FACTOR = 1.3
MARGIN = 1e-4
SWITCHES = {
    "hook_result": "use_attn_result",
    "hook_q_input": "use_split_qkv_input",
    "hook_k_input": "use_split_qkv_input",
    "hook_v_input": "use_split_qkv_input",
    "hook_attn_in": "use_attn_in",
    "hook_mlp_in": "use_hook_mlp_in",
}


def family_references(
    name: str, lenses: dict[str, HookedTransformer], hugging_face: Any | None
) -> tuple[Tensors, dict[str, Any]]:
    """The tensors of `reference.safetensors` and the index beside it.

    `hugging_face` is None for models that only TransformerLens knows.
    """
    sequences = {f"seq{length}": tokens_of(name, length) for length in LENGTHS}
    main = sequences[f"seq{MAIN}"]
    tensors: Tensors = {f"{key}/tokens": tokens for key, tokens in sequences.items()}
    index: dict[str, Any] = {"checkpoint": name, "hooks": [], "repeated": {}}
    for form in FORMS:
        model = lenses[form]
        values, repeated = activations(model, main)
        tensors |= {f"{form}/seq{MAIN}/{key}": value for key, value in values.items()}
        index["hooks"] = index["hooks"] or [key for key in values if key != "unembed.hook_in"]
        index["repeated"] = repeated
        for key, tokens in sequences.items():
            logits = model(tokens[None])[0]
            tensors |= {f"{form}/{key}/{what}": value for what, value in losses(model, tokens).items()}
            if len(tokens) <= MAIN:
                tensors[f"{form}/{key}/logits"] = logits
            if form == "raw" and hugging_face is not None:
                expected = hugging_face(tokens[None]).logits[0]
                assert_close(logits, expected, f"{name} {key}: TransformerLens against transformers")
                tensors[f"transformers/{key}/logits"] = expected
        tensors |= ablations(model, form, main)
        edited = [*index["hooks"], *repeated]
        tensors[f"{form}/edits/token_loss"] = edits(model, main, edited)
    for key in sequences:
        if key != "seq1":
            assert_close(tensors[f"processed/{key}/loss"], tensors[f"raw/{key}/loss"], f"{name} {key}")
    index["edits"] = [*index["hooks"], *index["repeated"]]
    tensors |= greedy(name, lenses, hugging_face, main)
    return {key: value.contiguous().clone() for key, value in tensors.items()}, index


def tokens_of(name: str, length: int) -> torch.Tensor:
    """Token ids `[pos]`; from two on BOS comes first and a stretch is repeated."""
    generator = np.random.default_rng(zlib.crc32(f"{name}/seq{length}".encode()))
    tokens = generator.integers(1, VOCABULARY, size=length)
    if length > 1:
        half = (length - 1) // 2
        tokens[0] = 0
        tokens[1 + half : 1 + 2 * half] = tokens[1 : 1 + half]
    return torch.from_numpy(tokens.astype(np.int64))


def possible(model: HookedTransformer, switch: str) -> bool:
    """Whether TransformerLens has a switch's hook points in a model."""
    if switch == "use_attn_in":
        return model.cfg.n_key_value_heads is None
    return not (switch == "use_hook_mlp_in" and model.cfg.attn_only)


def activations(model: HookedTransformer, tokens: torch.Tensor) -> tuple[Tensors, dict[str, str]]:
    """Every activation of a pass without its batch axis, in the order of a pass; and the points
    that only repeat the residual stream (for every head), with the name of what they repeat."""
    logits, cache = model.run_with_cache(tokens[None])
    plain = {key: without_batch(key, value, len(tokens)) for key, value in cache.items()}
    assert torch.equal(plain.pop("unembed.hook_out"), model.unembed(cache["unembed.hook_in"])[0])
    repeated: dict[str, str] = {}
    for switch in dict.fromkeys(SWITCHES.values()):
        if not possible(model, switch):
            continue
        with switched_on(model, switch):
            switched_logits, switched = model.run_with_cache(tokens[None])
        assert_close(switched_logits, logits, f"logits with {switch}")
        for key in switched:
            if key in plain or key == "unembed.hook_out":
                continue
            kind = key.rsplit(".", 1)[-1]
            assert SWITCHES[kind] == switch, key
            value = switched[key][0]
            if kind == "hook_result":
                plain = inserted(plain, key, value, after=key.replace("hook_result", "hook_z"))
                continue
            block = key.rsplit(".", 1)[0]
            middle = kind == "hook_mlp_in" and not model.cfg.parallel_attn_mlp
            source = f"{block}.hook_resid_mid" if middle else f"{block}.hook_resid_pre"
            expected = plain[source] if value.dim() == 2 else plain[source][:, None].expand_as(value)
            assert_close(value, expected, key)
            repeated[key] = source
    return plain, repeated


def without_batch(key: str, value: torch.Tensor, length: int) -> torch.Tensor:
    """An activation without its batch axis; norms of single heads have lost theirs already."""
    if (".q_norm." in key or ".k_norm." in key) and value.dim() == 2:
        return value.reshape(length, -1, value.shape[-1])
    return value[0]


def inserted(values: Tensors, key: str, value: torch.Tensor, *, after: str) -> Tensors:
    """The same with one more, in its place."""
    result: Tensors = {}
    for name, other in values.items():
        result[name] = other
        if name == after:
            result[key] = value
    return result


def ablations(model: HookedTransformer, form: str, tokens: torch.Tensor) -> Tensors:
    """`[layer, head]`: the loss with that head's z set to zero, or to its mean over positions."""
    result: Tensors = {}
    for kind in ("zero", "mean"):
        rows = []
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):

                def ablate(value: torch.Tensor, hook: Any, head: int = head, kind: str = kind) -> Any:
                    mean = value[:, :, head].mean(1, keepdim=True)
                    value[:, :, head] = 0 if kind == "zero" else mean
                    return value

                hooks = [(f"blocks.{layer}.attn.hook_z", ablate)]
                logits = model.run_with_hooks(tokens[None], fwd_hooks=hooks)
                rows.append(model.loss_fn(logits, tokens[None]))
        losses = torch.stack(rows).reshape(model.cfg.n_layers, model.cfg.n_heads)
        result[f"{form}/ablate/{kind}/loss"] = losses
    return result


def edits(model: HookedTransformer, tokens: torch.Tensor, names: list[str]) -> torch.Tensor:
    """`[hook point, pos - 1]`: the loss at each token with one activation times `EDIT_FACTOR`."""
    rows = []
    for name in names:
        with switched_on(model, SWITCHES.get(name.rsplit(".", 1)[-1])):
            logits = model.run_with_hooks(tokens[None], fwd_hooks=[(name, lambda value, hook: value * EDIT_FACTOR)])
        rows.append(model.loss_fn(logits, tokens[None], per_token=True)[0])
    return torch.stack(rows)


def greedy(name: str, lenses: dict[str, HookedTransformer], hugging_face: Any | None, prompt: torch.Tensor) -> Tensors:
    """`generation/tokens`: the prompt and the likeliest tokens after it, by transformers."""
    tokens = prompt[None]
    for _ in range(NEW_TOKENS):
        best = lenses["raw"](tokens)[0, -1].topk(2)
        assert best.values[0] - best.values[1] > MARGIN, name
        tokens = torch.cat([tokens, best.indices[None, :1]], dim=1)
    if hugging_face is not None:
        output = hugging_face.generate(
            prompt[None],
            attention_mask=torch.ones_like(prompt[None]),
            do_sample=False,
            max_new_tokens=NEW_TOKENS,
            eos_token_id=None,
            pad_token_id=0,
        )
        assert output.tolist() == tokens.tolist(), name
    return {"generation/tokens": tokens[0]}

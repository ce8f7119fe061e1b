"""All references of one checkpoint: activations and losses by TransformerLens, and the rest."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import torch
from transformer_lens import HookedTransformer

from checkpoints import CheckpointSpec, load_transformers_model
from interventions import ablations, edits
from lens import FORMS, Tensors, hook_names, load_lens_model, switch_of, switched_on

TEXTS = ("Tom saw a red ball. Tom didn't see a boat.", "Tom saw Lily.")
EDITED_SEQUENCE = 7
ABLATED_SEQUENCES = (7, 24, 16)
REPEATED_UP_TO = 2  # tokens up to which the points that only repeat resid_pre are stored
RESULT_UP_TO = {"processed": 24, "raw": 7}  # tokens up to which hook_result is stored
LOGITS_F64_UP_TO = 24
TRANSFORMERS_UP_TO = 16  # tokens up to which the logits of transformers are stored
RAW_LONG_KINDS = ("hook_pattern", "hook_resid_post", "logits", "loss", "token_loss")


def make_sequences(spec: CheckpointSpec) -> dict[str, torch.Tensor]:
    """Token ids `[pos]` by name; `seqN` has N tokens.

    All but the single token start with BOS (id 0); longer ones repeat a stretch, so that
    duplicate-token and induction positions exist.
    """
    sequences = {}
    for length in spec.sequences:
        generator = np.random.default_rng(zlib.crc32(f"{spec.name}/seq{length}".encode()))
        tokens = generator.integers(1, spec.vocab, size=length)
        if length > 1:
            tokens[0] = 0
        if length >= 7:
            half = (length - 1) // 2
            tokens[1 + half : 1 + 2 * half] = tokens[1 : 1 + half]
        sequences[f"seq{length}"] = torch.from_numpy(tokens.astype(np.int64))
    return sequences


def text_that_fits(model: HookedTransformer) -> tuple[str, torch.Tensor]:
    """The first of `TEXTS` that fits the context, and its ids with BOS before them."""
    for text in TEXTS:
        # Without `truncate=False` TransformerLens cuts at the context length and says nothing.
        tokens = model.to_tokens(text, prepend_bos=True, truncate=False)[0]
        if len(tokens) <= model.cfg.n_ctx:
            return text, tokens
    raise AssertionError(f"no text fits {model.cfg.n_ctx} tokens")


def reference_tensors(spec: CheckpointSpec) -> tuple[Tensors, dict[str, Any]]:
    """All tensors of `reference.safetensors` and the index that goes beside it."""
    sequences = make_sequences(spec)
    tensors: Tensors = {f"{name}/tokens": tokens for name, tokens in sequences.items()}
    deviations: dict[str, float] = {}
    raw = {}
    for form in FORMS:
        model = load_lens_model(spec.name, form)
        for name, tokens in sequences.items():
            values = activations(model, tokens)
            kept = stored(values, form, spec)
            tensors |= {f"{form}/{name}/{key}": value for key, value in kept.items()}
            if form == "raw":
                raw[name] = values["logits"]
        text, text_tokens = text_that_fits(model)
        tensors["text/tokens"] = text_tokens
        tensors |= {
            f"{form}/text/{key}": value for key, value in losses(model, text_tokens).items()
        }
        for name in (f"seq{length}" for length in ABLATED_SEQUENCES if length in spec.sequences):
            tensors |= ablations(model, form, name, sequences[name])
        name = f"seq{EDITED_SEQUENCE}"
        tensors |= edits(model, spec, form, name, sequences[name])
        double, errors = double_precision(spec, form, sequences, tensors)
        tensors |= double
        deviations |= errors
    for name, tokens in sequences.items():
        if len(tokens) > 1:
            # Processing shifts logits, never the loss.
            assert_close(tensors[f"processed/{name}/loss"], tensors[f"raw/{name}/loss"], name)
    tensors |= transformers_logits(spec, sequences, raw)
    index = {
        "checkpoint": spec.name,
        "hooks": hook_names(spec.layers),
        "sequences": {name: tokens.tolist() for name, tokens in sequences.items()},
        "text": text,
        "torch_float32_error": deviations,
    }
    return {key: value.contiguous().clone() for key, value in tensors.items()}, index


def losses(model: HookedTransformer, tokens: torch.Tensor) -> Tensors:
    """`loss []` (NaN for a single token) and, from two tokens on, `token_loss [pos - 1]`."""
    logits = model(tokens[None])
    result = {"loss": model.loss_fn(logits, tokens[None])}
    if len(tokens) > 1:
        result["token_loss"] = model.loss_fn(logits, tokens[None], per_token=True)[0]
    return result


def activations(model: HookedTransformer, tokens: torch.Tensor) -> Tensors:
    """Every activation of a pass without its batch axis, `logits` and the losses.

    The switches are set one after another: with `use_split_qkv_input` the layer norm is called
    three times on [pos, head, d_model], so that the cache would hold only the values' one; and
    with it, `hook_attn_in` is called but what it returns is thrown away.
    """
    logits, cache = model.run_with_cache(tokens[None], remove_batch_dim=True)
    plain = dict(cache.items())
    values = dict(plain)
    switches = ("use_attn_result", "use_split_qkv_input", "use_attn_in", "use_hook_mlp_in")
    for switch in switches:
        with switched_on(model, switch):
            switched_logits, switched_cache = model.run_with_cache(
                tokens[None], remove_batch_dim=True
            )
        assert_close(switched_logits, logits, f"logits with {switch}")
        for key, value in switched_cache.items():
            if key not in plain:
                assert switch_of(key) == switch, key
                values[key] = value
            elif value.dim() == plain[key].dim():
                assert_close(value, plain[key], f"{key} with {switch}")
            else:
                # Only ln1 gets a head axis, and it is the same for every head.
                assert ".ln1." in key, key
                assert_close(value, plain[key][:, None].expand_as(value), f"{key} with {switch}")
    for key, value in values.items():
        if switch_of(key) in ("use_split_qkv_input", "use_attn_in"):
            layer = key.split(".")[1]
            source = plain[f"blocks.{layer}.hook_resid_pre"]
            assert_close(value, source[:, None].expand_as(value), key)
    assert torch.equal(values.pop("unembed.hook_out"), logits[0])
    names = hook_names(model.cfg.n_layers)
    assert set(values) == {*names, "unembed.hook_in"}, set(values) ^ set(names)
    return values | {"logits": logits[0]} | losses(model, tokens)


def stored(values: Tensors, form: str, spec: CheckpointSpec) -> Tensors:
    """What of a pass goes into the file: large points with little in them only when short."""
    length = len(values["logits"])
    kept = {}
    for key, value in values.items():
        switch = switch_of(key)
        kind = key.rsplit(".", 1)[-1]
        cut = form == "raw" and length > spec.raw_whole_up_to
        if cut and kind not in RAW_LONG_KINDS:
            continue
        if switch in ("use_split_qkv_input", "use_attn_in") and length > REPEATED_UP_TO:
            continue
        if switch == "use_attn_result" and length > RESULT_UP_TO[form]:
            continue
        kept[key] = value
    return kept


def double_precision(
    spec: CheckpointSpec,
    form: str,
    sequences: dict[str, torch.Tensor],
    single: Tensors,
) -> tuple[Tensors, dict[str, float]]:
    """Logits and losses with weights, processing and pass in float64, and torch's float32 error."""
    model = load_lens_model(spec.name, form, torch.float64)
    tensors: Tensors = {}
    errors: dict[str, float] = {}
    for name, tokens in sequences.items():
        logits = model(tokens[None])[0]
        assert logits.dtype == torch.float64
        values = losses(model, tokens)
        if form == "processed" and len(tokens) <= LOGITS_F64_UP_TO:
            values["logits"] = logits
        tensors |= {f"f64/{form}/{name}/{key}": value for key, value in values.items()}
        prefix = f"{form}/{name}"
        errors[f"{prefix}/logits"] = float((single[f"{prefix}/logits"] - logits).abs().max())
        assert errors[f"{prefix}/logits"] < 1e-4, (prefix, errors)
        if len(tokens) > 1:
            errors[f"{prefix}/loss"] = float((single[f"{prefix}/loss"] - values["loss"]).abs())
            assert errors[f"{prefix}/loss"] < 1e-5, (prefix, errors)
    return tensors, errors


def transformers_logits(
    spec: CheckpointSpec, sequences: dict[str, torch.Tensor], raw: Tensors
) -> Tensors:
    """Logits by transformers itself, checked against the unprocessed HookedTransformer."""
    model = load_transformers_model(spec.name)
    tensors = {}
    for name, tokens in sequences.items():
        logits = model(tokens[None]).logits[0]
        assert_close(raw[name], logits, f"{name}: TransformerLens against transformers")
        if len(tokens) <= TRANSFORMERS_UP_TO:
            tensors[f"transformers/{name}/logits"] = logits
    return tensors


def assert_close(actual: torch.Tensor, expected: torch.Tensor, what: str) -> None:
    """Fails where two tensors differ by more than 1e-4 absolute plus 1e-4 relative."""
    torch.testing.assert_close(
        actual, expected, atol=1e-4, rtol=1e-4, msg=lambda text: f"{what}: {text}"
    )

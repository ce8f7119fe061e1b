"""Head scores of TransformerLens's detect_head on prompts with repeated tokens."""

from __future__ import annotations

import math
from typing import Any

import torch
from transformer_lens import HookedTransformer
from transformer_lens.head_detector import (
    detect_head,
    get_duplicate_token_head_detection_pattern,
    get_induction_head_detection_pattern,
    get_previous_token_head_detection_pattern,
)

from lens import load_lens_model

CHECKPOINTS = ("gpt-neo-1l-16h", "gpt-neo-3l-local")
PROMPTS = (
    "a",  # two tokens with BOS: nothing is left when both exclusions are on
    "Tom saw Tom",
    "the ball the ball the ball",
    "red red red red red",
    "<|endoftext|>a cat<|endoftext|>a cat",
)
TARGETS = {
    "previous_token_head": get_previous_token_head_detection_pattern,
    "duplicate_token_head": get_duplicate_token_head_detection_pattern,
    "induction_head": get_induction_head_detection_pattern,
}


def head_scores() -> list[dict[str, Any]]:
    """One record per checkpoint, prompt, kind of head, measure and exclusions."""
    records = []
    for checkpoint in CHECKPOINTS:
        model = load_lens_model(checkpoint, "processed")
        for prompt in PROMPTS:
            for head, measure, bos, current in combinations():
                scores = detect_head(
                    model,
                    prompt,
                    head,
                    exclude_bos=bos,
                    exclude_current_token=current,
                    error_measure=measure,
                )
                exact = unrounded(model, prompt, head, measure, bos, current)
                torch.testing.assert_close(scores, exact, atol=6e-4, rtol=0, equal_nan=True)
                record = {
                    "checkpoint": checkpoint,
                    "text": prompt,
                    "tokens": model.to_tokens(prompt)[0].tolist(),
                    "head": head,
                    "error_measure": measure,
                    "exclude_bos": bos,
                    "exclude_current_token": current,
                    "scores": as_json(exact),
                }
                if measure == "abs":
                    record["rounded_scores"] = as_json(scores)
                records.append(record)
    return records


def combinations() -> list[tuple[str, str, bool, bool]]:
    """Every kind of head with every measure and exclusion."""
    flags = (False, True)
    return [
        (head, measure, bos, current)
        for head in TARGETS
        for measure in ("mul", "abs")
        for bos in flags
        for current in flags
    ]


def unrounded(
    model: HookedTransformer, prompt: str, head: str, measure: str, bos: bool, current: bool
) -> torch.Tensor:
    """The same scores `[layer, head]` without detect_head's rounding of `abs` to three decimals."""
    tokens = model.to_tokens(prompt)
    _, cache = model.run_with_cache(tokens, remove_batch_dim=True)
    target = TARGETS[head](tokens)
    patterns = torch.stack([cache["pattern", layer] for layer in range(model.cfg.n_layers)])
    kept = torch.ones_like(target)
    if bos:
        kept[:, 0] = 0
    if current:
        kept.fill_diagonal_(0)
    if measure == "mul":
        weights = patterns * kept
        return (weights * target).sum((-2, -1)) / weights.sum((-2, -1))
    return 1 - ((patterns - target).abs() * kept).sum((-2, -1)) / len(target)


def as_json(scores: torch.Tensor) -> list[list[float | None]]:
    """Nested lists with null for NaN."""
    return [
        [None if math.isnan(score) else round(score, 7) for score in layer]
        for layer in scores.tolist()
    ]

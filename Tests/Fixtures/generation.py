"""What transformers and TransformerLens generate, and what their filters leave of logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from transformer_lens import utils
from transformers import (
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from checkpoints import load_transformers_model
from lens import FORMS, load_lens_model

EMBEDDED = Path(__file__).resolve().parents[2] / "Models" / "tinytales-1l"
# Prompts of each model: ids, BOS first. (A prompt of BOS alone TransformerLens takes for padding.)
PROMPTS = {
    "gpt-neo-1l-16h": ([0, 9], [0, 17, 40, 201, 17], [0, 5, 300, 8, 9, 10, 11, 12, 13, 14, 15]),
    "gpt-neo-3l-local": ([0, 3], [0, 100, 7, 100, 7, 100, 7, 9]),
    "gpt-neo-2l-f16": ([0, 30, 40], [0, 1, 2, 3, 4, 5, 6, 7, 8]),
    "gpt-neo-1l-untied": ([0, 2, 4, 6],),
    "tinytales-1l": ("Once upon a time, there was a little", "Tom had a red", "The"),
}
NEW_TOKENS = 24
# A tie between the two likeliest tokens would make the reference a matter of rounding.
MARGIN = 1e-4


def greedy_texts() -> list[dict[str, Any]]:
    """A record per model and prompt: its tokens, the log-probability of each new one."""
    records = []
    for name, prompts in PROMPTS.items():
        folder = str(EMBEDDED) if name == EMBEDDED.name else name
        hugging_face = load_transformers_model(folder)
        lenses = [load_lens_model(folder, form) for form in FORMS]
        for prompt in prompts:
            tokens = lenses[0].to_tokens(prompt) if isinstance(prompt, str) else torch.tensor([prompt])
            new = min(NEW_TOKENS, hugging_face.config.max_position_embeddings - tokens.shape[1])
            output = hugging_face.generate(
                tokens,
                attention_mask=torch.ones_like(tokens),
                do_sample=False,
                max_new_tokens=new,
                eos_token_id=0,
                pad_token_id=0,
            )
            for lens in lenses:
                again = lens.generate(tokens, max_new_tokens=new, do_sample=False, verbose=False)
                assert again.tolist() == output.tolist(), (name, prompt)
            start = tokens.shape[1]
            logits = hugging_face(output).logits[0, start - 1 : -1]
            best = logits.topk(2).values
            assert (best[:, 0] - best[:, 1]).min() > MARGIN, (name, prompt)
            logprobs = logits.log_softmax(-1).gather(1, output[0, start:, None])[:, 0]
            records.append(
                {
                    "model": name,
                    "prompt": tokens[0].tolist(),
                    "tokens": output[0].tolist(),
                    "logprobs": [round(value, 6) for value in logprobs.tolist()],
                }
            )
    return records


def filtered_distributions() -> list[dict[str, Any]]:
    """What is left of logits: a record per setting, the probabilities from which a token is drawn.

    Without a penalty by transformers' warpers; with one by TransformerLens's `sample_logits`.
    """
    generator = np.random.default_rng(20261123)
    records = []
    for vocabulary, spread in ((8, 1.0), (40, 3.0), (40, 0.01)):
        logits = torch.tensor(generator.normal(0, spread, (1, vocabulary)), dtype=torch.float32)
        # Tied values, at the border of some filter too.
        logits[0, 5] = logits[0, 2]
        for temperature, top_k, top_p in (
            (1.0, None, None),
            (0.3, None, None),
            (2.5, None, None),
            (1.0, 1, None),
            (0.7, 5, None),
            (1.0, vocabulary, None),
            (1.0, None, 0.5),
            (1.3, None, 0.95),
            (1.0, None, 0.01),
            (0.8, 6, 0.7),
        ):
            scores = TemperatureLogitsWarper(temperature)(None, logits)
            if top_k is not None:
                scores = TopKLogitsWarper(top_k)(None, scores)
            if top_p is not None:
                scores = TopPLogitsWarper(top_p)(None, scores)
            settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "freq_penalty": 0}
            records.append(record(logits, [], settings, scores))
        for temperature, top_k, top_p in ((1.0, None, None), (0.5, 4, None), (1.5, None, 0.6)):
            tokens = [1, 2, 1, 1, 7]
            settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "freq_penalty": 0.4}
            records.append(record(logits, tokens, settings, lens_scores(logits, tokens, settings)))
    return records


def lens_scores(logits: torch.Tensor, tokens: list[int], settings: dict[str, Any]) -> torch.Tensor:
    """The logits that TransformerLens samples from."""
    seen = []

    class Listening(torch.distributions.Categorical):
        def __init__(self, logits: torch.Tensor) -> None:
            seen.append(logits)
            super().__init__(logits=logits)

    with patch("torch.distributions.categorical.Categorical", Listening):
        utils.sample_logits(logits.clone(), tokens=torch.tensor([tokens]), **settings)
    return seen[0]


def record(
    logits: torch.Tensor, tokens: list[int], settings: dict[str, Any], scores: torch.Tensor
) -> dict[str, Any]:
    """One setting with the logits that go in and the probabilities that come out."""
    return settings | {
        "tokens": tokens,
        "logits": logits[0].tolist(),
        "probabilities": [round(value, 8) for value in scores.softmax(-1)[0].tolist()],
    }

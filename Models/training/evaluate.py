"""Measures tinytales-1l and writes `evaluation.json` into its folder.

Held-out loss beside n-gram baselines that are fitted on the very stories the model was trained on,
and for each head what it looks at and what the loss becomes without it. Needs `training.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import GPTNeoForCausalLM

from baselines import NGramModel
from corpus import BOS, encode, held_out_sequences
from head_scores import HeadScores
from stories import grammar, training_stories
from train_tokenizer import write_json

Losses = NDArray[np.float64]


@contextmanager
def ablated(model: GPTNeoForCausalLM, heads: list[int]) -> Iterator[None]:
    """Zero-ablation: within the block, the outputs (`hook_z`) of `heads` are zero."""
    attention = model.transformer.h[0].attn.attention
    width = attention.head_dim

    def silence(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor]:
        z = inputs[0].clone()  # [batch, pos, head * dHead]
        for head in heads:
            z[..., head * width : (head + 1) * width] = 0
        return (z,)

    handle = attention.out_proj.register_forward_pre_hook(silence)
    try:
        yield
    finally:
        handle.remove()


def token_losses(
    model: GPTNeoForCausalLM, sequences: list[list[int]], batch: int = 16
) -> list[Losses]:
    """For each sequence the loss, in nats, of each of its tokens but the first."""
    losses: list[Losses] = []
    for start in range(0, len(sequences), batch):
        group = sequences[start : start + batch]
        longest = max(map(len, group))
        tokens = torch.tensor([s + [BOS] * (longest - len(s)) for s in group])
        targets = torch.tensor([s[1:] + [-100] * (longest - len(s)) for s in group])
        logits = model(input_ids=tokens[:, :-1], use_cache=False).logits
        loss = F.cross_entropy(logits.transpose(1, 2), targets, reduction="none", ignore_index=-100)
        losses += [row[: len(s) - 1] for row, s in zip(loss.double().numpy(), group, strict=True)]
    return losses


def mean_and_error(losses: list[Losses]) -> tuple[float, float]:
    """Mean over all predictions, and its standard error with stories drawn independently."""
    sums = np.array([loss.sum() for loss in losses])
    counts = np.array([len(loss) for loss in losses])
    mean = sums.sum() / counts.sum()
    return float(mean), float(np.sqrt(((sums - counts * mean) ** 2).sum()) / counts.sum())


def baselines(
    tokenizer: Tokenizer, record: dict[str, int], held_out: list[list[int]], vocabulary: int
) -> dict[str, float]:
    """Held-out losses of the n-gram models."""
    stories = islice(training_stories(record["seed"]), record["stories"])
    fitted_on = [np.array([*encode(tokenizer, story), BOS]) for story in stories]
    return {
        "uniform": math.log(vocabulary),
        **{
            name: NGramModel(fitted_on, order, vocabulary).loss(held_out)
            for order, name in enumerate(("unigram", "bigram", "trigram"), start=1)
        },
    }


def head_table(
    model: GPTNeoForCausalLM, tokenizer: Tokenizer, sequences: list[list[int]]
) -> tuple[list[dict[str, object]], dict[str, float]]:
    """One row per head (attention scores, Δloss, and Δloss where a person's name is predicted).

    Beside them, what silencing all heads at once costs.
    """
    base = token_losses(model, sequences)
    names = {
        token
        for group in grammar().names.values()
        for name in group
        if (token := tokenizer.token_to_id("Ġ" + name)) is not None
    }
    scores = HeadScores(model.config.num_heads, names)
    for sequence in sequences:
        output = model(torch.tensor([sequence[:-1]]), output_attentions=True, use_cache=False)
        scores.add(sequence[:-1], output.attentions[0][0].double().numpy())

    def delta(heads: list[int]) -> dict[str, float]:
        with ablated(model, heads):
            after = token_losses(model, sequences)
        change = [a - b for a, b in zip(after, base, strict=True)]
        mean, error = mean_and_error(change)
        on_names = [c[np.isin(s[1:], list(names))] for c, s in zip(change, sequences, strict=True)]
        return {
            "delta_loss": mean,
            "delta_loss_error": error,
            "delta_loss_names": mean_and_error(on_names)[0],
        }

    heads = range(model.config.num_heads)
    rows = [{"head": h, **scores.row(h, tokenizer.id_to_token), **delta([h])} for h in heads]
    return rows, delta(list(heads))


@torch.inference_mode()
def evaluate(folder: Path, held_out_count: int, head_count: int) -> dict[str, object]:
    """Everything that `evaluation.json` holds."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = GPTNeoForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    record = json.loads((folder / "training.json").read_text())
    held_out = held_out_sequences(tokenizer, record["seed"], held_out_count)
    losses = token_losses(model, held_out)
    loss, error = mean_and_error(losses)
    rows, no_heads = head_table(model, tokenizer, held_out[:head_count])
    weights = (folder / "model.safetensors").read_bytes()
    return {
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "held_out": {
            "stories": len(held_out),
            "predictions": sum(map(len, losses)),
            "loss": loss,
            "loss_error": error,
        },
        "baselines": baselines(tokenizer, record, held_out, model.config.vocab_size),
        "head_stories": head_count,
        "heads": rows,
        "all_heads_ablated": no_heads,
    }


def rounded(value: object) -> object:
    """`value` with every float at five decimals."""
    match value:
        case float():
            return round(value, 5)
        case dict():
            return {key: rounded(item) for key, item in value.items()}
        case list():
            return [rounded(item) for item in value]
        case _:
            return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model's folder")
    parser.add_argument("--held-out", type=int, default=1000, help="stories for the loss")
    parser.add_argument("--head-stories", type=int, default=300, help="stories for the heads")
    options = parser.parse_args()
    torch.set_num_threads(1)
    result = rounded(evaluate(options.folder, options.held_out, options.head_stories))
    write_json(options.folder / "evaluation.json", result)
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()

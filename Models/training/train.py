"""Trains tinytales-1l on the CPU and writes its Hugging Face folder.

The tokenizer must be in the folder already (`train_tokenizer.py`). Stories are written while
training goes on and no story is seen twice. The schedule depends on the number of tokens only,
never on the clock, so the same seed, versions and number of threads give the same run.
"""

from __future__ import annotations

import argparse
import math
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tokenizers
import torch
import torch.nn.functional as F
import transformers
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import GenerationConfig, GPTNeoConfig, GPTNeoForCausalLM

from corpus import BOS, batches, held_out_sequences, pack
from stories import training_stories
from train_tokenizer import CONTEXT, VOCABULARY, write_json

PEAK_LEARNING_RATE = 1.5e-3
FINAL_LEARNING_RATE = 2e-5
WARMUP_SHARE = 0.05
WEIGHT_DECAY = 0.05
CLIP_NORM = 1.0

#: The distances at which the first heads start to look, and how strongly they do.
START_DISTANCES = (1, 1, 2, 2, 3, 4, 5, 8)
START_SIZE = 0.8


def configuration() -> GPTNeoConfig:
    """One layer of TinyStories-1Layer-21M's kind, a quarter as wide."""
    return GPTNeoConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=CONTEXT,
        hidden_size=256,
        num_layers=1,
        num_heads=16,
        intermediate_size=1024,
        attention_types=[[["global"], 1]],
        window_size=256,
        activation_function="gelu_new",
        layer_norm_epsilon=1e-5,
        resid_dropout=0.0,
        embed_dropout=0.0,
        attention_dropout=0.0,
        tie_word_embeddings=True,
        bos_token_id=BOS,
        eos_token_id=BOS,
    )


def start_with_positions(model: GPTNeoForCausalLM) -> None:
    """Gives the position embeddings, and half of the heads, a start from which training is short.

    Position embeddings start as sines and cosines, so that "k tokens back" is a rotation. The heads
    of `START_DISTANCES` start by reading eight of the frequencies, their queries turned by so many
    tokens: they attend mostly to that distance. All of it is free to change from the first step.
    """
    wpe = model.transformer.wpe.weight.data
    positions, width = wpe.shape
    waves = width // 2
    rates = 2.0 * torch.exp(-math.log(positions / math.pi) * torch.arange(waves) / waves)
    angles = torch.arange(positions)[:, None] * rates
    wpe.copy_(0.1 * math.sqrt(2) * torch.cat([angles.sin(), angles.cos()], dim=1))

    attention = model.transformer.h[0].attn.attention
    query = attention.q_proj.weight.data  # [head * dHead, dModel]
    key = attention.k_proj.weight.data
    pairs = attention.head_dim // 2
    for head, distance in enumerate(START_DISTANCES):
        chosen = head + torch.arange(pairs) * (waves // pairs)
        turn = distance * rates[chosen]
        sine = torch.arange(pairs) + head * attention.head_dim
        cosine = sine + pairs
        for weight, angle in ((query, turn), (key, torch.zeros(pairs))):
            weight[sine, chosen] += START_SIZE * angle.cos()
            weight[sine, chosen + waves] -= START_SIZE * angle.sin()
            weight[cosine, chosen] += START_SIZE * angle.sin()
            weight[cosine, chosen + waves] += START_SIZE * angle.cos()


def make_model() -> GPTNeoForCausalLM:
    """The model before its first step, with kernels that suit the CPU and change no result."""
    model = GPTNeoForCausalLM(configuration())
    start_with_positions(model)
    block = model.transformer.h[0]
    block.attn.attention._attn = fused_attention
    block.mlp.act = nn.GELU(approximate="tanh")
    return model


def fused_attention(
    query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None
) -> tuple[Tensor, None]:
    """GPT-Neo's global attention (its scale is 1) without storing the `[pos, pos]` patterns."""
    return F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=1.0), None


def next_token_loss(model: GPTNeoForCausalLM, tokens: Tensor) -> Tensor:
    """Mean loss over the `length - 1` predictions of every row of `tokens`, `[batch, length]`."""
    hidden = model.transformer(input_ids=tokens[:, :-1], use_cache=False).last_hidden_state
    return F.cross_entropy(model.lm_head(hidden).flatten(0, 1), tokens[:, 1:].flatten())


def learning_rate(done: float) -> float:
    """The rate after the share `done` of all tokens: a linear warm-up, then half a cosine."""
    if done < WARMUP_SHARE:
        return PEAK_LEARNING_RATE * done / WARMUP_SHARE
    wave = 0.5 * (1 + math.cos(math.pi * (done - WARMUP_SHARE) / (1 - WARMUP_SHARE)))
    return FINAL_LEARNING_RATE + (PEAK_LEARNING_RATE - FINAL_LEARNING_RATE) * wave


def make_optimizer(model: nn.Module) -> torch.optim.AdamW:
    """AdamW that decays the matrices of the block, and neither embeddings nor vectors."""
    decayed = [p for n, p in model.named_parameters() if p.ndim == 2 and ".h." in n]
    others = [p for n, p in model.named_parameters() if not (p.ndim == 2 and ".h." in n)]
    groups = [
        {"params": decayed, "weight_decay": WEIGHT_DECAY},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.99), eps=1e-8, fused=True)


@torch.inference_mode()
def quick_held_out_loss(model: GPTNeoForCausalLM, sequences: list[list[int]]) -> float:
    """Mean loss over all predictions of some held-out stories; `evaluate.py` does it thoroughly."""
    total, count = 0.0, 0
    for tokens in sequences:
        total += next_token_loss(model, torch.tensor([tokens])).item() * (len(tokens) - 1)
        count += len(tokens) - 1
    return total / count


class StoryCounter:
    """The training stories of a seed; knows how many have been taken."""

    def __init__(self, seed: int) -> None:
        self.taken = 0
        self._stories = training_stories(seed)

    def __iter__(self) -> Iterator[str]:
        for story in self._stories:
            self.taken += 1
            yield story


def save(model: GPTNeoForCausalLM, folder: Path, record: dict[str, object]) -> None:
    """Writes the checkpoint and what it was made from."""
    model.save_pretrained(folder)
    GenerationConfig(bos_token_id=BOS, eos_token_id=BOS, pad_token_id=BOS).save_pretrained(folder)
    write_json(folder / "training.json", record)


def train(options: argparse.Namespace) -> None:
    """Trains from the first token to the last, and saves every few minutes."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # moments of tokens long unseen would slow the optimizer down
    tokenizer = Tokenizer.from_file(str(options.folder / "tokenizer.json"))
    sequences = held_out_sequences(tokenizer, options.seed, 100)
    model = make_model()
    optimizer = make_optimizer(model)
    source = StoryCounter(options.seed)
    per_step = options.batch * CONTEXT
    steps = options.tokens // per_step
    losses: list[float] = []
    began = saved = time.monotonic()

    samples = pack(tokenizer, source, CONTEXT + 1)
    for step, batch in zip(range(1, steps + 1), batches(samples, options.batch), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step / steps)
        loss = next_token_loss(model, torch.from_numpy(batch))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimizer.step()
        losses.append(loss.item())

        now = time.monotonic()
        if step % 50 == 0 or step == steps:
            print(
                f"step {step}/{steps}  loss {np.mean(losses[-50:]):.4f}"
                f"  {step * per_step / (now - began):.0f} tokens/s",
                flush=True,
            )
        if now - saved > 60 * options.save_minutes or step == steps:
            held_out = quick_held_out_loss(model, sequences)
            print(f"step {step}/{steps}  held-out loss {held_out:.4f}", flush=True)
            record = {
                "seed": options.seed,
                "tokens": step * per_step,
                "planned_tokens": steps * per_step,
                "stories": source.taken,
                "steps": step,
                "tokens_per_step": per_step,
                "seconds": round(now - began),
                "threads": options.threads,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "transformers": transformers.__version__,
                "tokenizers": tokenizers.__version__,
            }
            save(model, options.folder, record)
            saved = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model's folder, with its tokenizer")
    parser.add_argument("--tokens", type=int, required=True, help="how many tokens to train on")
    parser.add_argument("--batch", type=int, default=4, help="sequences of 512 tokens per step")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-minutes", type=float, default=4)
    train(parser.parse_args())


if __name__ == "__main__":
    main()

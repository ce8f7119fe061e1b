"""Lets tinytales-1l write a story."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import GPTNeoForCausalLM

from corpus import encode

PROMPT = "Once upon a time, there was a little girl named Lily."


@torch.inference_mode()
def write_story(
    folder: Path, prompt: str = PROMPT, *, temperature: float, seed: int, limit: int = 400
) -> str:
    """`prompt` and what the model writes behind it until it ends the story (or `limit` tokens)."""
    torch.manual_seed(seed)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = GPTNeoForCausalLM.from_pretrained(folder).eval()
    tokens = torch.tensor([encode(tokenizer, prompt)])
    output = model.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        do_sample=True,
        temperature=temperature,
        top_k=0,
        max_new_tokens=limit,
    )
    return tokenizer.decode(output[0].tolist()).strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model's folder")
    parser.add_argument("--prompt", default=PROMPT)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seed, temperature = options.seed, options.temperature
    print(write_story(options.folder, options.prompt, temperature=temperature, seed=seed))


if __name__ == "__main__":
    main()

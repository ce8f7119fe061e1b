"""Random GPT-Neo checkpoints of the shapes that are compared, in the Hugging Face layout; made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GPTNeoConfig, GPTNeoForCausalLM, PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True)
class Shape:
    """One model's sizes."""

    name: str
    title: str
    layers: int
    heads: int
    hidden: int
    vocab: int
    context: int


SHAPES = (
    Shape("shape-a", "shape A (1 layer, 1024, 16 heads)", 1, 16, 1024, 50257, 2048),
    Shape("layers-12", "12 layers, 768, 12 heads", 12, 12, 768, 50257, 2048),
    Shape("toy", "toy (1 layer, 128, 16 heads)", 1, 16, 128, 420, 512),
)


def checkpoint(shape: Shape, root: Path) -> Path:
    """The folder of a shape's checkpoint, written if it is not there yet."""
    folder = root / shape.name
    if (folder / "tokenizer.json").exists():
        return folder
    torch.manual_seed(len(shape.name))
    config = GPTNeoConfig(
        vocab_size=shape.vocab,
        max_position_embeddings=shape.context,
        hidden_size=shape.hidden,
        num_layers=shape.layers,
        attention_types=[[["global"], shape.layers]],
        num_heads=shape.heads,
        bos_token_id=shape.vocab - 1,
        eos_token_id=shape.vocab - 1,
    )
    GPTNeoForCausalLM(config).save_pretrained(folder, safe_serialization=True)
    (folder / "generation_config.json").unlink(missing_ok=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {symbol: index for index, symbol in enumerate(alphabet)}
    vocabulary[END_OF_TEXT] = shape.vocab - 1
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, special=True)])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END_OF_TEXT, eos_token=END_OF_TEXT).save_pretrained(
        folder
    )
    return folder

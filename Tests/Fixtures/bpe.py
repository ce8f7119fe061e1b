"""Byte-level BPE tokenizers of the fixtures, trained on text made here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

END_OF_TEXT = "<|endoftext|>"

SUBJECTS = ("Tom", "Lily", "the little fox", "a big dog", "Anna's cat", "the old bird", "Ben")
VERBS = ("saw", "liked", "lost", "found", "wanted", "didn't see", "couldn't reach", "gave away")
OBJECTS = ("a red ball", "the blue box", "some cake", "a small boat", "3 shiny stones", "the sun")
PLACES = ("in the park", "at home", "under the tree", "near the lake", "on the hill", "by the sea")
ENDINGS = (
    'and said: "Oh no!"',
    "and was very happy.",
    "so they'll play again.",
    "because it's fun...",
    "but we've got to go now.",
    "and I'm glad.",
)

# Blocks from which the larger tokenizer sees words: it learns merges of several-byte characters.
SCRIPT_BLOCKS = (
    (0x00C0, 0x0180),  # Latin with diacritics
    (0x0391, 0x03CA),  # Greek
    (0x0410, 0x0450),  # Cyrillic
    (0x05D0, 0x05EB),  # Hebrew
    (0x0621, 0x064B),  # Arabic
    (0x0905, 0x093A),  # Devanagari
    (0x3041, 0x3097),  # Hiragana
    (0x4E00, 0x4E60),  # Han
    (0xAC00, 0xAC60),  # Hangul
    (0x1F600, 0x1F640),  # emoji
)


def sentences(count: int, seed: int) -> Iterator[str]:
    """Yields `count` children's sentences, some with line breaks or indentation around them."""
    generator = np.random.default_rng(seed)

    def pick(choices: tuple[str, ...]) -> str:
        return choices[int(generator.integers(len(choices)))]

    for index in range(count):
        sentence = f"{pick(SUBJECTS)} {pick(VERBS)} {pick(OBJECTS)} {pick(PLACES)} {pick(ENDINGS)}"
        if index % 7 == 3:
            sentence = f"\n\n{sentence}\n"
        if index % 11 == 5:
            sentence = f"    if x[{index}] == {index * 37}:\n        return ({sentence!r})\n"
        yield sentence


def script_words(count: int, seed: int) -> Iterator[str]:
    """Yields `count` lines of random words, one script each, with frequent word stems."""
    generator = np.random.default_rng(seed)
    stems = [
        ["".join(chr(c) for c in generator.integers(low, high, size=4)) for _ in range(12)]
        for low, high in SCRIPT_BLOCKS
    ]
    for _ in range(count):
        block = int(generator.integers(len(SCRIPT_BLOCKS)))
        low, high = SCRIPT_BLOCKS[block]
        words = []
        for _ in range(int(generator.integers(2, 6))):
            stem = stems[block][int(generator.integers(12))]
            tail = generator.integers(low, high, size=int(generator.integers(0, 3)))
            words.append(stem + "".join(chr(c) for c in tail))
        yield " ".join(words)


def byte_level_tokenizer() -> Tokenizer:
    """An untrained tokenizer that splits as GPT-2 does."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_checkpoint_tokenizer(vocab_size: int, *, bos_template: bool) -> Tokenizer:
    """The tokenizer of a checkpoint: `<|endoftext|>` is id 0, then bytes, then merges."""
    tokenizer = byte_level_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences(400, seed=1), trainer)
    if bos_template:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{END_OF_TEXT} $A",
            pair=f"{END_OF_TEXT} $A {END_OF_TEXT} $B",
            special_tokens=[(END_OF_TEXT, tokenizer.token_to_id(END_OF_TEXT))],
        )
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def train_large_tokenizer(vocab_size: int = 3000) -> Tokenizer:
    """A tokenizer laid out as GPT-2's: `<|endoftext|>` has the last id."""
    tokenizer = byte_level_tokenizer()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 1,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    lines = [*sentences(3000, seed=2), *script_words(6000, seed=3)]
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_special_tokens([AddedToken(END_OF_TEXT, normalized=True, special=True)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes tokenizer.json and the tokenizer_config.json by which transformers finds BOS."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "bos_token": END_OF_TEXT,
        "clean_up_tokenization_spaces": False,
        "eos_token": END_OF_TEXT,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": END_OF_TEXT,
    }
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")

"""Turns stories into token sequences: how the model sees them, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from stories import held_out_stories

#: `<|endoftext|>`: begins every story and, by beginning the next one, ends it.
BOS = 0

Tokens = NDArray[np.int64]


def encode(tokenizer: Tokenizer, story: str) -> list[int]:
    """BOS and the tokens of `story`, as `prepend_bos` gives them."""
    return [BOS, *tokenizer.encode(story).ids]


def pack(tokenizer: Tokenizer, stories: Iterable[str], length: int) -> Iterator[Tokens]:
    """Samples of `length` tokens: stories end to end, each begun by BOS, the first at position 0.

    What does not fit of a sample's last story is dropped, so that no sample begins inside a story.
    """
    sample: list[int] = []
    for story in stories:
        sample += encode(tokenizer, story)
        if len(sample) >= length:
            yield np.asarray(sample[:length], dtype=np.int64)
            sample = []


def batches(samples: Iterable[Tokens], size: int) -> Iterator[Tokens]:
    """Arrays `[size, length]` of samples, in order; an incomplete last one is dropped."""
    iterator = iter(samples)
    while len(rows := list(islice(iterator, size))) == size:
        yield np.stack(rows)


def held_out_sequences(tokenizer: Tokenizer, seed: int, count: int) -> list[list[int]]:
    """The first `count` held-out stories of `seed`, each a sequence from BOS to BOS."""
    stories = islice(held_out_stories(seed), count)
    return [[*encode(tokenizer, story), BOS] for story in stories]

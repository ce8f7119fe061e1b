"""N-gram models to measure the transformer against.

The unigram model adds one to every count. The bigram and trigram models are interpolated
Kneser-Ney models (Chen and Goodman 1999): the highest order counts occurrences, the lower orders
count distinct left neighbours, each order has the one discount `(n1 + 1) / (n1 + 2 n2 + 2)` (n1
and n2: how many n-grams were seen once and twice), and the last step is a unigram of continuations
with one added to every count. No probability is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """How often each n-gram, written as one integer in base `vocabulary`, was counted."""

    keys: Array
    values: Array

    @classmethod
    def of(cls, codes: Array) -> Counts:
        """Counts occurrences."""
        return cls(*np.unique(codes, return_counts=True))

    def __call__(self, codes: Array) -> NDArray[np.float64]:
        """The count of each of `codes`; 0 for what was never seen."""
        at = np.minimum(np.searchsorted(self.keys, codes), len(self.keys) - 1)
        return np.where(self.keys[at] == codes, self.values[at], 0).astype(np.float64)


class Order:
    """One order of a Kneser-Ney model: discounted counts, and the mass left to shorter n-grams."""

    def __init__(self, ngrams: Counts, vocabulary: int) -> None:
        once, twice = (int((ngrams.values == n).sum()) for n in (1, 2))
        self.discount = (once + 1) / (once + 2 * twice + 2)
        self.ngrams = ngrams
        contexts = ngrams.keys // vocabulary
        keys, first = np.unique(contexts, return_index=True)
        self.totals = Counts(keys, np.add.reduceat(ngrams.values, first))
        self.followers = Counts.of(contexts)
        self._vocabulary = vocabulary

    def probability(self, codes: Array, shorter: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probability of each n-gram's last token, given those that `shorter` contexts assign."""
        contexts = codes // self._vocabulary
        total = self.totals(contexts)
        seen = np.maximum(total, 1)
        kept = np.maximum(self.ngrams(codes) - self.discount, 0) / seen
        mixed = kept + self.discount * self.followers(contexts) / seen * shorter
        return np.where(total > 0, mixed, shorter)


class NGramModel:
    """A unigram, bigram or trigram model (`order` 1, 2 or 3) of sequences that begin with BOS."""

    def __init__(self, sequences: Sequence[ArrayLike], order: int, vocabulary: int) -> None:
        self._vocabulary = vocabulary
        self._order = order
        codes = self._codes(sequences, order)
        # The lower orders count distinct longer n-grams in place of occurrences.
        counts = {order: Counts.of(codes)}
        for n in range(order - 1, 0, -1):
            counts[n] = Counts.of(counts[n + 1].keys % vocabulary**n)
        self._unigrams = counts[1]
        self._orders = [Order(counts[n], vocabulary) for n in range(2, order + 1)]

    def loss(self, sequences: Sequence[ArrayLike]) -> float:
        """Mean `-log p` in nats over every token after the first of every sequence."""
        codes = self._codes(sequences, self._order)
        total = self._unigrams.values.sum() + self._vocabulary
        probability = (self._unigrams(codes % self._vocabulary) + 1) / total
        for n, order in enumerate(self._orders, start=2):
            probability = order.probability(codes % self._vocabulary**n, probability)
        return float(-np.log(probability).mean())

    def _codes(self, sequences: Sequence[ArrayLike], order: int) -> Array:
        """The n-gram that ends at each token after the first; what lies before a BOS is BOS."""
        parts = []
        for sequence in sequences:
            bare = np.asarray(sequence, dtype=np.int64)
            tokens = np.pad(bare, (max(order - 2, 0), 0), mode="edge")
            length = len(bare) - 1
            code = np.zeros(length, dtype=np.int64)
            for column in range(order):
                start = len(tokens) - length - (order - 1 - column)
                code = code * self._vocabulary + tokens[start : start + length]
            parts.append(code)
        return np.concatenate(parts)

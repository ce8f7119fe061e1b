"""What the heads of a layer look at, summed up over many stories.

With `A[i, j]` the attention that position i pays to position j, and position 0 the BOS token:

- `self`: mean of `A[i, i]`
- `previous`: mean of `A[i, i-1]`, i > 1
- `distance`: the greatest mean of `A[i, i-k]`, i > k, over k in 2…16; that k is `best_distance`
- `first`: mean of `A[i, 0]`
- `duplicate`: attention to earlier occurrences of the token at i, mean over those i that have any
- `names`: mean attention to people's names, the one at i included
- `duplicate_lift`, `names_lift`: the same over what even attention to positions 1…i would give them
- `by_distance`: share of the variance of `A[i, j]`, j > 0, that its mean for each i - j explains
- `sources`: the tokens (BOS aside) that receive most of the head's attention

All means are over destinations i > 0. A head may be of several kinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

LONGEST_DISTANCE = 16
MAX_LENGTH = 512
#: A mean attention from which a head is said to be of a kind, and a lift that counts as one.
KIND_SHARE = 0.25
KIND_LIFT = 2.5
#: Below this share a head's attention is not a matter of position.
CONTENT_SHARE = 0.3

Array = NDArray[np.float64]


class HeadScores:
    """Accumulates attention patterns, one story at a time."""

    def __init__(self, heads: int, names: set[int]) -> None:
        self._names = names
        self._sums: dict[str, Array] = {}
        self._counts: Counter[str] = Counter()
        self._by_distance = np.zeros((2, heads, MAX_LENGTH))  # sums of A and of A²
        self._at_distance = np.zeros(MAX_LENGTH)
        self._sources = [Counter[int]() for _ in range(heads)]

    def add(self, tokens: list[int], pattern: Array) -> None:
        """Takes in one story: its tokens and its patterns, `[head, pos, pos]`."""
        ids = np.asarray(tokens)
        length = len(ids)
        below = np.tri(length, dtype=bool)
        below[:, 0] = False  # BOS has a score of its own
        rows = np.arange(1, length)
        share = below[1:] / below[1:].sum(axis=1, keepdims=True)

        self._take("self", pattern[:, rows, rows])
        self._take("first", pattern[:, 1:, 0])
        for k in range(1, LONGEST_DISTANCE + 1):
            to = np.arange(k + 1, length)
            self._take(f"distance {k}", pattern[:, to, to - k])

        earlier = (ids[:, None] == ids[None, :]) & np.tri(length, k=-1, dtype=bool) & below
        again = earlier[1:].any(axis=1)
        self._take("duplicate", (pattern[:, 1:] * earlier[1:]).sum(axis=2)[:, again])
        self._take("duplicate even", (share * earlier[1:]).sum(axis=1)[None, again])
        named = np.isin(ids, list(self._names))
        self._take("names", (pattern[:, 1:] * (named & below[1:])).sum(axis=2))
        self._take("names even", (share * named).sum(axis=1)[None])

        offset = (np.arange(length)[:, None] - np.arange(length)[None, :])[below]
        self._at_distance += np.bincount(offset, minlength=MAX_LENGTH)
        for head, one in enumerate(pattern):
            for power in (1, 2):
                sums = np.bincount(offset, weights=one[below] ** power, minlength=MAX_LENGTH)
                self._by_distance[power - 1, head] += sums
            received = np.bincount(ids, weights=(one * below).sum(axis=0))
            self._sources[head].update({int(t): received[t] for t in np.flatnonzero(received)})

    def row(self, head: int, token: Callable[[int], str | None]) -> dict[str, object]:
        """The scores of one head; `token` spells a token's id."""
        distances = {k: self._mean(f"distance {k}", head) for k in range(2, LONGEST_DISTANCE + 1)}
        best = max(distances, key=distances.__getitem__)
        scores: dict[str, float] = {
            "self": self._mean("self", head),
            "previous": self._mean("distance 1", head),
            "distance": distances[best],
            "first": self._mean("first", head),
            "duplicate": self._mean("duplicate", head),
            "duplicate_lift": self._mean("duplicate", head) / self._mean("duplicate even", 0),
            "names": self._mean("names", head),
            "names_lift": self._mean("names", head) / self._mean("names even", 0),
            "by_distance": self._explained_by_distance(head),
        }
        favourites = [token(t) for t, _ in self._sources[head].most_common(6)]
        return {
            "kinds": kinds(scores, best),
            "best_distance": best,
            **scores,
            "sources": favourites,
        }

    def _take(self, name: str, values: Array) -> None:
        """Adds `values`, `[head, n]` or `[1, n]`, to a mean."""
        self._sums[name] = self._sums.get(name, 0) + values.sum(axis=1)
        self._counts[name] += values.shape[1]

    def _mean(self, name: str, head: int) -> float:
        return float(self._sums[name][head] / self._counts[name])

    def _explained_by_distance(self, head: int) -> float:
        """One minus the variance within the distances over the whole variance."""
        sums, squares = self._by_distance[:, head]
        count = self._at_distance
        between = sums**2 / np.maximum(count, 1)
        total = squares.sum() - sums.sum() ** 2 / count.sum()
        return float(1 - (squares - between).sum() / total)


def kinds(scores: dict[str, float], best_distance: int) -> list[str]:
    """The kinds that a head's scores make it; `broad` or `content` when no other is left."""
    found = []
    if scores["self"] >= KIND_SHARE:
        found.append("self")
    if scores["previous"] >= KIND_SHARE:
        found.append("previous")
    if scores["distance"] >= KIND_SHARE:
        found.append(f"distance {best_distance}")
    if scores["first"] >= KIND_SHARE:
        found.append("first")
    if scores["duplicate_lift"] >= KIND_LIFT:
        found.append("duplicate")
    if scores["names_lift"] >= KIND_LIFT:
        found.append("names")
    if not found:
        found.append("content" if scores["by_distance"] < CONTENT_SHARE else "broad")
    return found

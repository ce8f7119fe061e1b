"""Checks of what needs no training (nor torch): the stories, their split, the baselines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from baselines import NGramModel, Order
from stories import SLOT, SYMBOL, grammar, held_out_stories, stories, training_stories


def first(source: Iterator[str], count: int) -> list[str]:
    """The first `count` stories of an endless stream."""
    return list(islice(source, count))


def test_a_seed_always_tells_the_same_stories() -> None:
    assert first(stories(5), 50) == first(stories(5), 50)
    assert first(stories(5), 50) != first(stories(6), 50)


def test_stories_are_distinct_and_spelled_out() -> None:
    told = first(stories(1), 2000)
    assert len(set(told)) == len(told)
    for story in told:
        assert not re.search(r"[\[\]{}<>|]|  |\ba (?!one\b)[aei]", story), story
        assert story == story.strip()


def test_no_held_out_story_is_trained_on_whatever_the_seed() -> None:
    held_out = set(first(held_out_stories(1), 40))
    assert held_out.isdisjoint(first(training_stories(1), 2000))
    assert held_out.isdisjoint(first(training_stories(2), 2000))


def test_every_symbol_and_slot_of_the_grammar_is_defined() -> None:
    known = grammar()
    texts = [line for plot in known.plots for beat in plot.beats if beat for line in beat]
    texts += [phrase for phrases in known.phrases.values() for phrase in phrases]
    used = {symbol for text in texts for symbol in SYMBOL.findall(text)}
    assert used <= known.phrases.keys()
    cast = ["hero", "friend", "pal", "petname", "child", "sib", "kinsib", "kin", "Kin", "hand"]
    cast += [p + w for p in ("", "f", "k") for w in ("he", "him", "his", "himself")]
    slots = {slot for text in texts for slot, _ in SLOT.findall(text)}
    assert slots <= {*known.words, *cast}


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_baseline_is_a_distribution(order: int) -> None:
    rng = np.random.default_rng(0)
    vocabulary = 7
    texts = [[0, *rng.integers(1, vocabulary, size=9), 0] for _ in range(30)]
    model = NGramModel(texts, order, vocabulary)
    for context in ([0], [0, 3], [0, 3, 3], [0, 6, 1, 2]):
        losses = [
            model.loss([[*context, token]]) * len(context)
            - (model.loss([context]) * (len(context) - 1) if len(context) > 1 else 0)
            for token in range(vocabulary)
        ]
        assert np.exp(-np.array(losses)).sum() == pytest.approx(1.0)


def test_discounts_lie_between_zero_and_one() -> None:
    texts = [[0, 1, 2, 3, 1, 2, 0], [0, 1, 2, 4, 0]]
    orders: list[Order] = NGramModel(texts, 3, 5)._orders
    assert all(0 < order.discount < 1 for order in orders)

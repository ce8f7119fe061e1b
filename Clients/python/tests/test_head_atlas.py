"""What every head is called, and why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import MODELS
from reference import sequence

import lensd


def test_atlas_is_the_scores_and_the_sweep(model: lensd.Model) -> None:
    rows = [sequence(MODELS["tiny"], name) for name in ("seq24", "seq7")]
    phases: list[str] = []
    atlas = model.head_atlas(rows, pairs=3, progress=lambda phase, done, total: phases.append(phase))
    scores, sweep = model.head_scores(rows), model.ablate_heads(rows)
    assert len(atlas) == model.cfg.n_layers * model.cfg.n_heads
    assert not atlas.built_in_corpus
    assert (atlas.prompts, atlas.tokens, atlas.predictions) == (2, 31, 29)
    assert atlas.baseline == pytest.approx(sweep.baseline)
    for head in atlas:
        place = (head.layer, head.head)
        assert head.delta == pytest.approx(sweep.delta[place], abs=1e-12)
        assert head.position == scores.position[place]
        assert head.scores["to_previous"] == scores.to_previous[place]
        assert head.position + head.tokens + head.context == pytest.approx(1)
        assert len(head.pairs) <= 3
        assert all(0 < finding.score <= 1.0001 and finding.why for finding in head.kinds)
        assert atlas[place] is head
    assert set(phases) <= {"patterns", "repeats", "pairs", "copying", "ablation"}
    assert [head.copying for head in atlas] == [circuit.score for circuit in model.circuits()]
    assert len(scores.kinds) == model.cfg.n_layers
    with pytest.raises(IndexError, match="received"):
        atlas[9, 9]


def test_atlas_without_ablation_or_prompts(model: lensd.Model) -> None:
    atlas = model.head_atlas(kind=None)
    assert atlas.built_in_corpus
    assert atlas.prompts == 48
    assert math.isnan(atlas.baseline)
    assert all(math.isnan(head.delta) for head in atlas)
    assert np.isfinite([head.position for head in atlas]).all()
    assert atlas.of_kind("nothing") == ()


def test_the_page_is_one_file(model: lensd.Model) -> None:
    atlas = model.head_atlas(sequence(MODELS["tiny"], "seq24"), kind=None, title="<b>Tom & Lily</b>")
    assert "&lt;b&gt;Tom &amp; Lily&lt;/b&gt;" in atlas.page.html
    assert "<script" not in atlas.page.html
    assert "iframe" in atlas.page._repr_html_()


def test_what_does_not_fit_is_refused(model: lensd.Model) -> None:
    with pytest.raises(lensd.InvalidArgument, match="pair_count"):
        model.head_atlas([1, 2, 3], pairs=65)
    with pytest.raises(KeyboardInterrupt):
        model.head_atlas([1, 2, 3, 4], progress=_interrupt)


def _interrupt(phase: str, done: int, total: int) -> None:
    raise KeyboardInterrupt

"""Ablation of every head, head scores, the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import MODELS
from reference import FIXTURES, assert_same_loss, described, sequence, tensors

import lensd


def ablations() -> list[tuple[str, str, str, str]]:
    found = []
    for name, checkpoint in MODELS.items():
        keys = [key.split("/") for key in tensors(checkpoint) if key.startswith("ablate/") and key.endswith("/loss")]
        found += [(name, seq, form, kind) for _, seq, form, kind, _ in keys]
    return found


def test_there_are_references() -> None:
    assert len(ablations()) >= 5 * 2 * 2 * 2


@pytest.mark.parametrize(("name", "seq", "form", "kind"), ablations())
def test_ablation_of_every_head(client: lensd.Client, name: str, seq: str, form: str, kind: Any) -> None:
    model = client.model(name, processing=form == "processed")
    reference = tensors(MODELS[name])
    sweep = model.ablate_heads(sequence(MODELS[name], seq), kind=kind)
    loss = reference[f"ablate/{seq}/{form}/{kind}/loss"]
    baseline = reference[f"{form}/{seq}/loss"]
    assert (
        sweep.loss.shape == sweep.delta.shape == sweep.standard_error.shape == (model.cfg.n_layers, model.cfg.n_heads)
    )
    assert_same_loss(sweep.baseline, baseline)
    assert_same_loss(sweep.loss, loss)
    np.testing.assert_allclose(sweep.delta, sweep.loss - sweep.baseline, rtol=0, atol=1e-9)
    assert_same_loss(sweep.delta, loss - baseline, "delta")
    paired = reference[f"ablate/{seq}/{form}/{kind}/token_loss"] - reference[f"{form}/{seq}/token_loss"]
    error = paired.std(-1, ddof=1) / np.sqrt(paired.shape[-1])
    np.testing.assert_allclose(sweep.standard_error, error, rtol=1e-3, atol=1e-5)
    assert (sweep.kind, sweep.hook, sweep.model) == (kind, "z", model.name)
    assert sweep.fingerprint == model.fingerprint


def test_ablation_over_several_prompts(model: lensd.Model) -> None:
    checkpoint = MODELS["tiny"]
    rows = [sequence(checkpoint, name) for name in ("seq7", "seq24")]
    sweep = model.ablate_heads(rows)
    reference = tensors(checkpoint)
    token_losses = [reference[f"ablate/{name}/processed/zero/token_loss"] for name in ("seq7", "seq24")]
    assert_same_loss(sweep.loss, np.concatenate(token_losses, axis=-1).mean(-1))
    assert sweep.prompt_deltas.shape == (2, 1, 16)
    for index, name in enumerate(("seq7", "seq24")):
        assert_same_loss(sweep.prompt_baselines[index], reference[f"processed/{name}/loss"])
        expected = reference[f"ablate/{name}/processed/zero/loss"] - reference[f"processed/{name}/loss"]
        assert_same_loss(sweep.prompt_deltas[index], expected)
    assert [len(tokens) for tokens in sweep.str_tokens] == [7, 24]


def test_ranking(model: lensd.Model) -> None:
    sweep = model.ablate_heads("Tom saw Lily and Ben")
    ranking = sweep.ranking()
    assert sorted(ranking) == [(0, head) for head in range(16)]
    deltas = [sweep.delta[at] for at in ranking]
    assert deltas == sorted(deltas, reverse=True)
    assert f"by head 0.{ranking[0][1]}" in repr(sweep)


def test_progress(model: lensd.Model) -> None:
    seen: list[tuple[int, int]] = []
    model.ablate_heads("Tom saw Lily", progress=lambda done, total: seen.append((done, total)))
    assert all(0 <= done <= total for done, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_other_points_per_head(model: lensd.Model) -> None:
    sweep = model.ablate_heads("Tom saw Lily", hook="v")
    assert sweep.hook == "v"
    loss = model.run_with_interventions("Tom saw Lily", [lensd.zero("v0", head=3)], return_type="loss")
    assert_same_loss(sweep.loss[0, 3], loss)


def test_single_token_has_no_loss(model: lensd.Model) -> None:
    sweep = model.ablate_heads([5])
    assert np.isnan(sweep.baseline)
    assert np.isnan(sweep.delta).all()


def test_bad_requests(model: lensd.Model) -> None:
    with pytest.raises(lensd.InvalidArgument, match="received 'resample'"):
        model.ablate_heads("a b", kind="resample")  # type: ignore[arg-type]
    with pytest.raises(lensd.LensError, match="resid_pre"):
        model.ablate_heads("a b", hook="resid_pre")


def test_head_scores_are_transformer_lenss(client: lensd.Client) -> None:
    kinds = {
        "previous_token_head": "detect_previous",
        "duplicate_token_head": "detect_duplicate",
        "induction_head": "detect_induction",
    }
    records = [
        record
        for record in json.loads((FIXTURES / "heads" / "reference.json").read_text())
        if record["error_measure"] == "mul" and not record["exclude_bos"] and not record["exclude_current_token"]
    ]
    assert len(records) > 5
    served = {checkpoint: name for name, checkpoint in MODELS.items()}
    for record in records:
        scores = client.model(served[record["checkpoint"]]).head_scores(record["tokens"])
        np.testing.assert_allclose(getattr(scores, kinds[record["head"]]), record["scores"], rtol=1e-4, atol=1e-5)


def test_head_scores_of_a_pattern(model: lensd.Model) -> None:
    ids = sequence(MODELS["tiny"], "seq24")
    scores = model.head_scores(ids)
    _, cache = model.run_with_cache(ids, remove_batch_dim=True)
    pattern = cache["pattern0"]
    np.testing.assert_allclose(scores.to_self[0], np.diagonal(pattern, axis1=1, axis2=2).mean(-1), rtol=0.1, atol=0.1)
    assert scores.distance.dtype == np.int64
    assert ((scores.to_first >= 0) & (scores.to_first <= 1 + 1e-6)).all()


def test_page(model: lensd.Model, tmp_path: Path) -> None:
    text = "Tom <script>alert(1)</script>"
    page = model.attention_html(text, title="<b>heads</b>")
    assert page.html.lstrip().lower().startswith("<!doctype html>")
    assert "<script>alert(1)" not in page.html
    assert "<b>heads</b>" not in page.html
    assert model.fingerprint[:8] in page.html
    assert page.save(tmp_path / "page.html").read_text(encoding="utf-8") == page.html
    assert page._repr_html_().startswith("<iframe")
    assert "<script" not in page._repr_html_()
    plain = model.attention_html(model.to_tokens("Tom saw"), with_ablation=False)
    assert len(plain.html) > 1000
    with pytest.raises(lensd.InvalidArgument, match="one prompt; received 2"):
        model.attention_html(["a", "b"])


def test_hooks_of_the_reference_exist(model: lensd.Model) -> None:
    assert set(described(MODELS["tiny"])["hooks"]) <= set(model.hook_names)

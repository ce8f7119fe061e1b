"""Calls of a model: logits, losses, batches, interventions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import MODELS
from reference import assert_close, assert_same_loss, described, sequence, tensors

import lensd
from lensd.hook_names import resolve

TINY = MODELS["tiny"]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("form", ["processed", "raw"])
def test_losses(client: lensd.Client, name: str, form: str) -> None:
    model = client.model(name, processing=form == "processed")
    reference = tensors(MODELS[name])
    for seq, ids in described(MODELS[name])["sequences"].items():
        loss = model(ids, return_type="loss")
        assert (loss.shape, loss.dtype) == ((), np.float32)
        assert_same_loss(loss, reference[f"{form}/{seq}/loss"])
        if len(ids) > 1:
            per_token = model(ids, return_type="loss", loss_per_token=True)
            assert per_token.shape == (1, len(ids) - 1)
            assert_close(per_token[0], reference[f"{form}/{seq}/token_loss"])


@pytest.mark.parametrize("name", MODELS)
def test_text_is_run_with_bos(client: lensd.Client, name: str) -> None:
    reference = described(MODELS[name])
    loss = client.model(name)(reference["text"], return_type="loss")
    assert_same_loss(loss, tensors(MODELS[name])["processed/text/loss"])


def test_single_token_has_no_loss(model: lensd.Model) -> None:
    assert np.isnan(model([5], return_type="loss"))
    assert model([5], return_type="loss", loss_per_token=True).shape == (1, 0)
    assert model([5]).shape == (1, 1, model.cfg.d_vocab)


def test_return_types(model: lensd.Model) -> None:
    ids = sequence(TINY, "seq7")
    logits, loss = model(ids, return_type="both")
    both = model(ids, return_type="both")
    assert isinstance(both, lensd.Output)
    assert both.logits.shape == (1, 7, model.cfg.d_vocab)
    np.testing.assert_array_equal(logits, both.logits)
    assert_close(model(ids), logits)
    assert_same_loss(model(ids, return_type="loss"), loss)
    assert model(ids, return_type=None) is None
    with pytest.raises(lensd.InvalidArgument, match="received 'logit'"):
        model(ids, return_type="logit")  # type: ignore[arg-type]


def test_inputs_that_mean_the_same(model: lensd.Model) -> None:
    text = described(TINY)["text"]
    ids = tensors(TINY)["text/tokens"]
    expected = model(text)
    without_bos = model.to_tokens(text, prepend_bos=False)
    assert without_bos.tolist() == [ids[1:].tolist()]
    same: list[Any] = [ids, ids.tolist(), ids[None], [ids], [text], model.to_tokens(text)]
    for given in same:
        np.testing.assert_allclose(model(given), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model(text, prepend_bos=False), model(ids[1:]), rtol=1e-5, atol=1e-5)


def test_prompts_of_a_batch_get_what_they_get_alone(model: lensd.Model) -> None:
    names = ["seq7", "seq1", "seq24", "seq2"]
    rows = [sequence(TINY, name) for name in names]
    logits, cache = model.run_with_cache(rows)
    assert logits.shape == (4, 24, model.cfg.d_vocab)
    assert logits.lengths.tolist() == cache.lengths.tolist() == [7, 1, 24, 2]
    reference = tensors(TINY)
    for hook in ("pattern0", "attn_scores0", "z0", "resid_post0", "scale", "hook_embed", "pre0", "result0"):
        full = cache[hook]
        name = resolve(hook, model.hook_names, model.cfg.n_layers)
        assert full.lengths.tolist() == [7, 1, 24, 2]
        for index, seq in enumerate(names):
            expected = reference[f"processed/{seq}/{name}"]
            own = tuple(slice(size) for size in expected.shape)
            assert_close(full[index][own], expected, f"{seq} {hook}")
            padding = full[index].copy()
            padding[own] = 0
            assert not padding.any()
    for index, seq in enumerate(names):
        assert_close(logits[index, : len(rows[index])], reference[f"processed/{seq}/logits"])


def test_loss_of_a_batch_is_the_mean_over_its_predictions(model: lensd.Model) -> None:
    rows = [sequence(TINY, name) for name in ("seq7", "seq1", "seq24")]
    loss = model(rows, return_type="loss")
    per_token = model(rows, return_type="loss", loss_per_token=True)
    assert per_token.shape == (3, 23)
    assert per_token.lengths.tolist() == [6, 0, 23]
    expected = np.concatenate([tensors(TINY)[f"processed/{name}/token_loss"] for name in ("seq7", "seq24")])
    assert_same_loss(loss, expected.mean())
    assert_same_loss(per_token.sum() / per_token.lengths.sum(), loss)


def test_padded_tokens_are_cut_to_their_lengths(model: lensd.Model) -> None:
    texts = ["Tom", "Tom saw Lily and Ben", "a b"]
    tokens = model.to_tokens(texts)
    assert_same_loss(model(tokens, return_type="loss"), model(texts, return_type="loss"))
    np.testing.assert_allclose(model(tokens[1:]), model(texts[1:]), rtol=1e-5, atol=1e-5)
    # Without lengths every position counts, as in TransformerLens.
    assert model(np.asarray(tokens)).lengths.tolist() == [tokens.shape[1]] * 3


def test_slices_of_a_batch_count_from_each_prompts_own_end(model: lensd.Model) -> None:
    rows = [sequence(TINY, name) for name in ("seq7", "seq24")]
    _, cache = model.run_with_cache(rows)
    last = cache.slice("resid_post0", np.s_[-1])
    assert last.shape == (2, model.cfg.d_model)
    assert cache.slice("resid_post0", np.s_[-1, 3]).tolist() == last[:, 3].tolist()
    for index, row in enumerate(rows):
        np.testing.assert_array_equal(last[index], cache["resid_post0"][index, len(row) - 1])


@pytest.mark.parametrize("kind", ["zero", "mean"])
def test_interventions_are_the_references_ablations(model: lensd.Model, kind: str) -> None:
    ids = sequence(TINY, "seq24")
    make = {"zero": lensd.zero, "mean": lensd.mean}[kind]
    expected = tensors(TINY)[f"ablate/seq24/processed/{kind}/loss"]
    for head in (0, 8, 15):
        loss = model.run_with_interventions(ids, [make("blocks.0.attn.hook_z", head=head)], return_type="loss")
        assert_same_loss(loss, expected[0, head])


def test_interventions_reach_the_cache(model: lensd.Model) -> None:
    ids = sequence(TINY, "seq7")
    _, plain = model.run_with_cache(ids)
    _, cache = model.run_with_cache(ids, interventions=[lensd.zero("z0", head=[2, 5])])
    assert not cache["z0"][:, :, [2, 5]].any()
    np.testing.assert_allclose(cache["z0"][:, :, 3], plain["z0"][:, :, 3], rtol=1e-5, atol=1e-5)
    assert np.abs(cache["resid_post0"] - plain["resid_post0"]).max() > 1e-3
    logits = model.run_with_interventions(ids, [lensd.zero("z0", head=[2, 5])])
    _, again = model.run_with_cache(ids, interventions=[lensd.zero("z0", head=2), lensd.zero("z0", head=5)])
    np.testing.assert_allclose(logits, again["logits"], rtol=1e-5, atol=1e-5)


def test_interventions_apply_in_order(model: lensd.Model) -> None:
    ids = sequence(TINY, "seq7")
    _, mean = model.run_with_cache(ids, interventions=[lensd.mean("z0")])
    _, both = model.run_with_cache(ids, interventions=[lensd.mean("z0"), lensd.zero("z0", head=1)])
    assert np.abs(np.ptp(mean["z0"], axis=1)).max() < 1e-5
    assert not both["z0"][:, :, 1].any()
    np.testing.assert_allclose(both["z0"][:, :, 2], mean["z0"][:, :, 2], rtol=1e-5, atol=1e-5)


def test_interventions_of_whole_activations(model: lensd.Model) -> None:
    ids = sequence(TINY, "seq7")
    _, cache = model.run_with_cache(ids, interventions=[lensd.zero("blocks.0.hook_mlp_out")])
    np.testing.assert_allclose(cache["resid_post0"], cache["resid_mid0"], rtol=0, atol=0)

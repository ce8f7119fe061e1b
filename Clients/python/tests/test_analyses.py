"""Analyses of passes by the daemon, against NumPy on the activations and TransformerLens's references."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import serving
from reference import FIXTURES, assert_close, read_safetensors

import lensd
from lensd._proto.analyses_pb2 import LogitLensReply, PromptLens
from lensd.arrays import Arrays
from lensd.hooked_transformer import complete, tensor_shapes
from lensd.logit_lens import LogitLens

TOKENS = [0, 4, 90, 4, 200, 31, 5]


@pytest.fixture
def local(client: lensd.Client) -> lensd.Model:
    return client.model("local", processing=False)


def test_terms_sum_to_the_scores(local: lensd.Model) -> None:
    _, cache = local.run_with_cache(TOKENS, None, remove_batch_dim=True)
    scores = cache["attn_scores", 2][1]
    for detail in ("groups", "layers", "components"):
        split = local.why_attends(TOKENS, 2, 1, detail=detail)
        assert split.scores.shape == (7, 7)
        seen = np.isfinite(split.scores)
        assert_close(split.scores[seen], scores[seen])
        assert_close(split.terms.sum((0, 1))[seen], scores[seen])
    assert split.components[0] == "embed"
    assert "L1H3" in split.components
    assert_close(split["embed", "pos_embed"], split.terms[0, 1])


def test_one_cell_names_its_largest_pairs(local: lensd.Model) -> None:
    split = local.why_attends(TOKENS, 0, 3, dest=-1, source=2, top=3, relative=True)
    assert (split.destinations, split.sources) == ([6], [2])
    assert len(split.top) == 3
    assert abs(split.top[0][2]) == pytest.approx(float(np.abs(split.terms).max()), rel=1e-5)
    # What is asked for is plain: JSON takes it.
    assert json.loads(json.dumps(split.to_dict()))["components"] == ["embed", "pos_embed", "bias"]


def test_lens_agrees_with_transformer_lens(client: lensd.Client) -> None:
    tensors = read_safetensors(FIXTURES / "analyses" / "reference.safetensors")
    tokens = read_safetensors(FIXTURES / "gpt-neo-3l-local" / "reference.safetensors")["seq7/tokens"]
    lens = client.model("local").logit_lens(tokens)
    assert lens.labels == ["0_pre", "1_pre", "2_pre", "final_post"]
    name = "gpt-neo-3l-local/processed/lens"
    assert_close(lens[0].entropies, tensors[f"{name}/entropies"])
    assert_close(lens[0].divergences, tensors[f"{name}/divergences"])
    assert_close(lens[0].next_logprobs[:, :-1], tensors[f"{name}/next_logprobs"])
    np.testing.assert_array_equal(lens[0].top_tokens, tensors[f"{name}/top_tokens"])
    assert lens[0].top[0][0][0] == client.model("local").to_string([int(lens[0].top_tokens[0, 0, 0])])
    assert lens[0].next_ranks[0, -1] == -1


@pytest.mark.parametrize("by", ["layer", "head", "neuron"])
def test_attributions_sum_to_the_logits(local: lensd.Model, by: str) -> None:
    logits = local(TOKENS)[0]
    parts = local.logit_attribution(TOKENS, 9, 12, by=by, pos=[2, -1])  # type: ignore[arg-type]
    assert_close(parts[0].totals, logits[[2, 6], 9] - logits[[2, 6], 12])
    assert_close(parts[0].terms.sum(-1), parts[0].totals)
    assert ("L0H0" in parts.components) == (by == "head")
    assert [len(each) for each in parts[0].neurons] == ([10, 10] if by == "neuron" else [0, 0])
    likeliest = local.logit_attribution(TOKENS)
    assert_close(likeliest[0].totals[0], logits[-1].max())


def test_neurons_are_what_their_rows_write(client: lensd.Client) -> None:
    model = client.model("local")
    parts = model.logit_attribution(TOKENS, 9, 12, by="neuron", pos=[2, -1], top=3 * 80)
    written = model.run_with_cache(TOKENS, None)[1].stack_neuron_results(-1, apply_ln=True)[:, 0, [2, -1]]
    terms = written @ (model.W_U[:, 9] - model.W_U[:, 12])
    for row, neurons in enumerate(parts[0].neurons):
        assert [abs(term) for _, _, term in neurons] == sorted((abs(term) for _, _, term in neurons), reverse=True)
        found = {layer * 80 + neuron: term for layer, neuron, term in neurons}
        assert_close(np.array([found[index] for index in range(3 * 80)]), terms[:, row])


def test_rows_that_take_several_blocks_of_logits(tmp_path: Path) -> None:
    """A vocabulary as wide as GPT-2's: the logits of some hundred rows are not held at once."""
    sizes = {"n_layers": 1, "n_heads": 2, "d_model": 8, "d_head": 4, "d_mlp": 8, "n_ctx": 256, "d_vocab": 50257}
    cfg = sizes | {"act_fn": "gelu", "normalization_type": "LN"}
    random = np.random.default_rng(5)
    weights = {name: random.normal(0, 0.5, shape) for name, shape in tensor_shapes(complete(cfg)).items()}
    tokens = random.integers(0, 50257, 250)
    with serving({"wide": lensd.save_model(weights, cfg, tmp_path / "wide")}) as client:
        model = client.model("wide")
        lens = model.logit_lens(tokens, top=2)[0]
        attributed = model.logit_attribution(tokens, pos=list(range(250)))[0]
        logits = np.asarray(model(tokens)[0])
        assert [int(answer) for answer in attributed.answers] == logits.argmax(-1).tolist()
        assert_close(attributed.totals, logits.max(-1))
        ((top,),) = model.reduce(tokens, "logits", "top", count=20)
        each = np.abs(logits.ravel())
        largest = np.argpartition(-each, 20)[:20]
        np.testing.assert_array_equal(top.indices, largest[np.argsort(-each[largest])])
        for position in (0, 110, 111, 249):
            alone = model.logit_lens(tokens, top=2, pos=[position])[0]
            np.testing.assert_array_equal(lens.top_tokens[:, position], alone.top_tokens[:, 0])
            assert_close(lens.entropies[:, position], alone.entropies[:, 0])
            assert_close(lens.divergences[:, position], alone.divergences[:, 0])
            assert_close(lens.next_logprobs[:, position], alone.next_logprobs[:, 0])


def test_answers_that_are_kept_are_kept_by_every_option(local: Any) -> None:
    """The daemon remembers what was asked: two questions that differ in anything get two answers."""
    offsets = [local.reduce(TOKENS, "pattern1", "diagonal", offset=offset)[0][0] for offset in (0, -1)]
    assert [each.values.shape for each in offsets] == [(4, 7), (4, 6)]
    assert [local.reduce(TOKENS, "post1", "top", count=count)[0][0].values.size for count in (3, 5)] == [3, 5]
    assert [local.logit_lens(TOKENS, top=top)[0].top_tokens.shape[-1] for top in (2, 4)] == [2, 4]
    assert [len(local.logit_lens(TOKENS, incl_mid=mid).labels) for mid in (False, True)] == [4, 7]
    ranked = [local.logit_lens(TOKENS, tokens=token)[0].token_logprobs for token in (5, 9)]
    assert not np.allclose(*ranked)
    for count in (2, 5):
        assert len(local.logit_attribution(TOKENS, 9, by="neuron", top=count)[0].neurons[0]) == count
    streams = [local.logit_attribution(TOKENS, 9, by="accumulated", incl_mid=mid).components for mid in (False, True)]
    assert [len(each) for each in streams] == [5, 8]
    totals = [local.logit_attribution(TOKENS, 9, wrong)[0].totals[0] for wrong in (None, 12, 13)]
    assert len({float(total) for total in totals}) == 3
    cell = {"dest": -1, "source": 2}
    for count in (1, 2):
        assert len(local.why_attends(TOKENS, 1, 3, **cell, top=count).top) == count
    asked = ((3, False), (3, True), (2, False))
    splits = [local.why_attends(TOKENS, 1, head, **cell, relative=each) for head, each in asked]
    assert len({float(split.scores[0, 0]) for split in splits}) == 3
    options: Any = ({}, {"error_measure": "abs"}, {"exclude_bos": True}, {"exclude_current_token": True})
    found = [local.detect_heads(TOKENS, "previous_token_head", **each) for each in options]
    assert len({float(each["previous_token_head"][1, 2]) for each in found}) == 4


def test_prompts_have_their_own_tokens(local: lensd.Model) -> None:
    prompts = [TOKENS, TOKENS[::-1]]
    logits = [local(tokens)[0, -1] for tokens in prompts]
    parts = local.logit_attribution(prompts, [9, 10], [12, 13])
    assert_close(parts[0].totals[0], logits[0][9] - logits[0][12])
    assert_close(parts[1].totals[0], logits[1][10] - logits[1][13])
    one = local.logit_attribution(prompts, 9)
    assert_close(one[0].totals[0], logits[0][9])
    assert_close(one[1].totals[0], logits[1][9])
    together = local.detect_heads(prompts, "induction_head")["induction_head"]
    alone = [local.detect_heads(tokens, "induction_head")["induction_head"] for tokens in prompts]
    assert_close(together, np.mean(alone, 0))
    for found, tokens in zip(local.reduce(prompts, "post2", "norm"), prompts, strict=True):
        assert_close(found[0].values, local.reduce(tokens, "post2", "norm")[0][0].values)


def test_replies_that_do_not_fit_are_the_daemons_fault() -> None:
    arrays = Arrays("numpy")
    reply = LogitLensReply(
        points=[b"blocks.0.hook_resid_pre", b"blocks.0.hook_resid_post"],
        prompts=[PromptLens(positions=[0], top_logprobs=[0.5])],
    )
    with pytest.raises(lensd.Internal, match=r"sent 1 numbers for an array of shape \[2, 1, 0\]"):
        LogitLens.of(reply, arrays)


def test_edits_count(local: lensd.Model) -> None:
    edit = lensd.zero("z1", head=2)
    logits = local.run_with_interventions(TOKENS, [edit])[0]
    with local.hooks(interventions=[edit]):
        parts = local.logit_attribution(TOKENS, 9, by="head")
    assert_close(parts[0].totals[0], logits[-1, 9])
    assert parts[0].terms[0, parts.components.index("L1H2")] == 0
    with pytest.raises(lensd.FailedPrecondition), local.hooks(fwd_hooks=[("blocks.0.hook_resid_pre", lambda *_: None)]):
        local.logit_lens(TOKENS)


def test_reductions(local: lensd.Model) -> None:
    _, cache = local.run_with_cache(TOKENS, None, remove_batch_dim=True)
    (norms,) = local.reduce(TOKENS, "resid_post", "norm")
    assert [each.hook for each in norms] == [f"blocks.{layer}.hook_resid_post" for layer in range(3)]
    assert_close(norms[1].values, np.linalg.norm(cache["resid_post", 1], axis=-1))
    ((diagonal,),) = local.reduce(TOKENS, "pattern2", "diagonal", offset=-1)
    assert_close(diagonal.values, cache["pattern", 2].diagonal(-1, -2, -1))
    ((top,),) = local.reduce(TOKENS, "post0", "top", count=4)
    assert top.indices is not None
    assert_close(cache["post", 0].ravel()[top.indices], top.values)
    # Of equal entries, the first positions' own and the zeros behind the destination, the first ones stay in front.
    for count in (2, 150):
        ((most,),) = local.reduce(TOKENS, "pattern0", "top", count=count)
        sizes = np.abs(cache["pattern", 0].ravel())
        np.testing.assert_array_equal(most.indices, np.argsort(-sizes, kind="stable")[:count])
    with pytest.raises(lensd.InvalidArgument, match="reduction is one of"):
        local.reduce(TOKENS, "post0", "median")  # type: ignore[arg-type]


def test_detection_and_induction(local: lensd.Model) -> None:
    _, cache = local.run_with_cache(TOKENS, None, remove_batch_dim=True)
    patterns = np.stack([cache["pattern", layer] for layer in range(3)])
    scores = local.detect_heads(TOKENS, exclude_bos=True)
    assert set(scores) == {"previous_token_head", "duplicate_token_head", "induction_head"}
    kept = patterns.copy()
    kept[..., 0] = 0
    previous = np.trace(kept, -1, -2, -1) / kept.sum((-2, -1))
    assert_close(scores["previous_token_head"], previous)
    own = local.detect_heads(TOKENS, np.eye(7, k=-1), exclude_bos=True)
    assert_close(own["target"], previous)
    induction = local.induction_scores(length=5, batch=2, seed=3)
    assert induction.tokens.shape == (2, 10)
    _, cache = local.run_with_cache(induction.tokens, None)
    expected = [cache["pattern", layer].diagonal(-4, -2, -1).mean((0, 2)) for layer in range(3)]
    assert_close(induction.scores, np.stack(expected))

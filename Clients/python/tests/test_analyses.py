"""Analyses of passes by the daemon, against NumPy on the activations and TransformerLens's references."""

from __future__ import annotations

import json

import numpy as np
import pytest
from reference import FIXTURES, assert_close, read_safetensors

import lensd
from lensd._proto.analyses_pb2 import LogitLensReply, PromptLens
from lensd.arrays import Arrays
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
    # Of equal entries, here the zeros behind the destination, the first ones stay in front.
    ((most,),) = local.reduce(TOKENS, "pattern0", "top", count=150)
    sizes = np.abs(cache["pattern", 0].ravel())
    np.testing.assert_array_equal(most.indices, np.argsort(-sizes, kind="stable")[:150])
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

"""What the residual stream is made of: the parts add up to what TransformerLens has (Tests/Fixtures)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import MODELS
from reference import assert_close, sequence, tensors

import lensd

LOCAL = MODELS["local"]
IDS = sequence(LOCAL, "seq7")


@pytest.fixture(params=["processed", "raw"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def local(client: lensd.Client, form: str) -> lensd.Model:
    return client.model("local", processing=form == "processed")


def reference(form: str, name: str) -> Any:
    return tensors(LOCAL)[f"{form}/seq7/{name}"]


def test_parts_add_up_to_the_stream(local: lensd.Model, form: str) -> None:
    _, cache = local.run_with_cache(IDS)
    final = reference(form, "blocks.2.hook_resid_post")
    stack, labels = cache.decompose_resid(return_labels=True)
    assert labels == ["embed", "pos_embed", *(f"{at}_{each}_out" for at in range(3) for each in ("attn", "mlp"))]
    assert_close(stack.sum(0)[0], final)
    heads, names = cache.stack_head_results(return_labels=True, incl_remainder=True)
    assert names[0] == "L0H0"
    assert names[-1] == "remainder"
    assert_close(heads.sum(0)[0], final)
    whole, names = cache.get_full_resid_decomposition(return_labels=True)
    assert len(names) == len(whole) == 3 * 4 + 3 * 80 + 3
    assert_close(whole.sum(0)[0], final)
    for layer in range(3):
        before = cache.get_full_resid_decomposition(layer, expand_neurons=False)
        assert_close(before.sum(0)[0], reference(form, f"blocks.{layer}.hook_resid_pre"))
        between = cache.get_full_resid_decomposition(layer, mlp_input=True)
        assert_close(between.sum(0)[0], reference(form, f"blocks.{layer}.hook_resid_mid"))
        normal = cache.decompose_resid(layer, apply_ln=True).sum(0)[0]
        assert_close(normal, reference(form, f"blocks.{layer}.ln1.hook_normalized"))
    grown, names = cache.accumulated_resid(incl_mid=True, return_labels=True)
    assert names == [*(f"{at}_{each}" for at in range(3) for each in ("pre", "mid")), "final_post"]
    assert_close(grown[3][0], reference(form, "blocks.1.hook_resid_mid"))


def test_attributions_add_up_to_the_logits(client: lensd.Client) -> None:
    model = client.model("local")
    _, cache = model.run_with_cache(IDS)
    logits = tensors(LOCAL)["processed/seq7/logits"]
    bias = model.b_U
    for stack in (cache.decompose_resid(), cache.stack_head_results(incl_remainder=True)):
        assert_close(cache.logit_attrs(stack, 5).sum(0)[0] + bias[5], logits[:, 5])
        difference = cache.logit_attrs(stack, 5, 9).sum(0)[0] + bias[5] - bias[9]
        assert_close(difference, logits[:, 5] - logits[:, 9])
    last = cache.logit_attrs(cache.decompose_resid(pos_slice=-1), np.array([7]), pos_slice=-1)
    assert_close(last.sum(0)[0] + bias[7], logits[-1, 7])
    directions = model.W_U[:, [5, 9]]
    projected = cache.get_full_resid_decomposition(apply_ln=True, project_output_onto=directions)
    assert_close(projected.sum(0)[0] + bias[[5, 9]], logits[:, [5, 9]])
    neurons = cache.stack_neuron_results(2, apply_ln=True, project_output_onto=directions[:, 0], incl_remainder=True)
    assert neurons.shape == (2 * 80 + 1, 1, 7)
    # The logit lens at the end is the model.
    lens = model.unembed(cache.accumulated_resid(apply_ln=True)[-1])
    assert_close(lens[0], logits)
    with pytest.raises(lensd.InvalidArgument, match="one shape"):
        cache.logit_attrs(cache.decompose_resid(), 5, np.array([[1, 2, 3, 4, 5, 6, 7]]))


def test_head_results_are_those_of_the_pass(local: lensd.Model, form: str) -> None:
    _, cache = local.run_with_cache([IDS, IDS[:4]])
    cache.compute_head_results()
    assert "blocks.1.attn.hook_result" in cache
    for layer in range(3):
        assert_close(cache["result", layer][0], reference(form, f"blocks.{layer}.attn.hook_result"))
    # Under a function nothing can be fetched later; the results are made of what came.
    with local.hooks(fwd_hooks=[("z1", lambda value, hook: 0 * value)]):
        _, edited = local.run_with_cache(IDS)
    stack = edited.stack_head_results()
    assert not stack[4:8].any()
    assert stack[:4].any()


def test_parts_by_their_places(local: lensd.Model, form: str) -> None:
    _, cache = local.run_with_cache(IDS)
    block = local.blocks[1]
    assert block.attn.W_Q.shape == (4, 32, 8)
    assert block.attn.hook_z.name == "blocks.1.attn.hook_z"
    assert_close(local.ln_final(cache["resid_post", -1])[0], reference(form, "unembed.hook_in"))
    assert_close(local.unembed(local.ln_final(cache["resid_post", -1]))[0], reference(form, "logits"))
    assert_close(local.embed(np.array([IDS]))[0], reference(form, "hook_embed"))
    assert_close(local.pos_embed(np.array([IDS]))[0], reference(form, "hook_pos_embed"))
    assert_close(block(cache["resid_pre", 1])[0], reference(form, "blocks.1.hook_resid_post"))
    if form == "processed":
        values = cache["blocks.1.ln1.hook_normalized"][0] @ block.attn.OV.A[2]
        assert_close(values, cache["v", 1][0, :, 2])
    assert local.OV.shape == local.QK.shape == (3, 4, 32, 32)
    scores = local.all_composition_scores("K")
    assert scores.shape == (3, 4, 3, 4)
    assert not scores[1, :, :2].any()
    assert scores[0, :, 1:].all()
    with pytest.raises(lensd.Unimplemented, match="blocks"):
        block.mlp(cache["resid_pre", 1])
    with pytest.raises(AttributeError, match="no W_X"):
        _ = block.attn.W_X


def test_losses_of_logits_that_are_here(local: lensd.Model) -> None:
    tokens = np.array([IDS])
    logits, loss = local(tokens, return_type="both")
    assert float(local.loss_fn(logits, tokens)) == pytest.approx(float(loss), abs=1e-5)
    each = local.loss_fn(logits, tokens, per_token=True)
    np.testing.assert_allclose(each, local(tokens, "loss", True), atol=1e-5)
    mask = np.array([[0, 0, 1, 1, 1, 1, 1]])
    assert float(local.loss_fn(logits, tokens, mask)) == pytest.approx(float(each[0, 2:].mean()), abs=1e-6)
    assert local.get_token_position(IDS[2], tokens) == IDS.index(IDS[2])
    assert local.tokenizer.decode(IDS) == local.to_string(IDS)


def test_a_cache_without_a_model_says_so(local: lensd.Model) -> None:
    gradients = local.gradient(IDS, "loss", ["z0"])
    with pytest.raises(lensd.FailedPrecondition, match="model"):
        gradients.stack_head_results()
    _, cache = local.run_with_cache(IDS, names_filter=["resid_post2"])
    with pytest.raises(lensd.NotFound, match="names_filter"):
        cache.decompose_resid()
    for wrong in (4, -2):
        with pytest.raises(lensd.InvalidArgument, match="0 to 3"):
            cache.accumulated_resid(wrong)

"""ActivationCache's analyses."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from conftest import Pair, assert_same

MODELS = [("local",), ("local", "raw"), ("gpt2",), ("llama",), ("neox",), ("attn-only",), ("tales",)]

pytestmark = pytest.mark.parametrize("pair", MODELS, indirect=True, ids="@".join)


def caches(pair: Pair, **options: Any) -> tuple[Any, Any]:
    with torch.no_grad():
        return tuple(model.run_with_cache(pair.tokens, **options)[1] for model in (pair.ours, pair.theirs))


def usual(cache: Any) -> set[str]:
    """What a cache has; TransformerLens puts the logits in, which lensd does where they are named."""
    return {name for name in cache if not name.startswith("unembed.")}


def both(pair: Pair, method: str, *arguments: Any, **options: Any) -> None:
    """The same call on both caches, with and without the batch axis where that is the same call."""
    ours, theirs = caches(pair)
    with torch.no_grad():
        assert_same(
            getattr(ours, method)(*arguments, **options),
            getattr(theirs, method)(*arguments, **options),
            f"{method}{arguments}{options}",
        )


@pytest.mark.parametrize("layer", [None, -1, 0, 1])
@pytest.mark.parametrize("apply_ln", [False, True])
@pytest.mark.parametrize("pos_slice", [None, -1, (2, 5), [0, 3]])
def test_the_stream_accumulates(pair: Pair, layer: int | None, apply_ln: bool, pos_slice: Any) -> None:
    both(pair, "accumulated_resid", layer, apply_ln=apply_ln, pos_slice=pos_slice, return_labels=True)


@pytest.mark.parametrize("options", [{"incl_mid": True}, {"incl_mid": True, "mlp_input": True}])
def test_between_attention_and_mlp(pair: Pair, options: Any) -> None:
    if pair.theirs.cfg.attn_only or pair.theirs.cfg.parallel_attn_mlp:
        pytest.skip("such a model has nothing between them")
    both(pair, "accumulated_resid", 0 if "mlp_input" in options else None, return_labels=True, **options)


@pytest.mark.parametrize("mode", ["all", "mlp", "attn"])
@pytest.mark.parametrize("layer", [None, 1])
def test_the_stream_decomposes(pair: Pair, mode: str, layer: int | None) -> None:
    if mode == "mlp" and pair.theirs.cfg.attn_only:
        pytest.skip("TransformerLens stacks no tensors here")
    both(pair, "decompose_resid", layer, mode=mode, apply_ln=True, pos_slice=(1, 7), return_labels=True)
    both(pair, "decompose_resid", layer, mode=mode, incl_embeds=mode == "all", pos_slice=-1)


@pytest.mark.parametrize("layer", [-1, 1, 0])
def test_heads(pair: Pair, layer: int) -> None:
    both(pair, "stack_head_results", layer, return_labels=True)
    if layer:
        both(pair, "stack_head_results", layer, True, incl_remainder=True, pos_slice=-1, apply_ln=True)


def test_neurons(pair: Pair) -> None:
    if pair.theirs.cfg.attn_only:
        pytest.skip("there are none")
    both(pair, "get_neuron_results", 0, neuron_slice=(0, 5), pos_slice=-1)
    both(pair, "stack_neuron_results", -1, (3, 5), [1, 4], True, incl_remainder=True, apply_ln=True)
    direction = torch.randn(pair.theirs.cfg.d_model, 3, generator=torch.Generator().manual_seed(1))
    for directions in (direction, direction[:, 0]):
        both(pair, "get_neuron_results", 0, project_output_onto=directions)
        for apply_ln in (False, True):
            options = {"apply_ln": apply_ln, "project_output_onto": directions, "incl_remainder": True}
            both(pair, "stack_neuron_results", 1, return_labels=True, **options)


@pytest.mark.parametrize("expand_neurons", [True, False])
@pytest.mark.parametrize("apply_ln", [True, False])
def test_the_whole_decomposition(pair: Pair, expand_neurons: bool, apply_ln: bool) -> None:
    options = {"expand_neurons": expand_neurons, "apply_ln": apply_ln, "return_labels": True}
    if pair.theirs.cfg.attn_only and expand_neurons:
        pytest.skip("TransformerLens looks for MLPs' biases here")
    both(pair, "get_full_resid_decomposition", pos_slice=-1, **options)
    both(pair, "get_full_resid_decomposition", 1, **options)
    if not pair.theirs.cfg.attn_only and not pair.theirs.cfg.parallel_attn_mlp and not (apply_ln and expand_neurons):
        both(pair, "get_full_resid_decomposition", 0, True, **options)
    directions = torch.randn(pair.theirs.cfg.d_model, 2, generator=torch.Generator().manual_seed(2))
    both(pair, "get_full_resid_decomposition", project_output_onto=directions, **options)
    both(pair, "get_full_resid_decomposition", project_output_onto=directions[:, 1], pos_slice=2, **options)


def test_logit_attributions(pair: Pair) -> None:
    ours, theirs = caches(pair)
    answers, wrong = pair.tokens[:, 1], pair.tokens[:, 2]
    with torch.no_grad():
        for tokens, others in ((5, None), (5, 9), (answers, wrong), (torch.tensor(3), torch.tensor(4))):
            found = [
                cache.logit_attrs(cache.stack_head_results(pos_slice=-1), tokens, others, pos_slice=-1)
                for cache in (ours, theirs)
            ]
            assert_same(*found, what=f"{tokens} {others}")
        per_position = [cache.logit_attrs(cache.decompose_resid(), pair.tokens) for cache in (ours, theirs)]
        assert_same(*per_position)
        one = [cache.logit_attrs(cache.decompose_resid(), 5, batch_slice=(0, 1)) for cache in (ours, theirs)]
        assert_same(*one)


def test_stacks_and_slices(pair: Pair) -> None:
    both(pair, "stack_activation", "z", -1)
    both(pair, "stack_activation", "scale", 1, "ln1")
    ours, theirs = caches(pair)
    for taken in (0, (1, 2), [1, 0]):
        mine, other = (cache.apply_slice_to_batch_dim(taken) for cache in (ours, theirs))
        assert mine.has_batch_dim == other.has_batch_dim
        for name in (("pattern", 0), ("resid_post", 0), "hook_embed"):
            assert_same(mine[name], other[name], str(name))
    mine, other = (cache.apply_slice_to_batch_dim(0) for cache in (ours, theirs))
    with torch.no_grad():
        assert_same(mine.accumulated_resid(apply_ln=True), other.accumulated_resid(apply_ln=True))


@pytest.mark.parametrize("pos_slice", [-1, (1, 4), [0, 2]])
def test_positions_are_cut_as_the_pass_is_cached(pair: Pair, pos_slice: Any) -> None:
    # TransformerLens counts from the wrong axis at the others.
    ours, theirs = caches(pair, pos_slice=pos_slice, names_filter=lambda name: "hook_rot_" not in name)
    for name in usual(theirs):
        assert_same(ours[name], theirs[name], name)


def test_the_same_points_are_kept(pair: Pair) -> None:
    ours, theirs = caches(pair)
    assert set(ours) == usual(theirs)
    for options in (
        {"names_filter": lambda name: "attn" in name},
        {"names_filter": ["blocks.0.attn.hook_z", "hook_embed"]},
        {"names_filter": "hook_embed"},
        {"stop_at_layer": 1},
        {"stop_at_layer": 0},
        {"stop_at_layer": -1, "names_filter": lambda name: name.endswith("hook_z")},
    ):
        mine, other = caches(pair, **options)
        assert set(mine) == usual(other), options
        for name in usual(other):
            assert_same(mine[name], other[name], str(name))


def test_a_dictionary_of_activations(pair: Pair) -> None:
    with torch.no_grad():
        mine, other = (
            model.run_with_cache(pair.tokens[:1], return_cache_object=False, remove_batch_dim=True)[1]
            for model in (pair.ours, pair.theirs)
        )
    assert isinstance(mine, dict)
    for name in usual(other):
        assert_same(mine[name], other[name], name)

"""Weights, what is made of them, tokens, passes and hooks of a HookedTransformer."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import lensd
import numpy as np
import pytest
import torch
from lensd.transformer_lens import (
    ActivationCache,
    FactoredMatrix,
    HookedTransformer,
    SVDInterpreter,
    evals,
    head_detector,
    patching,
    utils,
)
from lensd.transformer_lens.hook_points import HookPoint
from lensd.transformer_lens.model_bridge import TransformerBridge
from transformer_lens import FactoredMatrix as TheirMatrix
from transformer_lens import SVDInterpreter as TheirInterpreter
from transformer_lens import head_detector as their_detector
from transformer_lens import patching as their_patching
from transformer_lens import utilities as their_utilities

from conftest import TEXT, Pair, assert_same, pair_of

each_family = pytest.mark.parametrize(
    "pair",
    [("local",), ("local", "raw"), ("gpt2",), ("llama",), ("neox",), ("attn-only",)],
    indirect=True,
    ids="@".join,
)
with_text = pytest.mark.parametrize("pair", [("tales",), ("local",)], indirect=True, ids="@".join)


@pytest.fixture(autouse=True)
def unrecorded() -> Any:
    with torch.no_grad():
        yield


# Weights.


@each_family
def test_weights(pair: Pair) -> None:
    names = ["W_E", "W_U", "b_U", "W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O", "QK", "OV"]
    if pair.theirs.cfg.positional_embedding_type == "standard":
        names += ["W_pos", "W_E_pos"]
    if not pair.theirs.cfg.attn_only:
        names += ["W_in", "b_in", "W_out", "b_out"] + ["W_gate"] * pair.theirs.cfg.gated_mlp
    for name in names:
        ours, theirs = getattr(pair.ours, name), getattr(pair.theirs, name)
        if isinstance(theirs, TheirMatrix):
            ours, theirs = ours.AB, theirs.AB
        assert_same(ours, theirs, name)


@each_family
def test_modules_by_their_places(pair: Pair) -> None:
    for layer, block in enumerate(pair.theirs.blocks):
        mine = pair.ours.blocks[layer]
        for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V", "b_O"):
            assert_same(getattr(mine.attn, name), getattr(block.attn, name), name)
        assert_same(mine.attn.OV.AB, block.attn.OV.AB)
        assert_same(mine.attn.QK.AB, block.attn.QK.AB)
        assert mine.attn.hook_z.name == block.attn.hook_z.name
        if not pair.theirs.cfg.attn_only:
            assert_same(mine.mlp.W_out, block.mlp.W_out)
    residual = torch.randn(2, 4, pair.theirs.cfg.d_model, generator=torch.Generator().manual_seed(3))
    assert_same(pair.ours.ln_final(residual), pair.theirs.ln_final(residual))
    assert_same(pair.ours.unembed(residual), pair.theirs.unembed(residual))
    assert_same(pair.ours.embed(pair.tokens), pair.theirs.embed(pair.tokens))
    assert_same(pair.ours.blocks[0](residual), pair.theirs.blocks[0](residual))
    if pair.theirs.cfg.positional_embedding_type == "standard":
        assert_same(pair.ours.pos_embed(pair.tokens), pair.theirs.pos_embed(pair.tokens))
    with pytest.raises(lensd.Unimplemented, match="blocks"):
        pair.ours.blocks[0].attn(residual)
    with pytest.raises(AttributeError, match="no W_nothing"):
        _ = pair.ours.blocks[0].attn.W_nothing


@each_family
def test_named_parameters(pair: Pair) -> None:
    # The references' gated MLPs have a bias that no model here uses (Tests/Fixtures/family_lens.py).
    theirs = {name: value for name, value in pair.theirs.named_parameters() if not name.endswith("b_gate")}
    ours = dict(pair.ours.named_parameters())
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert_same(ours[name], value, name)
    assert pair.ours.state_dict().keys() == ours.keys()


@each_family
def test_what_weights_make(pair: Pair) -> None:
    for layer in range(pair.theirs.cfg.n_layers + 1):
        for with_mlps in (True, False):
            if with_mlps and pair.theirs.cfg.attn_only:
                continue
            assert_same(
                pair.ours.accumulated_bias(layer, False, with_mlps),
                pair.theirs.accumulated_bias(layer, False, with_mlps),
            )
    assert_same(pair.ours.accumulated_bias(0, True, False), pair.theirs.accumulated_bias(0, True, False))
    for mode in "QKV":
        assert_same(pair.ours.all_composition_scores(mode), pair.theirs.all_composition_scores(mode), mode, atol=1e-3)
    assert pair.ours.all_head_labels() == pair.theirs.all_head_labels()
    for tokens in (5, torch.tensor(5), torch.tensor([5]), torch.tensor([5, 6]), pair.tokens):
        assert_same(pair.ours.tokens_to_residual_directions(tokens), pair.theirs.tokens_to_residual_directions(tokens))


@each_family
def test_singular_vectors(pair: Pair) -> None:
    if pair.theirs.cfg.n_key_value_heads:
        pytest.skip("TransformerLens looks for weights of every head")
    ours, theirs = SVDInterpreter(pair.ours), TheirInterpreter(pair.theirs)
    kinds = [("OV", 0)] if pair.theirs.cfg.attn_only else [("OV", 1), ("w_in", None), ("w_out", None)]
    for kind, head in kinds:
        mine, other = (each.get_singular_vectors(kind, 0, 3, head) for each in (ours, theirs))
        # A singular vector has no sign.
        assert_same(mine.abs(), other.abs(), kind, atol=1e-3)


def test_factored_matrices() -> None:
    generator = torch.Generator().manual_seed(11)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    left, right, wide, vector, across = random(2, 3, 7, 4), random(3, 4, 7), random(7, 30), random(7), random(30, 7)
    for factors in ((left, right), (left[0, 0], right[0]), (left, random(4, 5))):
        ours, theirs = FactoredMatrix(*factors), TheirMatrix(*factors)
        numpy = FactoredMatrix(*(each.numpy() for each in factors))
        assert repr(ours).replace("(", "").replace(")", "") == repr(theirs).replace("(", "").replace(")", "").replace(
            "torch.Size", ""
        ).replace("[", "").replace("]", "")
        square = theirs.ldim == theirs.rdim
        for name in ("AB", "ldim", "mdim", "rdim", "ndim", "S", *(["BA", "eigenvalues"] if square else [])):
            mine, other = getattr(ours, name), getattr(theirs, name)
            if name == "eigenvalues":
                assert mine.dtype == other.dtype
                mine, other = mine.abs().sort().values, other.abs().sort().values
                np.testing.assert_allclose(np.sort(np.abs(numpy.eigenvalues)), mine, rtol=1e-4, atol=1e-4)
            elif name == "AB":
                np.testing.assert_allclose(numpy.AB, mine, rtol=1e-4, atol=1e-5)
            assert_same(mine, other, name)
        for change in (
            lambda m: m.T.AB,
            lambda m: m.norm(),
            lambda m: m.make_even().AB,
            lambda m: m.collapse_l().abs(),
            lambda m: m.collapse_r().abs(),
            lambda m: m.unsqueeze(0).AB,
            lambda m: m.get_corner(2),
            lambda m: (3.0 * m * 2).AB,
            lambda m: (m.U * m.S[..., None, :]) @ m.V.transpose(-2, -1),
        ):
            assert_same(change(ours), change(theirs), atol=1e-4)
        if square:
            for change in (
                lambda m: m @ vector,
                lambda m: vector @ m,
                lambda m: (m @ wide).AB,
                lambda m: (across @ m).AB,
                lambda m: (m @ m).AB,
                lambda m: (m @ m.T @ wide).shape,
            ):
                assert_same(
                    tuple(change(ours)) if isinstance(change(theirs), tuple) else change(ours),
                    change(theirs),
                    atol=1e-3,
                )
            np.testing.assert_allclose((across.numpy() @ numpy).AB, (across @ ours).AB, rtol=1e-3, atol=1e-3)
    ours, theirs = FactoredMatrix(left, right), TheirMatrix(left, right)
    for key in (0, (1, 2), (slice(None), 1), (0, 1, 3), (0, 1, -1, 2), (0, None, 1), (0, 1, slice(1, 3), slice(2))):
        assert_same(ours[key].AB, theirs[key].AB, str(key))
    assert_same(utils.composition_scores(ours, ours), their_utilities.composition_scores(theirs, theirs))
    for wrong in ((left, left), (left[0, 0, 0], right), (random(2, 3, 4), random(3, 4, 3))):
        with pytest.raises(lensd.InvalidArgument):
            FactoredMatrix(*wrong)
    with pytest.raises(lensd.InvalidArgument):
        _ = ours @ random(8)


# Tokens.


@with_text
def test_tokens(pair: Pair) -> None:
    ours, theirs = pair.ours, pair.theirs
    for prepend_bos in (True, False):
        assert_same(ours.to_tokens(TEXT, prepend_bos), theirs.to_tokens(TEXT, prepend_bos=prepend_bos))
        assert list(ours.to_str_tokens(TEXT, prepend_bos)) == list(theirs.to_str_tokens(TEXT, prepend_bos=prepend_bos))
    tokens = theirs.to_tokens(TEXT)
    assert ours.to_string(tokens) == theirs.to_string(tokens)
    assert ours.to_string(tokens[0]) == theirs.to_string(tokens[0])
    assert ours.to_string(5) == theirs.to_string(torch.tensor(5))
    token = int(tokens[0, 3])
    for mode in ("first", "last"):
        assert ours.get_token_position(token, tokens, mode) == theirs.get_token_position(token, tokens, mode)
        assert ours.get_token_position(token, tokens[0], mode) == theirs.get_token_position(token, tokens[0], mode)
    with pytest.raises(lensd.InvalidArgument, match="does not occur"):
        ours.get_token_position(token, tokens[0, :1])
    assert ours.tokenizer.bos_token_id == theirs.tokenizer.bos_token_id
    assert ours.tokenizer.bos_token == theirs.tokenizer.bos_token
    assert ours.tokenizer.decode(tokens[0]) == theirs.tokenizer.decode(tokens[0])
    assert ours.tokenizer.batch_decode(tokens) == theirs.tokenizer.batch_decode(tokens)
    plain = theirs.to_tokens(TEXT, prepend_bos=False)[0].tolist()
    assert ours.tokenizer.encode(TEXT) == ours.tokenizer(TEXT)["input_ids"] == plain
    assert ours.to_single_str_token(token) == theirs.to_single_str_token(token)
    ours.cfg.default_prepend_bos = False
    assert_same(ours.to_tokens(TEXT), theirs.to_tokens(TEXT, prepend_bos=False))


def test_left_padding_is_refused(pair: Pair) -> None:
    with pytest.raises(lensd.Unimplemented, match="right"):
        pair.ours.to_tokens(["a b", "a"], padding_side="left")


# Passes.


@each_family
def test_passes(pair: Pair) -> None:
    ours, theirs, tokens = pair.ours, pair.theirs, pair.tokens
    assert_same(ours(tokens), theirs(tokens))
    assert_same(ours.forward(tokens, return_type="loss"), theirs(tokens, return_type="loss"))
    assert_same(tuple(ours(tokens, "both", True)), tuple(theirs(tokens, "both", True)))
    assert ours(tokens, return_type=None) is None
    logits = theirs(tokens)
    mask = torch.ones_like(tokens)
    mask[1, 7:] = 0
    for options in ({}, {"per_token": True}, {"attention_mask": mask}, {"attention_mask": mask, "per_token": True}):
        assert_same(ours.loss_fn(logits, tokens, **options), theirs.loss_fn(logits, tokens, **options))


@each_family
def test_passes_that_begin_or_end_between_blocks(pair: Pair) -> None:
    ours, theirs, tokens = pair.ours, pair.theirs, pair.tokens
    layers = theirs.cfg.n_layers
    for stop in (0, 1, -1, layers, layers + 3, -layers):
        assert_same(ours(tokens, stop_at_layer=stop), theirs(tokens, stop_at_layer=stop), f"stop {stop}")
    residual = theirs(tokens, stop_at_layer=1) * 1.1
    for start in (0, 1, -1):
        assert_same(ours(residual, start_at_layer=start), theirs(residual, start_at_layer=start), f"start {start}")
        options = {"start_at_layer": start, "tokens": tokens, "return_type": "loss"}
        assert_same(ours(residual, **options), theirs(residual, **options))
    mine, other = (
        model.run_with_cache(residual, start_at_layer=-1, stop_at_layer=layers)[1] for model in (ours, theirs)
    )
    assert set(mine) == set(other)
    for name in other:
        assert_same(mine[name], other[name], name)
    with pytest.raises(lensd.InvalidArgument, match="tokens="):
        ours(residual, return_type="loss", start_at_layer=1)
    with pytest.raises(lensd.InvalidArgument, match="stream"):
        ours(tokens, start_at_layer=1)

    def halve(value: torch.Tensor, hook: Any) -> torch.Tensor:
        return value / 2

    # Functions beyond the span are not called, those in it are.
    hooks = [("blocks.0.hook_resid_pre", halve), (f"blocks.{layers - 1}.hook_resid_post", halve)]
    for options in (
        {"stop_at_layer": layers - 1},
        {"stop_at_layer": layers},
        {"start_at_layer": 0},
        {"start_at_layer": 1},
    ):
        given = residual if "start_at_layer" in options else tokens
        mine, other = (model.run_with_hooks(given, fwd_hooks=hooks, **options) for model in (ours, theirs))
        assert_same(mine, other, str(options))


@each_family
def test_hooks(pair: Pair) -> None:
    ours, theirs, tokens = pair.ours, pair.theirs, pair.tokens
    seen: list[str] = []

    def scale(value: torch.Tensor, hook: Any, factor: float) -> torch.Tensor:
        seen.append(hook.name)
        return value * factor

    def outputs() -> tuple[torch.Tensor, torch.Tensor]:
        return ours(tokens), theirs(tokens)

    for model in (ours, theirs):
        model.blocks[0].attn.hook_z.add_hook(partial(scale, factor=0.5))
        model.add_hook(
            "blocks.1.hook_resid_pre" if model.cfg.n_layers > 1 else "hook_embed", partial(scale, factor=2.0)
        )
        model.add_hook("blocks.0.attn.hook_z", lambda value, hook: value + 1, prepend=True)
        model.add_perma_hook("hook_embed", partial(scale, factor=3.0))
    assert_same(*outputs())
    with ours.hooks(fwd_hooks=[(lambda name: name.endswith("hook_attn_out"), partial(scale, factor=0.0))]):
        mine = ours(tokens)
    with theirs.hooks(fwd_hooks=[(lambda name: name.endswith("hook_attn_out"), partial(scale, factor=0.0))]):
        other = theirs(tokens)
    assert_same(mine, other)
    for model in (ours, theirs):
        model.reset_hooks()
        assert model.hook_dict["hook_embed"].has_hooks()
        assert not model.hook_dict["blocks.0.attn.hook_z"].has_hooks()
    assert_same(*outputs())
    for model in (ours, theirs):
        model.blocks[0].attn.hook_z.add_hook(partial(scale, factor=0.5))
        model.blocks[0].attn.hook_z.remove_hooks()
        model.reset_hooks(including_permanent=True)
    assert_same(*outputs())
    assert isinstance(ours.hook_dict["hook_embed"], HookPoint)
    assert len(list(ours.hook_points())) == len(ours.hook_dict)


@each_family
def test_points_that_cost_extra(pair: Pair) -> None:
    for switch in ("use_attn_result", "use_split_qkv_input", "use_hook_mlp_in", "use_attn_in"):
        if switch == "use_hook_mlp_in" and (pair.theirs.cfg.attn_only or pair.theirs.cfg.parallel_attn_mlp):
            continue
        if switch in ("use_split_qkv_input", "use_attn_in") and pair.theirs.cfg.n_key_value_heads:
            continue  # TransformerLens has no attn_in there, and repeats the others for heads that share keys.
        caches = []
        for model in (pair.ours, pair.theirs):
            getattr(model, f"set_{switch}")(True)
            assert getattr(model.cfg, switch)
            caches.append(model.run_with_cache(pair.tokens)[1])
            getattr(model, f"set_{switch}")(False)
        mine, other = caches
        extra = {name for name in other if not name.startswith("unembed.")}
        assert set(mine) == extra, switch
        for name in extra:
            # TransformerLens then norms the stream once for every head.
            if ".ln1." not in name:
                assert_same(mine[name], other[name], name)
    with pytest.raises(lensd.FailedPrecondition, match="set_use_attn_result"):
        pair.ours.cfg.use_attn_result = True


def test_caches_lie_outside_the_graph_and_logits_in_it(pair: Pair) -> None:
    with torch.enable_grad():
        logits, cache = pair.ours.run_with_cache(pair.tokens)
        assert logits.requires_grad
        assert not cache["z", 0].requires_grad
        assert utils.to_numpy(cache["pattern", 0]).shape == (2, 4, 10, 10)
        ours, theirs = ({}, {})
        for model, grads in ((pair.ours, ours), (pair.theirs, theirs)):
            # Under the functions a later backward belongs to the pass that they saw.
            with model.hooks(
                bwd_hooks=[
                    ("blocks.1.attn.hook_z", lambda value, hook, into=grads: into.update(z=value.clone()) or None)
                ]
            ):
                model(pair.tokens, return_type="loss").backward()
    assert_same(ours["z"], theirs["z"], atol=1e-6)
    residual = pair.theirs(pair.tokens, stop_at_layer=1).detach()
    found = []
    for model in (pair.ours, pair.theirs):
        with torch.enable_grad():
            leaf = residual.clone().requires_grad_()
            model(leaf, start_at_layer=1)[0, -1, 5].backward()
            found.append(leaf.grad)
    assert_same(*found, atol=1e-6)


def test_a_cache_of_a_dictionary(pair: Pair) -> None:
    _, fetched = pair.ours.run_with_cache(pair.tokens)
    assert isinstance(fetched, ActivationCache)
    made = ActivationCache(fetched.cache_dict, pair.ours)
    assert_same(made.stack_head_results(apply_ln=True), fetched.stack_head_results(apply_ln=True))
    one = ActivationCache(
        {name: value[0] for name, value in fetched.cache_dict.items()}, pair.ours, has_batch_dim=False
    )
    assert_same(one.decompose_resid(), made.decompose_resid()[:, 0])
    assert one.to("cpu") is one
    with pytest.raises(lensd.Unimplemented, match="CPU"):
        one.to("cuda")


@with_text
def test_generation_of_the_likeliest(pair: Pair) -> None:
    options = {"max_new_tokens": 5, "do_sample": False, "verbose": False, "stop_at_eos": False}
    assert pair.ours.generate(TEXT, **options) == pair.theirs.generate(TEXT, **options)
    torch.manual_seed(5)
    first = pair.ours.generate(TEXT, max_new_tokens=5, temperature=0.7)
    torch.manual_seed(5)
    assert pair.ours.generate(TEXT, max_new_tokens=5, temperature=0.7) == first


# Ways to a model, and what is not there.


def test_ways_to_a_served_model() -> None:
    raw = pair_of("local", "raw")
    bridge = TransformerBridge.boot_transformers("local", device="cpu")
    assert_same(bridge(raw.tokens), raw.theirs(raw.tokens))
    bridge.enable_compatibility_mode(disable_warnings=True)
    assert_same(bridge(raw.tokens), pair_of("local").theirs(raw.tokens))
    assert bridge.cfg.normalization_type == "LNPre"
    assert isinstance(bridge, HookedTransformer)
    assert isinstance(bridge, lensd.Model)
    with pytest.raises(lensd.NotFound, match="tales"):
        HookedTransformer.from_pretrained("pythia-70m")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"fold_ln": False}, "save_model"),
        ({"refactor_factored_attn_matrices": True}, "refactor"),
        ({"device": "cuda"}, "CPU"),
        ({"dtype": torch.float16}, "float32"),
        ({"checkpoint_index": 3}, "pull"),
        ({"n_ctx": 12}, "loaded"),
    ],
)
def test_what_cannot_be_done_says_what_can(options: Any, names: str) -> None:
    with pytest.raises(lensd.Unimplemented, match=names):
        HookedTransformer.from_pretrained("local", **options)


def test_manners_of_a_torch_module(pair: Pair) -> None:
    ours = pair.ours
    assert ours.eval() is ours.to("cpu") is ours.cpu() is ours.train(False) is ours.requires_grad_(False) is ours
    for refused in (ours.train, ours.cuda, lambda: ours.to(torch.float16), lambda: HookedTransformer(ours.cfg)):
        with pytest.raises(lensd.Unimplemented):
            refused()
    for option in ({"attention_mask": torch.zeros(1, 3)}, {"past_kv_cache": object()}):
        with pytest.raises(lensd.Unimplemented):
            ours(pair.tokens, **option)
    assert ours.cfg.dtype == torch.float32
    assert ours.cfg.to_dict()["n_layers"] == pair.theirs.cfg.n_layers


# The other modules.


def patch_metric(logits: torch.Tensor) -> torch.Tensor:
    return (logits[:, -1, 5] - logits[:, -1, 9]).mean()


@pytest.mark.parametrize("name", ["local", "attn-only"])
def test_activation_patching(name: str) -> None:
    pair = pair_of(name)
    clean, corrupted = pair.tokens, pair.tokens.flip(0)
    _, ours = pair.ours.run_with_cache(clean)
    _, theirs = pair.theirs.run_with_cache(clean)
    everything = ["attn_head_out_all_pos", "attn_head_pattern_all_pos", "attn_head_q_by_pos", "resid_pre"]
    for each in everything:
        function = f"get_act_patch_{each}"
        expected = getattr(their_patching, function)(pair.theirs, corrupted, theirs, patch_metric)
        assert_same(getattr(patching, function)(pair.ours, corrupted, ours, patch_metric), expected, function)
        # TransformerLens's own module on lensd's model and cache.
        assert_same(getattr(their_patching, function)(pair.ours, corrupted, ours, patch_metric), expected, function)
    for each in ("attn_head_all_pos_every", *(["block_every"] if name == "local" else [])):
        function = f"get_act_patch_{each}"
        expected = getattr(their_patching, function)(pair.theirs, corrupted, theirs, patch_metric)
        assert_same(getattr(patching, function)(pair.ours, corrupted, ours, patch_metric), expected, function)
    # The daemon's own metric makes it one call.
    typed = lensd.metrics.logit_diff(5, 9)
    expected = their_patching.get_act_patch_resid_pre(pair.theirs, corrupted, theirs, patch_metric)
    assert_same(patching.get_act_patch_resid_pre(pair.ours, corrupted, ours, typed), expected)
    assert patching.make_df_from_ranges([2, 3], ["layer", "pos"]).equals(
        their_patching.make_df_from_ranges([2, 3], ["layer", "pos"])
    )


@with_text
@pytest.mark.parametrize("head_name", head_detector.HEAD_NAMES)
@pytest.mark.parametrize("options", [{}, {"exclude_bos": True, "exclude_current_token": True}])
@pytest.mark.parametrize("measure", ["mul", "abs"])
def test_head_detection(pair: Pair, head_name: Any, options: Any, measure: Any) -> None:
    for text in (TEXT, [TEXT, "a cat saw a cat"]):
        assert_same(
            head_detector.detect_head(pair.ours, text, head_name, error_measure=measure, **options),
            their_detector.detect_head(pair.theirs, text, head_name, error_measure=measure, **options),
            atol=1.1e-3 if measure == "abs" else 1e-4,  # The second is rounded to three digits.
        )


@with_text
def test_head_detection_of_a_pattern(pair: Pair) -> None:
    size = pair.theirs.to_tokens(TEXT).shape[-1]
    pattern = torch.tril(torch.ones(size, size))
    for heads in (None, [(0, 1)], {0: [0, 1]}):
        mine, other = (
            detector.detect_head(model, TEXT, pattern, heads=heads)
            for detector, model in ((head_detector, pair.ours), (their_detector, pair.theirs))
        )
        assert_same(mine, other)
    _, cache = pair.ours.run_with_cache(TEXT, remove_batch_dim=True)
    assert_same(
        head_detector.detect_head(pair.ours, TEXT, pattern, cache=cache),
        mine if heads is None else head_detector.detect_head(pair.ours, TEXT, pattern),
    )
    assert_same(
        their_detector.detect_head(pair.ours, TEXT, pattern), their_detector.detect_head(pair.theirs, TEXT, pattern)
    )
    for wrong in (pattern.T, pattern[1:, 1:], "other_head"):
        with pytest.raises(lensd.InvalidArgument):
            head_detector.detect_head(pair.ours, TEXT, wrong)


def test_utilities(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(2, 6, 30, generator=generator)
    tokens = torch.randint(0, 30, (2, 6), generator=generator)
    mask = torch.tensor([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]])
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("lm_cross_entropy_loss", (logits, tokens), {}),
        ("lm_accuracy", (logits, tokens), {}),
        ("lm_accuracy", (logits, tokens), {"per_token": True}),
        ("gelu_new", (logits,), {}),
        ("gelu_fast", (logits,), {}),
        ("solu", (logits,), {}),
        ("get_corner", (logits, 2), {}),
        ("remove_batch_dim", (logits[:1],), {}),
        ("remove_batch_dim", (logits,), {}),
        ("transpose", (logits,), {}),
        ("is_square", (logits[0],), {}),
        ("is_lower_triangular", (torch.eye(3),), {}),
        ("is_lower_triangular", (torch.ones(3, 3),), {}),
        ("get_cumsum_along_dim", (logits, 1), {"reverse": True}),
        ("get_cumsum_along_dim", (logits, -1), {}),
        ("get_offset_position_ids", (1, mask), {}),
        ("repeat_along_head_dimension", (logits, 3), {}),
        ("sample_logits", (logits[:, -1],), {"temperature": 0.0}),
        ("filter_dict_by_prefix", ({"a.b.c": 1, "a.d": 2, "ab.c": 3}, "a"), {}),
        ("override_or_use_default_value", (True, None), {}),
        ("override_or_use_default_value", (True, False), {}),
        ("get_act_name", ("in", 3), {}),
        ("get_act_name", ("scale", 3, "ln1"), {}),
    ]
    for name, arguments, options in calls:
        mine, other = (getattr(each, name)(*arguments, **options) for each in (utils, their_utilities))
        assert_same(mine, other, name, atol=1e-6)
    for options in (
        {"top_k": 3},
        {"top_p": 0.6},
        {"top_p": 0.6, "temperature": 0.5},
        {"freq_penalty": 2.0, "tokens": tokens},
        {"repetition_penalty": 1.7, "tokens": tokens, "temperature": 0.9},
    ):
        drawn = []
        for each in (utils, their_utilities):
            torch.manual_seed(3)
            drawn.append(torch.stack([each.sample_logits(logits[:, -1].clone(), **options) for _ in range(60)]))
        assert_same(*drawn, what=str(options))
    assert (
        utils.logits_to_df(logits[0, 0], pair.ours.tokenizer, 4)
        .round(4)
        .equals(their_utilities.logits_to_df(logits[0, 0], pair.theirs.tokenizer, 4).round(4))
    )
    for given in (logits, [1, 2], 3, logits.bfloat16()):
        np.testing.assert_array_equal(utils.to_numpy(given), their_utilities.to_numpy(given))
    for taken in (3, (1, 4), [0, 2], None, torch.tensor([1, 2]), slice(0, 2)):
        mine, other = utils.Slice(taken), their_utilities.Slice(taken)
        assert mine.mode == other.mode
        assert_same(mine.apply(logits, 1), other.apply(logits, 1))
        assert mine.indices(6).tolist() == other.indices(6).tolist()
    capsys.readouterr()


@with_text
def test_prompts_are_tried(pair: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    answers = ("cat", ["cat", "the"]) if pair.ours.name == "tales" else ("a",)
    printed = []
    for answer in answers:
        for each, model in ((utils, pair.ours), (their_utilities, pair.theirs)):
            each.test_prompt(TEXT[:-1], answer, model, top_k=3)
            out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
            printed.append(re.sub(r"\s+", "", out))
        assert printed[-2] == printed[-1]


def test_evaluations(pair: Pair) -> None:
    for form in ("processed", "raw"):
        both = pair_of("tales", form)
        loss = evals.sanity_check(both.ours)
        assert loss.shape == ()
        batches = [{"tokens": both.tokens}, {"tokens": both.tokens.flip(1)}]
        mean = evals.evaluate_on_dataset(both.ours, batches)
        expected = sum(float(both.theirs(each["tokens"], return_type="loss")) for each in batches) / 2
        assert mean == pytest.approx(expected, abs=1e-5)
        torch.manual_seed(1)
        ours = evals.induction_loss(both.ours, batch_size=2, subseq_len=20)
        torch.manual_seed(1)
        assert_same(ours, evals.induction_loss(both.theirs, batch_size=2, subseq_len=20))


def test_hooks_that_cache(pair: Pair) -> None:
    found = []
    for model in (pair.ours, pair.theirs):
        cache, hooks, _ = model.get_caching_hooks(lambda name: name.endswith(("hook_z", "pattern")), pos_slice=-1)
        model.run_with_hooks(pair.tokens, return_type=None, fwd_hooks=hooks)
        more = model.add_caching_hooks(["blocks.0.hook_resid_pre"])
        model(pair.tokens)
        model.remove_all_hook_fns()
        found.append({**cache, **more})
    assert found[0].keys() == found[1].keys()
    for name, value in found[1].items():
        assert_same(found[0][name], value, name)

"""Every hook point of every fixture, through the client, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import MODELS
from reference import assert_close, described, sequence, tensors

import lensd

FORMS = {"processed": True, "raw": False}
REPEATED = ("hook_attn_in", "hook_q_input", "hook_k_input", "hook_v_input")


def cases() -> list[tuple[str, str, str]]:
    return [(name, form, seq) for name, at in MODELS.items() for form in FORMS for seq in described(at)["sequences"]]


@pytest.mark.parametrize(("name", "form", "seq"), cases())
def test_every_hook_point(client: lensd.Client, name: str, form: str, seq: str) -> None:
    model = client.model(name, processing=FORMS[form])
    ids = sequence(MODELS[name], seq)
    logits, cache = model.run_with_cache(ids)
    compared = 0
    for hook in model.hook_names:
        value = cache[hook]
        assert value.shape[0] == 1
        assert value.lengths.tolist() == [len(ids)]
        expected = tensors(MODELS[name]).get(f"{form}/{seq}/{hook}")
        if hook == "unembed.hook_out":
            expected = tensors(MODELS[name])[f"{form}/{seq}/logits"]
        elif hook == "hook_tokens":
            np.testing.assert_array_equal(value, [ids])
            continue
        elif hook.endswith(REPEATED):
            residual = cache[hook.rpartition(".")[0] + ".hook_resid_pre"]
            expected = np.broadcast_to(residual[0][:, None], value.shape[1:])
        if expected is not None:
            assert_close(value[0], expected, hook)
            compared += 1
    assert_close(logits[0], tensors(MODELS[name])[f"{form}/{seq}/logits"])
    # What the fixture leaves out, it leaves out of long raw sequences only.
    assert compared >= len(described(MODELS[name])["hooks"]) - 3 or (form == "raw" and len(ids) > 16)


@pytest.mark.parametrize(("name", "checkpoint"), MODELS.items())
def test_hook_names_are_the_references(client: lensd.Client, name: str, checkpoint: str) -> None:
    names = list(client.model(name).hook_names)
    assert set(described(checkpoint)["hooks"]) <= set(names)
    assert set(names) - set(described(checkpoint)["hooks"]) <= {"hook_tokens", "unembed.hook_out"}


def test_configuration(client: lensd.Client) -> None:
    cfg = client.model("local").cfg
    assert (cfg.n_layers, cfg.n_heads, cfg.d_head, cfg.d_model, cfg.d_mlp) == (3, 4, 8, 32, 80)
    assert (cfg.n_ctx, cfg.d_vocab, cfg.act_fn, cfg.window_size) == (32, 280, "gelu_new", 5)
    assert cfg.attn_types == ("global", "local", "global")
    assert cfg.original_architecture == "GPTNeoForCausalLM"
    assert (cfg.use_attn_scale, cfg.attn_scale) == (False, 1.0)
    assert cfg.normalization_type == "LNPre"
    assert client.model("local@raw").cfg.normalization_type == "LN"


def test_forms_differ_and_share_their_fingerprint(client: lensd.Client) -> None:
    processed, raw = client.model("tiny"), client.model("tiny", processing=False)
    assert raw.name == client.model("tiny@raw").name == "tiny@raw"
    assert raw.fingerprint == processed.fingerprint
    ids = sequence("gpt-neo-1l-16h", "seq7")
    assert np.abs(processed(ids) - raw(ids)).max() > 1e-3


def test_default_model_is_the_first(client: lensd.Client) -> None:
    assert client.model().name == "tiny"
    assert client.model(processing=False).name == "tiny@raw"
    assert client.models() == list(MODELS)

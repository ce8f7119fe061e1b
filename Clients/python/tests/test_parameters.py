"""Weights under TransformerLens's names, as HookedTransformer holds them."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import FIXTURES

import lensd


def records(checkpoint: str) -> dict[str, dict[str, Any]]:
    """By form: every parameter's shape and sums."""
    every = json.loads((FIXTURES / "parameters" / "reference.json").read_text())
    return {record["form"]: record["parameters"] for record in every if record["checkpoint"] == checkpoint}


def sums(values: Any) -> list[float]:
    flat = np.asarray(values, np.float64).reshape(-1)
    places = np.arange(flat.size)
    return [flat @ flat, flat @ np.cos(0.7 * places), flat @ np.cos(0.0113 * places + 1)]


@pytest.mark.parametrize("form", ["processed", "raw"])
@pytest.mark.parametrize("name", ["local", "untied"])
def test_every_parameter_is_transformer_lens_s(daemon: Daemon, name: str, form: str) -> None:
    expected = records(MODELS[name])[form]
    with lensd.connect(daemon.socket) as client:
        model = client.model(name, processing=form == "processed")
        assert set(model.parameter_names) == set(expected)
        for parameter, record in expected.items():
            values = model.parameter(parameter)
            assert list(values.shape) == record["shape"] == list(model.parameter_shapes[parameter])
            assert values.dtype == np.float32
            assert not values.flags.writeable
            np.testing.assert_allclose(sums(values), record["sums"], rtol=1e-5, atol=2e-4)


def test_stacked_weights(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client:
        model = client.model("local")
        cfg = model.cfg
        assert model.W_Q.shape == (cfg.n_layers, cfg.n_heads, cfg.d_model, cfg.d_head)
        assert model.W_O.shape == (cfg.n_layers, cfg.n_heads, cfg.d_head, cfg.d_model)
        assert model.b_K.shape == (cfg.n_layers, cfg.n_heads, cfg.d_head)
        assert model.b_O.shape == (cfg.n_layers, cfg.d_model)
        assert model.W_in.shape == (cfg.n_layers, cfg.d_model, cfg.d_mlp)
        assert model.W_out.shape == (cfg.n_layers, cfg.d_mlp, cfg.d_model)
        assert model.W_gate is None
        assert model.W_E.shape == (cfg.d_vocab, cfg.d_model)
        assert model.W_pos.shape == (cfg.n_ctx, cfg.d_model)
        assert model.W_U.shape == (cfg.d_model, cfg.d_vocab)
        assert model.b_U.shape == (cfg.d_vocab,)
        # Fetched once; a layer's own is a part of the stack.
        assert model.W_Q is model.W_Q
        assert np.shares_memory(model.parameter("blocks.2.attn.W_Q"), model.W_Q)
        np.testing.assert_array_equal(model.parameter("blocks.2.attn.W_Q"), model.W_Q[2])


def test_the_weights_give_the_activations(daemon: Daemon) -> None:
    """A head's queries from what its layer norm gave."""
    with lensd.connect(daemon.socket) as client:
        model = client.model("local")
        _, cache = model.run_with_cache([[5, 6, 7]])
        normalized = cache["blocks.1.ln1.hook_normalized"]
        queries = np.einsum("bpd,hde->bphe", normalized, model.W_Q[1]) + model.b_Q[1]
        np.testing.assert_allclose(queries, cache["q", 1], atol=1e-5)
        logits = cache["ln_final.hook_normalized"] @ model.W_U + model.b_U
        np.testing.assert_allclose(logits, model([[5, 6, 7]]), atol=1e-4)


def test_a_part_is_cut_by_the_daemon(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client:
        model = client.model("local", processing=False)
        whole = model.parameter("blocks.0.mlp.W_in")
        for index in (3, (slice(None), 2), (slice(20, 4, -3), slice(1, 5)), (..., -1), slice(4, 4)):
            np.testing.assert_array_equal(model.parameter("blocks.0.mlp.W_in", index), whole[index])
        with pytest.raises(lensd.InvalidArgument, match="out of range"):
            model.parameter("W_E", 5000)


def test_an_unknown_name_is_told_what_is_near(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client:
        model = client.model("local")
        with pytest.raises(lensd.NotFound, match=r"blocks\.0\.attn\.W_Q"):
            model.parameter("blocks.0.attn.W_q")
        with pytest.raises(lensd.NotFound, match="near names"):
            model.parameter("")


def test_a_pickled_model_fetches_again(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client:
        model = client.model("local")
        size = len(pickle.dumps(model))
        weights = model.W_E
        assert len(pickle.dumps(model)) == size
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).W_E, weights)


def test_torch(daemon: Daemon) -> None:
    torch = pytest.importorskip("torch")
    with lensd.connect(daemon.socket, arrays="torch") as client:
        model = client.model("local")
        assert isinstance(model.W_Q, torch.Tensor)
        assert model.W_Q.dtype == torch.float32
        assert model.W_Q[1].equal(model.parameter("blocks.1.attn.W_Q"))

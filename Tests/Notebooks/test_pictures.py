"""CircuitsVis's and BertViz's functions take arrays and tokens as they are."""

from __future__ import annotations

from typing import Any

import bertviz
import circuitsvis
import lensd
import numpy as np
import pytest
import torch

from conftest import TEXT, Pair


@pytest.fixture(params=["torch", "numpy", "transformer_lens"])
def model(request: pytest.FixtureRequest, pair: Pair) -> Any:
    if request.param == "transformer_lens":
        return pair.ours
    return lensd.connect(arrays=request.param).model("tales")


def test_circuitsvis(model: Any) -> None:
    tokens = model.to_str_tokens(TEXT)
    loss, cache = model.run_with_cache(TEXT, "loss", True, remove_batch_dim=True)
    attention = circuitsvis.attention
    shown = [
        attention.attention_heads(tokens=tokens, attention=cache["pattern", 0]),
        attention.attention_patterns(tokens=tokens, attention=cache["pattern", 0]),
        attention.attention_pattern(tokens=tokens, attention=cache["pattern", 0][0]),
        circuitsvis.tokens.colored_tokens(tokens[1:], loss[0]),
        circuitsvis.activations.text_neuron_activations(tokens=tokens, activations=cache["post", 0][:, None]),
    ]
    for each in shown:
        assert str(each).count(tokens[1].strip()) >= 1


def test_bertviz(model: Any) -> None:
    tokens = list(model.to_str_tokens(TEXT))
    _, cache = model.run_with_cache(TEXT)
    layers = [cache["pattern", layer] for layer in range(model.cfg.n_layers)]
    if not isinstance(layers[0], torch.Tensor):
        layers = [torch.from_numpy(np.asarray(each)) for each in layers]  # BertViz asks for tensors.
    html = bertviz.head_view(layers, tokens, html_action="return").data
    assert "attention" in html
    assert bertviz.model_view(layers, tokens, html_action="return").data

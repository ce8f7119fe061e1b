"""What `lensd.save_model` writes is what the daemon serves."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import serving
from reference import FIXTURES

import lensd
from lensd.hooked_transformer import complete, tensor_shapes

pytestmark = pytest.mark.daemon

# The one with a gate's bias is no model of TransformerLens's own.
TOYS = sorted(path for path in (FIXTURES / "families").glob("toy-*") if path.name != "toy-rms-gated-2l")
SIZES = {"n_layers": 2, "d_model": 24, "n_heads": 3, "d_head": 8, "n_ctx": 16, "d_vocab": 40, "device": "cpu"}
TOKENS = np.array([[3, 10, 17, 24, 3, 10, 31]])


def floats(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a file that has F32 only, besides buffers."""
    deserialize = importlib.import_module("safetensors").deserialize
    return {
        name: np.frombuffer(each["data"], "<f4").reshape(each["shape"])
        for name, each in deserialize(path.read_bytes())
        if each["dtype"] == "F32"
    }


def test_state_dicts_of_transformer_lens(tmp_path: Path) -> None:
    assert len(TOYS) >= 6
    models: dict[str, Path] = {}
    for toy in TOYS:
        config = json.loads((toy / "config.json").read_text())
        models[toy.name] = toy
        models[f"saved-{toy.name}"] = lensd.save_model(floats(toy / "model.safetensors"), config, tmp_path / toy.name)
    with serving(models) as client:
        for toy in TOYS:
            for form in ("", "@raw"):
                expected, found = client.model(toy.name + form), client.model(f"saved-{toy.name}{form}")
                np.testing.assert_array_equal(found(TOKENS), expected(TOKENS))


def test_a_toy_model_of_arrays(tmp_path: Path) -> None:
    """Attention without norms and biases, small enough to be computed here."""
    cfg = {**SIZES, "attn_only": True, "normalization_type": None}
    random = np.random.default_rng(11)
    shapes = {name: shape for name, shape in tensor_shapes(complete(cfg)).items() if ".b_" not in name}
    weights = {name: random.normal(0, shape[-1] ** -0.5, shape) for name, shape in shapes.items()}
    with serving({"toy": lensd.save_model(weights, cfg, tmp_path / "toy")}) as client:
        logits = client.model("toy@raw")(TOKENS)
        assert client.model("toy").cfg.n_layers == 2
        with pytest.raises(lensd.FailedPrecondition, match="has no tokenizer"):
            client.model("toy").to_tokens("text")
    stream = weights["embed.W_E"][TOKENS[0]] + weights["pos_embed.W_pos"][: TOKENS.shape[1]]
    for layer in range(2):
        q, k, v, o = (weights[f"blocks.{layer}.attn.W_{part}"] for part in "QKVO")
        scores = np.einsum("td,hde,hfe,sf->hts", stream, q, k, stream) / np.sqrt(8)
        scores = np.where(np.tri(TOKENS.shape[1], dtype=bool), scores, -np.inf)
        pattern = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        stream = stream + np.einsum("hts,sd,hde,hef->tf", pattern, stream, v, o)
    np.testing.assert_allclose(logits[0], stream @ weights["unembed.W_U"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "choices",
    [
        {"attn_only": True},
        {"act_fn": "solu_ln", "d_mlp": 30},
        {"act_fn": "relu", "d_mlp": 30, "positional_embedding_type": "rotary", "normalization_type": "RMS"},
        {
            "act_fn": "silu",
            "d_mlp": 30,
            "gated_mlp": True,
            "normalization_type": "RMS",
            "positional_embedding_type": "rotary",
            "n_heads": 4,
            "n_key_value_heads": 2,
            "use_qk_norm": True,
        },
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_transformer_lens_s_models(choices: dict[str, Any], tmp_path: Path) -> None:
    """Before and after weight processing."""
    lens = pytest.importorskip("transformer_lens")
    torch = importlib.import_module("torch")
    torch.manual_seed(5)
    model = lens.HookedTransformer(lens.HookedTransformerConfig.from_dict({**SIZES, **choices}))
    for name, parameter in model.named_parameters():
        torch.nn.init.normal_(parameter, std=0.3)
        parameter.data += float(name.endswith(".w"))
    models: dict[str, Path] = {"plain": lensd.save_model(model.state_dict(), model.cfg, tmp_path / "plain")}
    expected = {"plain": model(torch.tensor(TOKENS)).detach().numpy()}
    model.process_weights_()
    models["processed"] = lensd.save_model(model.state_dict(), model.cfg, tmp_path / "processed")
    expected["processed"] = model(torch.tensor(TOKENS)).detach().numpy()
    with serving(models) as client:
        for name, logits in expected.items():
            np.testing.assert_allclose(client.model(f"{name}@raw")(TOKENS), logits, rtol=1e-4, atol=1e-4)

"""Saved folders hold what TransformerLens's state dicts hold; what is wrong is named before anything is written."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from reference import FIXTURES

import lensd
from lensd.hooked_transformer import complete, is_buffer, tensor_shapes

# Made by Tests/Fixtures/hooked_transformer_shapes.py.
RECORDS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "hooked_transformer_shapes.json").read_text())
TOKENIZER = FIXTURES / "gpt-neo-1l-16h"
ATTENTION_ONLY: dict[str, Any] = RECORDS[0]["cfg"]

State = dict[str, npt.NDArray[Any]]


def state_dict(cfg: dict[str, Any] = ATTENTION_ONLY, dtype: str = "float32") -> State:
    """Random weights of a model."""
    random = np.random.default_rng(7)
    return {name: random.normal(size=shape).astype(dtype) for name, shape in tensor_shapes(complete(cfg)).items()}


def read(path: Path) -> dict[str, tuple[str, npt.NDArray[Any]]]:
    """A safetensors file, by the safetensors library's own reader."""
    deserialize = importlib.import_module("safetensors").deserialize
    kinds = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
    return {
        name: (each["dtype"], np.frombuffer(each["data"], kinds[each["dtype"]]).reshape(each["shape"]))
        for name, each in deserialize(path.read_bytes())
    }


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_shapes_are_transformer_lens_s(record: dict[str, Any]) -> None:
    cfg = complete(record["cfg"])
    weights = {name: tuple(shape) for name, shape in record["tensors"].items() if not is_buffer(name, cfg)}
    assert tensor_shapes(cfg) == weights


@pytest.mark.parametrize("record", RECORDS, ids=range(len(RECORDS)))
def test_a_state_dict_with_its_buffers(record: dict[str, Any], tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    state = {name: random.normal(size=shape).astype("f4") for name, shape in record["tensors"].items()}
    folder = lensd.save_model(state, record["cfg"], tmp_path / "toy")
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]
    stored = read(folder / "model.safetensors")
    cfg = complete(record["cfg"])
    assert set(stored) == {name for name in state if not is_buffer(name, cfg)}
    for name, (kind, values) in stored.items():
        assert kind == "F32"
        np.testing.assert_array_equal(values, state[name])
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["HookedTransformer"]
    assert config["model_type"] == "hooked_transformer"
    assert {key: config[key] for key in record["cfg"]} == record["cfg"]


def test_defaults_are_written() -> None:
    cfg = complete({"n_layers": 1, "d_model": 12, "d_head": 4, "n_ctx": 8, "d_vocab": 9})
    assert (cfg["n_heads"], cfg["d_mlp"], cfg["d_vocab_out"]) == (3, 48, 9)
    assert (cfg["attn_scale"], cfg["normalization_type"], cfg["act_fn"]) == (2.0, "LN", "relu")


def test_types(tmp_path: Path) -> None:
    state = state_dict() | {"embed.W_E": state_dict()["embed.W_E"].astype("f2")}
    state["unembed.W_U"] = state["unembed.W_U"].astype("f8")
    stored = read(lensd.save_model(state, ATTENTION_ONLY, tmp_path / "toy") / "model.safetensors")
    assert stored["embed.W_E"][0] == "F16"
    assert stored["unembed.W_U"][0] == "F32"
    np.testing.assert_array_equal(stored["unembed.W_U"][1], state["unembed.W_U"].astype("f4"))
    strided = state | {"embed.W_E": np.asfortranarray(state["embed.W_E"]), "unembed.W_U": state["unembed.W_U"][::-1]}
    stored = read(lensd.save_model(strided, ATTENTION_ONLY, tmp_path / "strided") / "model.safetensors")
    np.testing.assert_array_equal(stored["embed.W_E"][1], state["embed.W_E"])
    np.testing.assert_array_equal(stored["unembed.W_U"][1], state["unembed.W_U"][::-1].astype("f4"))


def test_absent_biases_are_zeros(tmp_path: Path) -> None:
    state = {name: each for name, each in state_dict().items() if not name.split(".")[-1].startswith("b_")}
    stored = read(lensd.save_model(state, ATTENTION_ONLY, tmp_path / "toy") / "model.safetensors")
    assert not stored["blocks.1.attn.b_K"][1].any()
    assert set(stored) == set(state_dict())


def test_a_configuration_object(tmp_path: Path) -> None:
    class Config:
        def __init__(self) -> None:
            self.__dict__.update(ATTENTION_ONLY, dtype=float, attn_scale=np.float64(1.5), n_layers=np.int64(2))

        def to_dict(self) -> dict[str, Any]:
            return self.__dict__

    folder = lensd.save_model(state_dict(), Config(), tmp_path / "toy")
    config = json.loads((folder / "config.json").read_text())
    assert config["attn_scale"] == 1.5
    assert config["n_layers"] == 2
    assert "dtype" not in config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embed.W_E": None}, r"'embed.W_E' is missing; expected shape \[11, 12\]"),
        ({"embed.W_E": np.zeros((12, 11), "f4")}, r"'embed.W_E' must have shape \[11, 12\]; received \[12, 11\]"),
        ({"blocks.0.attn.W_q": np.zeros(1)}, "'blocks.0.attn.W_q' is no tensor .*near it: 'blocks.0.attn.W_Q'"),
        ({"blocks.0.mlp.W_in": np.zeros((12, 48))}, "'blocks.0.mlp.W_in' is no tensor"),
        ({"unembed.b_U": np.zeros(11, "i4")}, "'unembed.b_U' must be of type .*; received int32"),
        ({"unembed.b_U": [0.0] * 11}, "'unembed.b_U' must be a torch tensor or a NumPy array"),
        ({"unembed.b_U": np.full(11, np.nan)}, "'unembed.b_U' has values that are not finite"),
        ({"unembed.b_U": np.full(11, 1e300)}, "'unembed.b_U' has values that are .* too large for float32"),
    ],
)
def test_wrong_tensors(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    state = {name: each for name, each in {**state_dict(), **change}.items() if each is not None}
    with pytest.raises(lensd.InvalidArgument, match=message):
        lensd.save_model(state, ATTENTION_ONLY, tmp_path / "toy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_ctx": None}, r"cfg\['n_ctx'\] must be an integer over 0; received None"),
        ({"d_vocab": 11.0}, r"cfg\['d_vocab'\] must be"),
        ({"d_head": 5}, "d_model must be divisible by d_head; received 12 and 5"),
        ({"normalization_type": "ln"}, r"cfg\['normalization_type'\] must be .*; received 'ln'"),
        ({"eps": float("inf")}, r"cfg\['eps'\] must be finite"),
    ],
)
def test_wrong_configurations(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(lensd.InvalidArgument, match=message):
        lensd.save_model(state_dict(), {**ATTENTION_ONLY, **change}, tmp_path / "toy")
    with pytest.raises(lensd.InvalidArgument, match="n_layers, d_model is missing"):
        lensd.save_model({}, {"d_head": 3, "n_ctx": 7, "d_vocab": 11}, tmp_path / "toy")
    with pytest.raises(lensd.Unimplemented, match="mixtures of experts"):
        lensd.save_model({}, {**ATTENTION_ONLY, "num_experts": 4}, tmp_path / "toy")
    assert list(tmp_path.iterdir()) == []


def test_only_what_it_made_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    cfg = {**ATTENTION_ONLY, "d_vocab": 320, "d_vocab_out": 320}
    lensd.save_model(state_dict(cfg), cfg, folder, TOKENIZER / "tokenizer.json")
    assert (folder / "tokenizer.json").read_bytes() == (TOKENIZER / "tokenizer.json").read_bytes()
    lensd.save_model(state_dict(), ATTENTION_ONLY, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]

    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(lensd.InvalidArgument):
        lensd.save_model({}, ATTENTION_ONLY, folder)
    assert (folder / "model.safetensors").read_bytes() == before

    other = tmp_path / "notes"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "gpt_neo"}')
    with pytest.raises(lensd.AlreadyExists, match="is not empty"):
        lensd.save_model(state_dict(), ATTENTION_ONLY, other)
    with pytest.raises(lensd.AlreadyExists, match="is no folder"):
        lensd.save_model(state_dict(), ATTENTION_ONLY, other / "config.json")


def test_nobody_else_may_write_it(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        cfg = {**ATTENTION_ONLY, "d_vocab": 320, "d_vocab_out": 320}
        folder = lensd.save_model(state_dict(cfg), cfg, tmp_path / "toy", TOKENIZER)
    finally:
        os.umask(mask)
    assert len(list(folder.iterdir())) == 4
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o022 == 0, path


def test_tokenizers(tmp_path: Path) -> None:
    class Backend:
        def to_str(self) -> str:
            return (TOKENIZER / "tokenizer.json").read_text()

    class Fast:
        backend_tokenizer = Backend()
        bos_token = "<|endoftext|>"
        eos_token = None

    cfg = {**ATTENTION_ONLY, "d_vocab": 320, "d_vocab_out": 320}
    folder = lensd.save_model(state_dict(cfg), cfg, tmp_path / "backend", Backend())
    assert not (folder / "tokenizer_config.json").exists()
    folder = lensd.save_model(state_dict(cfg), cfg, tmp_path / "fast", Fast())
    assert json.loads((folder / "tokenizer_config.json").read_text()) == {"bos_token": "<|endoftext|>"}

    with pytest.raises(lensd.InvalidArgument, match=r"ids go up to \d+, but cfg\['d_vocab'\] is 11"):
        lensd.save_model(state_dict(), ATTENTION_ONLY, tmp_path / "small", TOKENIZER)
    with pytest.raises(lensd.NotFound, match="cannot read the tokenizer"):
        lensd.save_model(state_dict(), ATTENTION_ONLY, tmp_path / "none", tmp_path / "nothing.json")
    with pytest.raises(lensd.InvalidArgument, match=r"must be a tokenizer\.json"):
        lensd.save_model(state_dict(), ATTENTION_ONLY, tmp_path / "wrong", TOKENIZER / "config.json")
    with pytest.raises(lensd.InvalidArgument, match="tokenizer must be one of"):
        lensd.save_model(state_dict(), ATTENTION_ONLY, tmp_path / "wrong", 5)


def test_torch_tensors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = {name: torch.nn.Parameter(torch.from_numpy(each)) for name, each in state_dict().items()}
    state["embed.W_E"] = state["embed.W_E"].to(torch.bfloat16)
    state["unembed.W_U"] = torch.nn.Parameter(state["unembed.W_U"].detach().double().T.contiguous().T)
    stored = read(lensd.save_model(state, ATTENTION_ONLY, tmp_path / "toy") / "model.safetensors")
    assert stored["embed.W_E"][0] == "BF16"
    bits = state["embed.W_E"].detach().view(torch.int16).numpy().view("u2")
    np.testing.assert_array_equal(stored["embed.W_E"][1], bits)
    np.testing.assert_array_equal(stored["unembed.W_U"][1], state["unembed.W_U"].detach().float().numpy())
    state["embed.W_E"] = torch.full((11, 12), float("nan"), dtype=torch.bfloat16)
    with pytest.raises(lensd.InvalidArgument, match=r"'embed.W_E' has values that are not finite"):
        lensd.save_model(state, ATTENTION_ONLY, tmp_path / "nan")

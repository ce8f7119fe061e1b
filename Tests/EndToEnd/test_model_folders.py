"""Model folders that cannot be served: each a clear message, exit status 65, quickly."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon import Daemon, copy_model, refusal


def spoil_header(folder: Path, change: Callable[[dict], None]) -> None:
    """Rewrites the JSON header of the weights."""
    file = folder / "model.safetensors"
    data = file.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def spoil_config(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def first_tensor(header: dict) -> dict:
    return next(value for name, value in header.items() if name != "__metadata__")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def not_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"PK\x03\x04 a pickle in a zip" * 100)


def huge_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")


def fifo(folder: Path) -> None:
    no_weights(folder)
    os.mkfifo(folder / "model.safetensors")


def link_out(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    (folder / "model.safetensors").rename(elsewhere)
    (folder / "model.safetensors").symlink_to(elsewhere)


def world_writable(folder: Path) -> None:
    (folder / "model.safetensors").chmod(0o666)


def missing_tensor(folder: Path) -> None:
    def rename(header: dict) -> None:
        header["transformer.h.0.ln_9.weight"] = header.pop("transformer.h.0.ln_1.weight")

    spoil_header(folder, rename)


def overlapping(folder: Path) -> None:
    spoil_header(folder, lambda header: first_tensor(header).update(data_offsets=[0, 1 << 40]))


def unknown_type(folder: Path) -> None:
    spoil_header(folder, lambda header: first_tensor(header).update(dtype="Q4_K"))


def other_family(folder: Path) -> None:
    spoil_config(folder, architectures=["MambaForCausalLM"], model_type="mamba")


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def config_is_no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{'a': 1")


def config_of_another_shape(folder: Path) -> None:
    spoil_config(folder, hidden_size=json.loads((folder / "config.json").read_text())["hidden_size"] * 2)


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def tokenizer_is_no_json(folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(b"\xff\xfe")


def head_beside_embedding(folder: Path, changed: bool = False) -> None:
    """Puts a head beside the embedding that it is tied to, as some versions of transformers save it."""
    file = folder / "model.safetensors"
    data = file.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, tensors = json.loads(data[8 : 8 + length]), data[8 + length :]
    embedding = header["transformer.wte.weight"]
    start, end = embedding["data_offsets"]
    head = bytearray(tensors[start:end])
    head[-4] ^= changed
    header["lm_head.weight"] = embedding | {"data_offsets": [len(tensors), len(tensors) + len(head)]}
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + tensors + head)


def another_head(folder: Path) -> None:
    head_beside_embedding(folder, changed=True)


CASES: list[tuple[Callable[[Path], None], str]] = [
    (no_weights, "model.safetensors"),
    (truncated, "model.safetensors"),
    (empty, "model.safetensors"),
    (not_safetensors, "model.safetensors"),
    (huge_header, "model.safetensors"),
    (fifo, "model.safetensors"),
    (link_out, "model.safetensors"),
    (world_writable, "model.safetensors"),
    (missing_tensor, "transformer.h.0.ln_"),
    (overlapping, "model.safetensors"),
    (unknown_type, "Q4_K"),
    (other_family, "MambaForCausalLM"),
    (no_config, "config.json"),
    (config_is_no_json, "config.json"),
    (config_of_another_shape, "shape"),
    (no_tokenizer, "tokenizer.json"),
    (tokenizer_is_no_json, "tokenizer.json"),
    (another_head, "tensor 'lm_head.weight' is not the same as 'transformer.wte.weight'"),
]


@pytest.mark.parametrize(("spoil", "expected"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_spoilt_folder(folder: Path, spoil: Callable[[Path], None], expected: str) -> None:
    model = copy_model(folder / "model")
    spoil(model)
    started = time.monotonic()
    code, message = refusal("--state", str(folder / "s"), "--socket", str(folder / "k"), "--model", f"broken={model}")
    assert code == 65, message
    assert expected in message
    assert "broken" in message or str(model) in message
    assert time.monotonic() - started < 20
    assert not (folder / "k").exists()


@pytest.mark.parametrize("kind", ["absent", "file"])
def test_a_folder_that_is_none(folder: Path, kind: str) -> None:
    if kind == "file":
        (folder / kind).write_text("")
    code, message = refusal(
        "--state", str(folder / "s"), "--socket", str(folder / "k"), "--model", f"broken={folder / kind}"
    )
    assert code == 65
    assert str(folder / kind) in message


def test_a_head_that_is_the_embedding(daemon: Daemon) -> None:
    (daemon.state / "models").mkdir(mode=0o700)
    head_beside_embedding(copy_model(daemon.state / "models" / "both"))
    with daemon.connect() as client:
        losses = [client.model(name)([1, 2, 3], return_type="loss") for name in ("tiny", "both")]
        assert losses[0] == losses[1]

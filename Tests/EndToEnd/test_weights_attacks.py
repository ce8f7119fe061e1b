"""Spoilt model folders in the state of a daemon that serves: a named error soon, no memory, no harm to other models."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import lensd
import pytest

from daemon import Daemon, copy_model
from test_model_folders import CASES, first_tensor, spoil_config, spoil_header

INDEX = "model.safetensors.index.json"
# Of the daemon's computing, which a busy machine does not stretch; the wall only shows that nothing hangs.
COMPUTE_SECONDS = 1.0
WALL_SECONDS = 20.0
# What a request may add to the daemon's memory at most, the interpreter's and the sanitizers' noise included.
MEMORY_BYTES = 64 << 20

Spoil = Callable[[Path], None]


def rewrite(folder: Path, name: str, **values: object) -> None:
    """Sets keys of a JSON file."""
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def shard(folder: Path, **changes: object) -> None:
    """Makes the weights a single shard with an index, in which `changes` replace entries of the map."""
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    weights.rename(folder / "a.safetensors")
    names = {name: "a.safetensors" for name in header if name != "__metadata__"} | changes
    text = json.dumps({"metadata": {}, "weight_map": {name: file for name, file in names.items() if file is not None}})
    (folder / INDEX).write_text(text)


def first_name(folder: Path) -> str:
    """The name of a tensor."""
    data = (folder / "model.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    return next(name for name in header if name != "__metadata__")


def set_first(**values: object) -> Spoil:
    """Changes the description of a tensor."""
    return lambda folder: spoil_header(folder, lambda header: first_tensor(header).update(values))


def shards(**changes: object) -> Spoil:
    return lambda folder: shard(folder, **changes)


def config(**values: object) -> Spoil:
    return lambda folder: spoil_config(folder, **values)


def tokenizer(**values: object) -> Spoil:
    return lambda folder: rewrite(folder, "tokenizer.json", **values)


def nan(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + struct.pack("<f", float("nan")))


def sparse_weights(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 1 << 40)


def sparse(name: str) -> Spoil:
    return lambda folder: os.truncate(folder / name, 1 << 40)


def nested(name: str) -> Spoil:
    return lambda folder: (folder / name).write_text("[" * 1_000_000) and None


def replaced(name: str, how: Callable[[Path], object]) -> Spoil:
    """Puts something else in a file's place."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        how(folder / name)

    return spoil


def folder_is_a_link(folder: Path) -> None:
    elsewhere = folder.parent.parent / "elsewhere"
    folder.rename(elsewhere)
    elsewhere.chmod(0o777)
    folder.symlink_to(elsewhere)


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def missing_from_index(folder: Path) -> None:
    shard(folder, **{first_name(folder): None})


def in_an_absent_shard(folder: Path) -> None:
    shard(folder, **{first_name(folder): "b.safetensors"})


def in_two_shards(folder: Path) -> None:
    name = first_name(folder)
    shard(folder, extra="b.safetensors")
    header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / "b.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))


def index_is_no_json(folder: Path) -> None:
    shard(folder)
    (folder / INDEX).write_bytes(b"\xff\xfe")


def endless_merges(folder: Path) -> None:
    merges = [["a", "b"]] * 2_000_000
    model = json.loads((folder / "tokenizer.json").read_text())["model"] | {"merges": merges}
    rewrite(folder, "tokenizer.json", model=model)


ATTACKS: list[tuple[str, Spoil, str]] = [
    *((spoil.__name__, spoil, expected) for spoil, expected in CASES),
    ("a NaN", nan, "must be finite"),
    ("a sparse terabyte", sparse_weights, "model.safetensors"),
    ("a shape that overflows", set_first(shape=[1 << 62, 1 << 62]), "overflows"),
    ("a negative size", set_first(shape=[-1]), "shape must be in"),
    ("a shape of fractions", set_first(shape=[0.5]), "must be an integer"),
    ("a shape of nine axes", set_first(shape=[1] * 9), "at most 8"),
    ("offsets backwards", set_first(data_offsets=[8, 0]), "begin <= end"),
    ("one offset", set_first(data_offsets=[0]), "data_offsets"),
    ("offsets of strings", set_first(data_offsets=["0", "4"]), "data_offsets"),
    ("an unknown field", set_first(stride=[1]), "stride"),
    ("integers as weights", set_first(dtype="I32"), "I32"),
    ("a pickle in the daemon", pickled, "lensctl models import"),
    ("a link of a folder", folder_is_a_link, "writable"),
    ("a device as weights", replaced("model.safetensors", lambda path: path.symlink_to("/dev/zero")), "link"),
    ("a folder as weights", replaced("model.safetensors", lambda path: path.mkdir()), "regular file"),
    ("a FIFO as configuration", replaced("config.json", lambda path: os.mkfifo(path)), "FIFO"),
    ("a link as tokenizer", replaced("tokenizer.json", lambda path: path.symlink_to("/etc/passwd")), "link"),
    ("an index out of the folder", shards(extra="../elsewhere.safetensors"), "of the folder itself"),
    ("an index to the root", shards(extra="/etc/passwd"), "of the folder itself"),
    ("an index of a pickle", shards(extra="pytorch_model.bin"), "whose name ends in .safetensors"),
    ("an index of numbers", shards(extra=7), "must be a string"),
    ("an index of a tensor that is nowhere", shards(extra="a.safetensors"), "does not have it"),
    ("a tensor that the index lacks", missing_from_index, "does not know tensor"),
    ("a shard that is absent", in_an_absent_shard, "b.safetensors"),
    ("a tensor in two shards", in_two_shards, "b.safetensors"),
    ("an index that is no JSON", index_is_no_json, INDEX),
    ("a thousand shards", shards(**{f"t{n}": f"{n}.safetensors" for n in range(1000)}), "at most 256 shards"),
    ("a configuration of a terabyte", sparse("config.json"), "config.json may have at most"),
    ("a configuration nested deep", nested("config.json"), "nested deeper"),
    ("a model of negative width", config(hidden_size=-64), "hidden_size"),
    ("a model of endless width", config(hidden_size=10**18), "hidden_size"),
    ("a model of a million layers", config(num_layers=10**6), "num_layers"),
    ("a width of text", config(hidden_size="64"), "hidden_size"),
    ("heads that do not divide", config(num_heads=7), "num_heads"),
    ("no heads", config(num_heads=0), "num_heads"),
    ("an endless context", config(max_position_embeddings=10**7), "max_position_embeddings"),
    ("another vocabulary", config(vocab_size=17), "vocab"),
    ("a tokenizer of a terabyte", sparse("tokenizer.json"), "tokenizer.json may have at most"),
    ("a tokenizer nested deep", nested("tokenizer.json"), "nested deeper"),
    ("a tokenizer of another kind", tokenizer(model={"type": "Unigram", "vocab": []}), "Unigram"),
    ("a tokenizer without a model", tokenizer(model=None), "model"),
    ("merges without end", endless_merges, "tokenizer.json"),
]


def peak_memory(daemon: Daemon) -> int:
    """The most bytes that the process had."""
    assert daemon.process is not None
    status = Path(f"/proc/{daemon.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def computed(daemon: Daemon) -> float:
    """Seconds of processor time that the process has used."""
    assert daemon.process is not None
    fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def client(shared: Daemon) -> lensd.Client:
    return shared.connect()


@pytest.mark.parametrize(("spoil", "expected"), [case[1:] for case in ATTACKS], ids=[case[0] for case in ATTACKS])
def test_an_attack(shared: Daemon, client: lensd.Client, spoil: Spoil, expected: str) -> None:
    models = shared.state / "models"
    models.mkdir(exist_ok=True)
    name = f"bad-{len(list(models.iterdir()))}"
    good = client.model()
    tokens = good.to_tokens("Once upon a time")
    loss = good(tokens, return_type="loss")
    spoil(copy_model(models / name))
    before, busy, started = peak_memory(shared), computed(shared), time.monotonic()
    with pytest.raises(lensd.LensError) as caught:
        client.load_model(name)
    assert time.monotonic() - started < WALL_SECONDS
    assert computed(shared) - busy < COMPUTE_SECONDS
    assert expected in str(caught.value)
    assert peak_memory(shared) - before < MEMORY_BYTES
    assert good(tokens, return_type="loss") == loss
    assert client.models() == ["tiny"]


def test_there_are_enough() -> None:
    assert len(ATTACKS) >= 40

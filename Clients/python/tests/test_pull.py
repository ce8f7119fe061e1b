"""`python -m lensd.pull` against a hub on loopback: what is fetched, what is said, what is gone on from."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import COMMIT, Hub, serving
from reference import FIXTURES

from lensd.architectures import ARCHITECTURES

pytestmark = pytest.mark.skipif(importlib.util.find_spec("huggingface_hub") is None, reason="needs huggingface_hub")

MODEL = {path.name: path.read_bytes() for path in (FIXTURES / "gpt-neo-1l-16h").iterdir() if path.is_file()}
CONFIG = {name: MODEL[name] for name in ("config.json", "tokenizer.json", "tokenizer_config.json")}
# Over two of the pieces of 10 MiB that huggingface_hub writes.
LARGE = bytes(range(256)) * (24 << 12)  # 24 MiB
BROKEN_AFTER = 15 << 20
SEED = "roneneldan/TinyStories-1Layer-21M"


@pytest.fixture
def hub() -> Iterator[Hub]:
    repositories = {
        # Shipped as the seed's model is, with much beside that a model does not need.
        SEED: {
            **CONFIG,
            "pytorch_model.bin": b"PK and what torch.save wrote",
            "merges.txt": b"x",
            "vocab.json": b"{}",
            "special_tokens_map.json": b"{}",
            "generation_config.json": b"{}",
            "README.md": b"# A model",
            "training_args.bin": b"more of it",
            "onnx/model.onnx": b"and more",
        },
        "gpt2": {**CONFIG, "model.safetensors": MODEL["model.safetensors"], "pytorch_model.bin": b"PK"},
        "some/sharded": {
            "config.json": MODEL["config.json"],
            "vocab.json": b"{}",
            "merges.txt": b"",
            "model.safetensors.index.json": json.dumps(
                {"weight_map": {"a": "model-2.safetensors", "b": "model-1.safetensors", "c": "model-1.safetensors"}}
            ).encode(),
            "model-1.safetensors": b"one",
            "model-2.safetensors": b"two",
            "model-3.safetensors": b"of no use",
        },
        "some/incomplete": {
            "config.json": MODEL["config.json"],
            "pytorch_model.bin.index.json": b'{"weight_map": {"a": "pytorch_model-1.bin"}}',
        },
        "some/gguf": {"config.json": b"{}", "model.gguf": b""},
        "some/data": {"README.md": b""},
        "some/bert": {**CONFIG, "config.json": b'{"architectures": ["BertForMaskedLM"]}', "model.safetensors": LARGE},
        "some/nameless": {**CONFIG, "config.json": b"{}", "model.safetensors": LARGE},
        "some/sentencepiece": {
            "config.json": MODEL["config.json"],
            "tokenizer.model": b"",
            "model.safetensors": LARGE,
        },
    }
    with serving(Hub(repositories)) as server:
        yield server


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lensd.pull", *arguments]


def environment(hub: Hub, cache: Path) -> dict[str, str]:
    ours = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    return ours | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(cache), "HF_HUB_DISABLE_TELEMETRY": "1"}


def pull(hub: Hub, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, env=environment(hub, cache))


# One process for many downloads: huggingface_hub takes half a second to import, and reads HF_ENDPOINT only then.
SEVERAL = """
import json, sys
from lensd.errors import LensError
from lensd.pull import download
for name, revision in json.loads(sys.argv[1]):
    try:
        print(json.dumps({"folder": download(name, revision).folder}))
    except LensError as error:
        print(json.dumps({"code": error.code.name, "message": str(error)}))
"""


def downloads(hub: Hub, cache: Path, *wanted: tuple[str, str | None]) -> list[dict[str, str]]:
    """What became of several downloads."""
    text = subprocess.check_output(
        [sys.executable, "-c", SEVERAL, json.dumps(wanted)], text=True, timeout=120, env=environment(hub, cache)
    )
    return [json.loads(line) for line in text.splitlines()]


def files_of(done: subprocess.CompletedProcess[str]) -> dict[str, bytes]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    folder = Path(done.stdout.strip())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_only_what_a_model_needs(hub: Hub, tmp_path: Path) -> None:
    wanted = {*CONFIG, "special_tokens_map.json", "generation_config.json", "pytorch_model.bin"}
    answers = downloads(hub, tmp_path, ("tiny-stories-1L-21M", None), ("gpt2-small", "main"), ("some/sharded", None))
    bin_only, safetensors, sharded = (
        {path.name: path.read_bytes() for path in Path(each["folder"]).iterdir()} for each in answers
    )
    assert bin_only == {name: hub.repositories[SEED][name] for name in wanted}
    assert set(safetensors) == {*CONFIG, "model.safetensors"}
    assert set(sharded) == {
        *("config.json", "vocab.json", "merges.txt"),
        *("model.safetensors.index.json", "model-1.safetensors", "model-2.safetensors"),
    }


def test_the_list_is_the_daemons() -> None:
    source = FIXTURES.parents[1] / "Sources/LensCheckpoint/Import/KnownArchitectures.swift"
    names = re.findall(r'"(\w+)"', source.read_text().split("names = [")[1].split("]")[0])
    assert tuple(names) == ARCHITECTURES


def test_json(hub: Hub, tmp_path: Path) -> None:
    done = pull(hub, tmp_path, SEED, "--json", "--revision", "main")
    answer = json.loads(done.stdout)
    assert answer["repository"] == SEED
    assert answer["revision"] == COMMIT
    assert (Path(answer["folder"]) / "config.json").read_bytes() == MODEL["config.json"]
    assert "pytorch_model.bin" in answer["files"]
    done = pull(hub, tmp_path, "nobody/nothing", "--json")
    assert json.loads(done.stdout)["error"]["code"] == "NOT_FOUND"


def test_what_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    downloads(hub, tmp_path, (SEED, None), (SEED, COMMIT))
    assert len(hub.bytes_sent("pytorch_model.bin")) == 1


def test_errors(hub: Hub, tmp_path: Path) -> None:
    hub.gated.add("gpt2")
    expected = {
        ("nobody/nothing", None): ("NOT_FOUND", "no repository nobody/nothing at http://"),
        ("gpt3", None): ("NOT_FOUND", "'gpt3' is neither OWNER/NAME nor"),
        (SEED, "v9"): ("NOT_FOUND", f"{SEED} has no revision v9"),
        ("some/gguf", None): ("NOT_FOUND", "some/gguf has no weights (model.safetensors, "),
        ("some/data", None): ("NOT_FOUND", "some/data has no config.json"),
        ("some/incomplete", None): ("NOT_FOUND", "names pytorch_model-1.bin, which the repository does not have"),
        ("some/bert", None): ("UNIMPLEMENTED", "is of architecture ['BertForMaskedLM'], which is not supported"),
        ("some/nameless", None): ("INVALID_ARGUMENT", "some/nameless: config.json names no architecture"),
        ("some/sentencepiece", None): ("UNIMPLEMENTED", "has its tokenizer as tokenizer.model, and no tokenizer.json"),
        ("gpt2-small", None): ("PERMISSION_DENIED", "gpt2 is gated: accept its terms at http://"),
    }
    answers = downloads(hub, tmp_path, *expected)
    for answer, (code, message) in zip(answers, expected.values(), strict=True):
        assert answer["code"] == code
        assert message in answer["message"]
    # Said before the weights are fetched.
    assert hub.bytes_sent("model.safetensors") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: model"),
        ([SEED, "--revison", "x"], "unrecognized arguments: --revison"),
    ],
)
def test_bad_usage(hub: Hub, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = pull(hub, tmp_path, *arguments)
    assert done.returncode == 64
    assert message in done.stderr
    assert done.stdout == ""


def test_a_hub_that_does_not_answer(hub: Hub, tmp_path: Path) -> None:
    hub.endpoint = "http://127.0.0.1:9"
    done = pull(hub, tmp_path, SEED)
    assert done.returncode == 69
    assert "cannot reach http://127.0.0.1:9" in done.stderr


def test_what_cannot_fit(hub: Hub, tmp_path: Path) -> None:
    hub.sizes["pytorch_model.bin"] = 1 << 60
    done = pull(hub, tmp_path, SEED)
    assert done.returncode == 75
    assert "1048576.0 TiB are needed" in done.stderr
    assert hub.bytes_sent("pytorch_model.bin") == []


def test_without_huggingface_hub(hub: Hub, tmp_path: Path) -> None:
    code = "import sys; sys.modules['huggingface_hub'] = None; from lensd import pull; pull.finish('p', pull.main)"
    done = subprocess.run([sys.executable, "-c", code, SEED], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert 'this needs huggingface_hub: pip install "lensd[hub]"' in done.stderr


def test_an_answer_that_breaks_off_once(hub: Hub, tmp_path: Path) -> None:
    hub.repositories[SEED]["pytorch_model.bin"] = LARGE
    hub.broken["pytorch_model.bin"] = BROKEN_AFTER
    hub.breaks["pytorch_model.bin"] = 1
    assert files_of(pull(hub, tmp_path, SEED))["pytorch_model.bin"] == LARGE
    # Whoever goes on asks only for the rest.
    ranges = hub.bytes_sent("pytorch_model.bin")
    assert len(ranges) == 2
    assert ranges[0] is None
    assert ranges[1] is not None
    assert ranges[1].startswith("bytes=")
    assert not ranges[1].startswith("bytes=0-")


def test_ctrl_c_and_going_on(hub: Hub, tmp_path: Path) -> None:
    hub.repositories[SEED]["pytorch_model.bin"] = LARGE
    hub.stalled["pytorch_model.bin"] = BROKEN_AFTER
    process = subprocess.Popen(
        command(SEED), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(hub, tmp_path)
    )
    give_up = time.monotonic() + 30
    # The small files are whole, and only then is the large one broken off.
    while not (
        any(tmp_path.rglob("tokenizer.json")) and any(path.stat().st_size for path in tmp_path.rglob("*.incomplete"))
    ):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert out == ""
    assert "Traceback" not in error

    hub.stalled.clear()
    hub.requests.clear()
    assert files_of(pull(hub, tmp_path, SEED))["pytorch_model.bin"] == LARGE
    # Some versions of huggingface_hub begin a broken file anew, none a complete one.
    assert len(hub.bytes_sent("pytorch_model.bin")) == 1
    assert hub.bytes_sent("tokenizer.json") == []


def test_an_answer_that_always_breaks_off(hub: Hub, tmp_path: Path) -> None:
    hub.broken["config.json"] = 100
    done = pull(hub, tmp_path, SEED)
    assert done.returncode in (1, 69), done.stderr
    assert SEED in done.stderr or "cannot reach" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""

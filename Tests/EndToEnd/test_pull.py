"""`lensctl pull` from a hub on loopback: downloaded by Python, converted and registered here."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hub import COMMIT, Hub, serving

from daemon import BINARY, FIXTURES, Daemon, environment

pytestmark = pytest.mark.skipif(importlib.util.find_spec("huggingface_hub") is None, reason="needs huggingface_hub")

LENSCTL = BINARY.parent / "lensctl"
SEED = "roneneldan/TinyStories-1Layer-21M"
NAME = "tinystories-1layer-21m"
ORIGINAL = FIXTURES / "gpt-neo-2l-bf16"
# torch.save (2.13) of the tensors of gpt-neo-2l-bf16/model.safetensors.
WEIGHTS = (Path(__file__).parent / "pull" / "gpt-neo-2l-bf16.bin").read_bytes()


@pytest.fixture
def hub() -> Iterator[Hub]:
    names = ("config.json", "tokenizer.json", "tokenizer_config.json")
    texts = {name: (ORIGINAL / name).read_bytes() for name in names}
    repositories = {
        SEED: {**texts, "pytorch_model.bin": WEIGHTS, "training_args.bin": b"nothing that is read"},
        "some/safetensors": {**texts, "model.safetensors": (ORIGINAL / "model.safetensors").read_bytes()},
        "some/broken": {**texts, "pytorch_model.bin": WEIGHTS[: len(WEIGHTS) // 2]},
        "some/empty": {**texts, "model.safetensors": b""},
    }
    with serving(Hub(repositories)) as server:
        yield server


def places(hub: Hub, folder: Path, **more: str) -> dict[str, str]:
    ours = {key: value for key, value in environment().items() if not key.startswith(("HF_", "HUGGING"))}
    mine = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "hf"), "LENSD_STATE": str(folder / "state")}
    return ours | mine | {"LENSD_SOCKET": str(folder / "lensd.sock"), "LENSD_PYTHON": sys.executable} | more


def pull(hub: Hub, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [str(LENSCTL), "pull", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=places(hub, folder, **more))


def test_the_seeds_model(hub: Hub, folder: Path) -> None:
    """Pulled while the daemon is at work, the model is there for whoever names it."""
    daemon = Daemon(folder, "--model", f"original={ORIGINAL}").start()
    try:
        done = pull(hub, folder, "tiny-stories-1L-21M", "--name", "stories")
        assert done.returncode == 0, done.stderr
        assert SEED in done.stdout
        assert "lensctl --model stories run" in done.stdout
        assert not list((folder / "state" / "models" / "stories").glob("*.bin"))
        command = [str(LENSCTL), "--model", "stories", "study", "Once upon", "--json"]
        study = subprocess.run(command, capture_output=True, text=True, timeout=60, env=places(hub, folder))
        assert study.returncode == 0, study.stderr
        with daemon.connect() as client:
            original, pulled = client.model("original"), client.model("stories")
            tokens = original.to_tokens("Once upon")
            assert pulled.to_tokens("Once upon").tolist() == tokens.tolist()
            np.testing.assert_array_equal(pulled(tokens), original(tokens))
    finally:
        assert daemon.stop() == 0


def test_json_and_replacing(hub: Hub, folder: Path) -> None:
    done = pull(hub, folder, SEED, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert (answer["repository"], answer["revision"], answer["model"]) == (SEED, COMMIT, NAME)
    assert (Path(answer["folder"]) / "model.safetensors").is_file()

    hub.requests.clear()
    done = pull(hub, folder, SEED, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "ALREADY_EXISTS"
    assert "--replace" in done.stderr
    assert hub.requests == []
    assert pull(hub, folder, SEED, "--replace", "--revision", "main").returncode == 0
    assert pull(hub, folder, "some/safetensors").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nobody/nothing"], 65, "no repository nobody/nothing"),
        (["gpt3"], 65, "near it:"),
        ([SEED, "--revision", "v9"], 65, "has no revision v9"),
        ([SEED, "--name", "../x"], 64, "name"),
        (["some/broken"], 65, "pytorch_model.bin"),
        (["some/empty"], 65, "model.safetensors must begin with 8 bytes"),
        ([], 64, "model"),
        ([""], 64, "expected OWNER/NAME"),
        (["--revision"], 64, "--revision"),
    ],
)
def test_errors(hub: Hub, folder: Path, arguments: list[str], code: int, message: str) -> None:
    done = pull(hub, folder, *arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert not list((folder / "state" / "models").glob("*"))


def test_errors_in_json(hub: Hub, folder: Path) -> None:
    done = pull(hub, folder, "nobody/nothing", "--json")
    assert done.returncode == 65
    assert json.loads(done.stdout)["error"]["code"] == "NOT_FOUND"


def test_without_the_package(hub: Hub, folder: Path) -> None:
    bare = folder / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    bare.chmod(0o755)
    done = pull(hub, folder, SEED, LENSD_PYTHON=str(bare))
    assert done.returncode == 1
    assert "pip install './Clients/python[hub]'" in done.stderr
    done = pull(hub, folder, SEED, LENSD_PYTHON="/nonexistent/python")
    assert done.returncode == 1
    assert "cannot start Python as '/nonexistent/python'" in done.stderr


def test_ctrl_c(hub: Hub, folder: Path) -> None:
    hub.stalled["pytorch_model.bin"] = 1000
    process = subprocess.Popen(
        [str(LENSCTL), "pull", SEED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=places(hub, folder),
        start_new_session=True,
    )
    give_up = time.monotonic() + 60
    while not hub.bytes_sent("pytorch_model.bin"):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.02)
    # To lensctl alone, as `kill` sends it: it passes it on.
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in error
    give_up = time.monotonic() + 30
    while _is_alive(process.pid):
        assert time.monotonic() < give_up, "the download went on"
        time.sleep(0.02)
    assert not (folder / "state" / "models" / NAME).exists()


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

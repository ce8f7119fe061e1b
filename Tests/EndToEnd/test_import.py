"""lensctl models import: what a user has becomes a model of the daemon, and nothing in it runs."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import stat
import struct
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from daemon import BINARY, FIXTURES, TINY, Daemon, copy_model, environment
from test_model_folders import config_of_another_shape, spoil_config

LENSCTL = BINARY.parent / "lensctl"


def run(daemon: Daemon, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """lensctl with this daemon's socket and state."""
    command = [LENSCTL, "--socket", daemon.socket, "models", "import", *arguments]
    env = environment({"LENSD_STATE": str(daemon.state)})
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=env)


def folders(daemon: Daemon) -> list[str]:
    """What stands in the state's models, hidden or not."""
    models = daemon.state / "models"
    return sorted(os.listdir(models)) if models.exists() else []


# MARK: files of torch.save without torch


def string(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def integers(numbers: list[int]) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", number) for number in numbers) + b"t"


def tensor(key: str, shape: list[int]) -> bytes:
    """The pickle of a contiguous float32 tensor."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    count = struct.pack("<i", int(bool(shape)) and strides[0] * shape[0])
    storage = b"(" + string("storage") + b"ctorch\nFloatStorage\n" + string(key) + string("cpu") + b"J" + count + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    view = storage + b"K\0" + integers(shape) + integers(strides) + b"\x89" + hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + view + b"tR"


def archive(data: bytes, storages: list[bytes]) -> bytes:
    """A stored zip file as torch.save writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as whole:
        whole.writestr("x/data.pkl", data)
        for index, storage in enumerate(storages):
            whole.writestr(f"x/data/{index}", storage)
    return file.getvalue()


def pickled(folder: Path) -> Path:
    """A copy of the tiny model whose weights are a pytorch_model.bin."""
    copy_model(folder)
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    items, storages = b"", []
    for name, info in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = info["data_offsets"]
        items += string(name) + tensor(str(len(storages)), info["shape"])
        storages.append(data[start + begin : start + end])
    (folder / "pytorch_model.bin").write_bytes(archive(b"\x80\x02}(" + items + b"u.", storages))
    return folder


class Command:
    """Runs a command when Python unpickles it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.text,)


# MARK: tests


@pytest.mark.parametrize("source", ["safetensors", "pytorch_model.bin"])
def test_a_model_is_served_at_once(daemon: Daemon, folder: Path, source: str) -> None:
    make = pickled if source == "pytorch_model.bin" else copy_model
    model = make(folder / "My Model")
    done = run(daemon, model, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["model"], answer["served"]) == ("my-model", True)
    assert Path(answer["folder"]) == daemon.state / "models" / "my-model"
    with daemon.connect() as client:
        assert client.models() == ["tiny", "my-model"]
        tokens = client.model().to_tokens("Once upon a time")
        losses = [client.model(name)(tokens, return_type="loss") for name in ("tiny", "my-model")]
        assert losses[0] == losses[1]
    for file in (daemon.state / "models" / "my-model").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_a_name_is_taken(daemon: Daemon, folder: Path) -> None:
    model = copy_model(folder / "mine")
    assert run(daemon, model).returncode == 0
    again = run(daemon, model)
    assert again.returncode == 1
    assert "exists already; --replace replaces it" in again.stderr
    assert run(daemon, model, "--replace").returncode == 0
    assert run(daemon, model, "--name", "other").returncode == 0
    assert run(daemon, model, "--name", "No Name").returncode == 64
    assert folders(daemon) == ["mine", "other"]


def test_a_folder_for_the_administrator(daemon: Daemon, folder: Path) -> None:
    done = run(daemon, copy_model(folder / "mine"), "--out", folder / "made")
    assert done.returncode == 0
    assert "sudo lensctl models import" in done.stdout
    assert (folder / "made" / "model.safetensors").exists()
    assert folders(daemon) == []


def test_a_name_that_the_configuration_has(daemon: Daemon, folder: Path) -> None:
    """Its model comes first: an import would not be what is served."""
    model = copy_model(folder / "mine", FIXTURES / "gpt-neo-3l-local")
    with daemon.connect() as client:
        before = client.model("tiny").fingerprint
        for more in ([], ["--replace"]):
            done = run(daemon, model, "--name", "tiny", *more)
            assert done.returncode == 1
            assert "'tiny' is a model of the daemon's flags or configuration" in done.stderr
        assert folders(daemon) == []
        assert client.model("tiny").fingerprint == before


def test_what_the_daemon_does_not_run(daemon: Daemon, folder: Path) -> None:
    model = copy_model(folder / "mine")
    spoil_config(model, architectures=["BertForMaskedLM"])
    done = run(daemon, model)
    assert done.returncode != 0
    assert "not supported: architecture BertForMaskedLM" in done.stderr
    assert folders(daemon) == []


def test_what_the_daemon_refuses_is_not_kept(daemon: Daemon, folder: Path) -> None:
    spoilt = copy_model(folder / "spoilt")
    config_of_another_shape(spoilt)
    done = run(daemon, spoilt, "--name", "mine")
    assert done.returncode == 65
    assert "nothing of it is kept: " in done.stderr
    assert "expected shape" in done.stderr
    assert folders(daemon) == []
    # Nor is it in the way of a good one.
    assert run(daemon, copy_model(folder / "mine")).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root imports for others")
def test_root_imports_for_a_daemon_of_another_user(stopped: Daemon, folder: Path) -> None:
    stopped.state.mkdir(mode=0o700)
    os.chown(stopped.state, 4711, 4712)
    done = run(stopped, copy_model(folder / "mine"), "--json")
    assert done.returncode == 0, done.stderr
    models = stopped.state / "models"
    for path in (models, models / "mine", *(models / "mine").iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == (4711, 4712)


def test_the_folder_is_said_in_full(folder: Path) -> None:
    command = [LENSCTL, "models", "import", copy_model(folder / "mine"), "--out", "made/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=folder, env=environment({}))
    assert done.returncode == 0, done.stderr
    assert f"lensctl models import {folder}/made --name made" in done.stdout


def test_others_files_are_not_swept_away(daemon: Daemon, folder: Path) -> None:
    victim, shared = folder / "victim", folder / "shared"
    victim.mkdir()
    (victim / "thesis.txt").write_text("two years")
    shared.mkdir()
    (shared / "+importing-99999999-x").symlink_to(victim)
    (daemon.state / "models").mkdir(mode=0o700)
    (daemon.state / "models" / "+importing-99999999-x").symlink_to(victim)
    model = copy_model(folder / "mine")
    assert run(daemon, model, "--out", shared / "made").returncode == 0
    assert run(daemon, model).returncode == 0
    assert (victim / "thesis.txt").read_text() == "two years"


def test_without_a_daemon(stopped: Daemon, folder: Path) -> None:
    done = run(stopped, copy_model(folder / "mine"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["served"] is False
    assert folders(stopped) == ["mine"]


def test_nothing_in_a_pickle_runs(daemon: Daemon, folder: Path) -> None:
    model = copy_model(folder / "mine")
    (model / "model.safetensors").unlink()
    trace = folder / "trace"
    payload = {"w": Command(f"touch {trace}")}
    for data in (archive(pickle.dumps(payload, 2), []), archive(pickle.dumps(payload, 4), []), pickle.dumps(payload)):
        (model / "pytorch_model.bin").write_bytes(data)
        done = run(daemon, model)
        assert done.returncode == 65
        assert "posix.system" in done.stderr
        assert "pytorch_model.bin" in done.stderr
    assert not trace.exists()
    assert folders(daemon) == []


@pytest.mark.parametrize("kind", ["compressed", "truncated", "fifo", "empty", "endless"])
def test_bad_pickles_leave_nothing(daemon: Daemon, folder: Path, kind: str) -> None:
    model = pickled(folder / "mine")
    file = model / "pytorch_model.bin"
    data = file.read_bytes()
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "compressed":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
            bomb.writestr("x/data.pkl", b"N" * (1 << 28))
    elif kind == "endless":
        file.write_bytes(archive(b"\x80\x02" + b"(" * (15 << 20), []))
    else:
        file.write_bytes(data[: len(data) // 2] if kind == "truncated" else b"")
    started = time.monotonic()
    done = run(daemon, model)
    assert time.monotonic() - started < 2
    assert done.returncode in (1, 65)
    assert done.returncode == 65 or kind == "compressed"
    assert "pytorch_model.bin" in done.stderr or "data.pkl" in done.stderr
    assert folders(daemon) == []


def test_ctrl_c_leaves_nothing(daemon: Daemon, folder: Path) -> None:
    model = copy_model(folder / "mine")
    # Gigabytes of nothing: a hole in the source, zeros on their way.
    size = 4 << 30
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    weights = model / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", len(header)) + header)
    os.truncate(weights, 8 + len(header) + size)
    command = [LENSCTL, "--socket", daemon.socket, "models", "import", model]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment({"LENSD_STATE": str(daemon.state)}))
    while not folders(daemon):
        assert process.poll() is None
        time.sleep(0.005)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert folders(daemon) == []


def test_the_sources_are_untouched(daemon: Daemon) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in TINY.iterdir()}
    assert run(daemon, TINY, "--name", "copy").returncode == 0
    assert {path.name: path.stat().st_mtime_ns for path in TINY.iterdir()} == before

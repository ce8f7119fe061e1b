"""Edits by lensctl: against TransformerLens's results, in files, in JSON, after a restart, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daemon import FIXTURES, TINY, Daemon
from test_lensctl import STORY, ask, lensctl, refused

CASES = FIXTURES / "edits" / f"{TINY.name}.json"


def read_losses() -> Any:
    """Of every case, from the safetensors file beside the cases."""
    data = CASES.with_suffix(".safetensors").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    begin, end = json.loads(data[8:start])["loss"]["data_offsets"]
    return np.frombuffer(data[start + begin : start + end], "<f4")


def save_value(name: str, folder: Path, dtype: str) -> str:
    """Writes what a value of the fixtures stands for (see its README); numbers stay numbers."""
    if name[0] not in "vpt":
        return name
    seed, _, sizes = name[1:].partition("_")
    shape = [int(size) for size in sizes.split("x")]
    waves = ((np.arange(np.prod(shape)) * 37 + int(seed) * 11) % 61 - 30) / 32
    path = folder / f"{name}.npy"
    np.save(path, (waves if name[0] == "v" else 1 + waves / 2).reshape(shape).astype(dtype))
    return str(path)


@pytest.mark.parametrize("form", ["processed", "raw"])
def test_edits_are_those_of_transformer_lens(shared: Daemon, folder: Path, form: str) -> None:
    header, *records = json.loads(CASES.read_text())
    model = "tiny" if form == "processed" else "tiny@raw"

    def ids(name: str) -> str:
        return ",".join(map(str, header["prompts"][name]))

    runs = {}
    for run, made in header["runs"].items():
        edits = [part for line in made["edits"] for part in ("--edit", line)]
        runs[run] = ask(shared, "run", "--ids", ids(made["prompts"][0]), "--model", model, *edits)["run"]
    chosen = [
        (record, loss)
        for record, loss in zip(records, read_losses(), strict=True)
        if record["form"] == form
        and len(record["prompts"]) == 1
        and not any(word in line for line in record["edits"] for word in (" over=", "from=pair", "hook_tokens"))
    ]
    for number, (record, loss) in enumerate(chosen[::12] + chosen[-6:]):
        arguments = []
        for line in record["edits"]:
            action, hook, *rest = line.split()
            if rest and "=" not in rest[0]:
                rest[0] = save_value(rest[0], folder, "<f4" if number % 2 else "<f8")
            rest = [f"from={runs[part[5:]]}" if part.startswith("from=") else part for part in rest]
            arguments += ["--edit", " ".join([action, hook, *rest])]
        found = ask(shared, "run", "--ids", ids(record["prompts"][0]), "--model", model, *arguments)
        assert found["loss"] == pytest.approx(float(loss), abs=1e-5, rel=1e-5), record
        assert len(found["edits"]) == len(record["edits"])


def test_a_file_of_edits(shared: Daemon, folder: Path) -> None:
    edits = [
        {"action": "zero", "hook": "z", "layer": [0], "head": [1, 3], "pos": "2:"},
        {"action": "add", "hook": "resid_post0", "value": [0.5] * 64, "pos": -1},
        {"action": "scale", "hook": "mlp_out0", "value": 0.5},
    ]
    file = folder / "edits.json"
    file.write_text(json.dumps(edits))
    by_file = ask(shared, "run", STORY, "--edits", file, "--edit", "zero z0 head=8")
    assert by_file["edits"] == [*edits, {"action": "zero", "hook": "z0", "head": 8}]
    np.save(folder / "half.npy", np.full(64, 0.5))
    lines = ["zero z head=1,3 layer=0 pos=2:", f"add resid_post0 {folder}/half.npy pos=-1", "scale mlp_out0 0.5"]
    arguments = [part for line in [*lines, "zero z0 head=8"] for part in ("--edit", line)]
    by_lines = ask(shared, "run", STORY, *arguments)
    assert by_lines["loss"] == by_file["loss"]
    assert by_lines["loss"] != ask(shared, "run", STORY)["loss"]
    # What is echoed can be given again.
    again = folder / "again.json"
    again.write_text(json.dumps(by_lines["edits"]))
    assert ask(shared, "run", STORY, "--edits", again)["loss"] == by_file["loss"]


def test_means_and_patches_of_texts(shared: Daemon, folder: Path) -> None:
    corpus = folder / "corpus.txt"
    corpus.write_text("Tom saw Lily.\nTom saw the red cat.\n")
    plain = ask(shared, "run", STORY)
    assert "edits" not in plain
    mean = ask(shared, "run", STORY, "--edit", f"mean z0 head=8 over={corpus}")
    assert mean["loss"] != plain["loss"]
    # One's own text changes nothing.
    same = ask(shared, "run", STORY, "--edit", f"patch resid_post0 from_text='{STORY}'")
    assert same["loss"] == pytest.approx(plain["loss"], abs=1e-6)
    run = ask(shared, "run", STORY, "--edit", "zero hook_embed pos=3")["run"]
    patched = ask(shared, "run", STORY, "--edit", f"patch resid_post0 from={run[:12]}")
    assert patched["loss"] == pytest.approx(ask(shared, "run", STORY, "--edit", "zero hook_embed pos=3")["loss"])
    pattern = ask(shared, "attention", STORY, "--head", "3", "--edit", "mask pattern0 head=3 source=0")
    assert all(row[0] == 0 for row in pattern["heads"][0]["pattern"])


def test_edited_runs_answer_the_same_after_a_restart(daemon: Daemon) -> None:
    other = ask(daemon, "run", "Tom saw Lily.", "--edit", "scale attn_out0 0.5")["run"]
    edits = ["--edit", f"patch z0 head=1,3 pos=:4 from={other}", "--edit", "mean mlp_out0 pos=1:"]
    run = ask(daemon, "run", STORY, *edits)["run"]
    before = ask(daemon, "query", run, "resid_post0")["data"]
    shown = ask(daemon, "sessions", "show")["runs"][0]
    assert shown["run"] == run
    assert shown["edits"][0].startswith("patch blocks.0.attn.hook_z head=1,3 pos=:4 from=(")
    assert shown["edits"][1:] == ["mean blocks.0.hook_mlp_out pos=1:"]
    assert daemon.stop() == 0
    daemon.start()
    assert np.allclose(ask(daemon, "query", run, "resid_post0")["data"], before, rtol=1e-5, atol=1e-5)
    assert not np.allclose(ask(daemon, "query", ask(daemon, "run", STORY)["run"], "resid_post0")["data"], before)


@pytest.mark.parametrize(
    ("edit", "status", "words"),
    [
        ("zero z0 haed=8", 65, ["zero z0 haed=8", "'haed' is no word of an edit"]),
        ("zap z0", 65, ["zero, mean, set, add", "received 'zap'"]),
        ("zero z0 head=16", 65, ["head must be in 0...15; received 16"]),
        ("zero zz0", 65, ["no hook point 'zz0'", "near names"]),
        ("set z0 nan", 65, ["NaN"]),
        ("set z0 missing.npy", 65, ["missing.npy", "No such file"]),
        ("set z0 words.npy", 65, ["is no .npy file"]),
        ("set z0 large.npy", 65, ["at most", "1 MiB"]),
        ("set z0 three.npy", 65, ["broadcast", "received shape [3]"]),
        ("patch z0 from=ffffffffffff", 65, ["no run"]),
        ("swap z0 with=1", 65, ["prompt must be in 0...0; received 1"]),
        ("zero z0 pos=99:", 65, ["chooses none"]),
    ],
)
def test_what_is_refused(
    shared: Daemon, folder: Path, monkeypatch: pytest.MonkeyPatch, edit: str, status: int, words: list[str]
) -> None:
    monkeypatch.chdir(folder)
    Path("words.npy").write_text("not an array, but rather long for all that")
    np.save("large.npy", np.zeros(300_000, np.float32))
    np.save("three.npy", np.zeros(3))
    refused(lensctl("run", STORY, "--edit", edit, daemon=shared), status, *words)
    done = lensctl("run", STORY, "--edit", edit, "--json", daemon=shared)
    assert json.loads(done.stdout)["error"]["code"] in ("INVALID_ARGUMENT", "NOT_FOUND")


def test_edits_that_cancel_out_are_refused(shared: Daemon) -> None:
    done = lensctl("run", STORY, "--edit", "scale z0 2 head=1", "--edit", "zero z0", daemon=shared)
    refused(done, 65, "leaves nothing of 'scale' head=1")


def test_help_shows_an_example_of_every_action() -> None:
    text = lensctl("run", "--help").stdout.decode()
    for action in ("zero", "mean", "set", "add", "scale", "patch", "swap", "project", "mask"):
        assert f"\n  {action} " in text
    # ArgumentParser leaves its line of usage whole.
    assert max(len(line) for line in text.splitlines() if not line.startswith("USAGE")) <= 80

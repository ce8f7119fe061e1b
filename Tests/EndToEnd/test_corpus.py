"""`lensctl corpus`: a file of prompts into a file of rows, gone on with after whatever ends it."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lensd
import numpy as np
import pytest
from lensd import corpus
from lensd.corpus.edit_words import edit_of

from daemon import BINARY, Daemon, environment

LENSCTL = BINARY.with_name("lensctl")
WORDS = ["Tom", "saw", "Lily", "ball", "red", "the"]


def run(daemon: Daemon, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(daemon, *arguments), capture_output=True, text=True, timeout=120, env=places(**env))


def command(daemon: Daemon, *arguments: str) -> list[str]:
    return [str(LENSCTL), "--socket", str(daemon.socket), *arguments]


def places(**env: str) -> dict[str, str]:
    return environment({"LENSD_PYTHON": sys.executable, **env})


@pytest.fixture
def prompts(folder: Path) -> Path:
    """Texts and tokens, with a field of their own; long enough for an interruption to come in the middle."""
    path = folder / "prompts.jsonl"
    with path.open("w") as file:
        for at in range(200):
            given = {"tokens": [0, at % 90, 5]} if at % 3 == 0 else {"text": " ".join(WORDS[at % 6 :]) + " Tom"}
            file.write(json.dumps({**given, "at": at}) + "\n")
    return path


@pytest.mark.parametrize(("by", "kind"), [(signal.SIGINT, ".csv"), (signal.SIGKILL, ".jsonl")])
def test_interrupted_and_gone_on(daemon: Daemon, prompts: Path, by: signal.Signals, kind: str) -> None:
    """Interrupted in the middle, the file becomes the one of an uninterrupted run, byte for byte, and Python's."""
    out, whole, of_python = (prompts.with_name(name + kind) for name in ("out", "whole", "python"))
    asked = ("corpus", str(prompts), "--analysis", "ablation", "--kind", "mean", "--out")
    process = subprocess.Popen(command(daemon, *asked, str(out)), env=places())
    give_up_at = time.monotonic() + 60
    while not (out.exists() and out.stat().st_size > 2000):
        assert process.poll() is None
        assert time.monotonic() < give_up_at
        time.sleep(0.005)
    process.send_signal(by)
    assert process.wait(30) == (130 if by is signal.SIGINT else -by)
    # Nothing goes on in the background.
    size = out.stat().st_size
    time.sleep(0.2)
    assert out.stat().st_size == size
    done = run(daemon, "--json", *asked, str(out))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["prompts"], said["rows"], said["model"]) == (200, 200 * 16, "tiny")
    if by is signal.SIGINT:
        assert 0 < said["resumed"] < 200
    assert run(daemon, *asked, str(whole)).returncode == 0
    assert out.read_bytes() == whole.read_bytes()
    with daemon.connect() as client:
        corpus.write(client.model("tiny"), prompts, corpus.Ablation("mean"), of_python)
    assert rows(out) == rows(of_python)
    # Done is done, and what is asked of it now is another question.
    again = json.loads(run(daemon, "--json", *asked, str(out)).stdout)
    assert again["resumed"] == 200
    other = run(daemon, "--json", "corpus", str(prompts), "--out", str(out))
    assert other.returncode == 1
    assert json.loads(other.stdout)["error"]["code"] == "FAILED_PRECONDITION"
    assert "begun with another analysis" in other.stderr
    assert "--restart" in other.stderr
    assert run(daemon, "corpus", str(prompts), "--out", str(out), "--restart").returncode == 0
    assert len(rows(out)) == 200


def rows(path: Path) -> list[dict[str, object]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]


@pytest.mark.parametrize(
    ("arguments", "analysis"),
    [
        (("token-losses",), corpus.TokenLosses()),
        (("lens", "--pos", "-1", "--mid"), corpus.LogitLens(pos=-1, incl_mid=True)),
        (
            ("attribution", "--by", "head", "--answer", "T", "--wrong", "L"),
            corpus.LogitAttribution("T", "L", by="head"),
        ),
        (("reduction", "--hook", "pattern", "--to", "entropy"), corpus.Reduction("pattern", "entropy")),
        (
            ("why", "--layer", "0", "--head", "8", "--dest", "-1", "--relative"),
            corpus.WhyAttends(0, 8, -1, relative=True),
        ),
        (
            ("ablation", "--hook", "mlp_out", "--over", "layer,pos", "--metric", "prob", "--answer", "T"),
            corpus.Ablation(hook="mlp_out", over=("layer", "pos"), metric="prob", answer="T"),
        ),
        (("head-scores",), corpus.HeadScores()),
        (("head-kinds",), corpus.HeadKinds()),
        (
            ("detection", "--measure", "abs", "--exclude-bos", "--exclude-current"),
            corpus.DetectHeads(error_measure="abs", exclude_bos=True, exclude_current_token=True),
        ),
    ],
)
def test_rows_are_those_of_python(
    daemon: Daemon, folder: Path, arguments: tuple[str, ...], analysis: corpus.Analysis
) -> None:
    (folder / "a.txt").write_text("Tom saw Lily\n\nLily saw Tom and the ball\n")
    done = run(daemon, "corpus", str(folder / "a.txt"), "--out", str(folder / "a.jsonl"), "--analysis", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("rows of 2 prompts\n")
    with daemon.connect() as client:
        corpus.write(client.model("tiny"), folder / "a.txt", analysis, folder / "b.jsonl")
    assert (folder / "a.jsonl").read_bytes() == (folder / "b.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("words", "edit"),
    [
        ("zero z0 head=8", lensd.zero("z0", head=8)),
        ("scale resid_post 0.5 layer=0 pos=1:", lensd.scale("resid_post", 0.5, layer=0, pos=slice(1, None))),
        ("set mlp_out0 2 component=0,3", lensd.set_to("mlp_out0", 2, component=[0, 3])),
        ("add resid_pre0 {}.npy pos=-1", lensd.add("resid_pre0", np.arange(64.0), pos=-1)),
        ("project resid_post0 {}.npy", lensd.project("resid_post0", np.arange(64.0))),
        (
            "patch z0 from_text='Lily saw Tom' head=1 pos=0 from_pos=1",
            lensd.patch("z0", "Lily saw Tom", head=1, pos=0, from_pos=1),
        ),
        ("mean z0 over={}.txt", lensd.mean("z0", over=["Tom", "Lily"])),
        ("mask attn_scores0 source=0", lensd.mask("attn_scores0", source=0)),
    ],
)
def test_edits_in_words(shared: Daemon, folder: Path, words: str, edit: lensd.Intervention) -> None:
    (folder / "v.txt").write_text("Tom\nLily\n")
    np.save(folder / "v.npy", np.arange(64.0))
    done = run(shared, "--json", "run", "--ids", "0,5,7,9", "--edit", words.format(folder / "v"))
    assert done.returncode == 0, done.stdout
    said = json.loads(done.stdout)
    with shared.connect() as client:
        model = client.model()
        for each in (edit, edit_of(json.dumps(said["edits"][0]))):
            loss = model.run_with_interventions([0, 5, 7, 9], [each], "loss")
            assert float(loss) == pytest.approx(said["loss"], abs=1e-6)


@pytest.mark.parametrize(
    "words",
    [
        "[]",
        "{",
        '{"action": "zero"}',
        '{"action": "burn", "hook": "z0"}',
        '{"action": "zero", "hook": "z0", "value": 1}',
        '{"action": "zero", "hook": "z0", "colour": 1}',
        '{"action": "zero", "hook": "z0", "head": "a:b"}',
        '{"action": "set", "hook": "z0", "value": "/nowhere.npy"}',
    ],
)
def test_what_is_no_edit(words: str) -> None:
    with pytest.raises(lensd.InvalidArgument, match="in the edit "):
        edit_of(words)


@pytest.mark.parametrize(
    ("analysis", "made"),
    [
        (["lens", "--pos", "-1"], corpus.LogitLens(pos=-1, interventions=[lensd.zero("z0", head=8)])),
        (["ablation"], corpus.Ablation(interventions=[lensd.zero("z0", head=8)])),
        (["patching"], corpus.Patching(interventions=[lensd.zero("z0", head=8)])),
    ],
)
def test_analyses_under_edits(daemon: Daemon, folder: Path, analysis: list[str], made: corpus.Analysis) -> None:
    line = {"tokens": [0, 5, 7, 9], "corrupted": [0, 3, 3, 9], "answer": "T", "wrong": "L"}
    (folder / "a.jsonl").write_text(json.dumps(line) + "\n")
    asked = [
        "corpus",
        str(folder / "a.jsonl"),
        "--out",
        str(folder / "b.jsonl"),
        "--edit",
        "zero z0 head=8",
        "--analysis",
    ]
    done = run(daemon, *asked, *analysis)
    assert done.returncode == 0, done.stderr
    (folder / "edits.json").write_text('[{"action": "zero", "hook": "z0", "head": 8}]')
    with daemon.connect() as client:
        for name, each in (("python", made), ("plain", dataclasses.replace(made, interventions=()))):
            corpus.write(client.model(), folder / "a.jsonl", each, folder / f"{name}.jsonl")
    assert rows(folder / "b.jsonl") == rows(folder / "python.jsonl")
    assert rows(folder / "b.jsonl") != rows(folder / "plain.jsonl")
    again = run(daemon, "--json", *asked[:-3], "--edits", str(folder / "edits.json"), "--analysis", *analysis)
    assert json.loads(again.stdout)["resumed"] == 1, again.stderr
    # The same file with other edits is another question.
    other = run(daemon, *[word.replace("head=8", "head=7") for word in asked], *analysis)
    assert "begun with another analysis" in other.stderr


def test_patching_of_pairs(daemon: Daemon, folder: Path) -> None:
    line = {"tokens": [0, 5, 7, 9], "corrupted": [0, 3, 3, 9], "answer": "T", "wrong": "L"}
    (folder / "a.jsonl").write_text(json.dumps(line) + "\n")
    done = run(daemon, "corpus", str(folder / "a.jsonl"), "--out", str(folder / "a.csv"), "--analysis", "patching")
    assert done.returncode == 0, done.stderr
    with daemon.connect() as client:
        given = list(corpus.rows(client.model("tiny"), folder / "a.jsonl", corpus.Patching()))
    found = rows(folder / "a.csv")
    assert [float(str(row["delta"])) for row in found] == [row["delta"] for row in given]
    assert found[0]["corrupted"] == "[0, 3, 3, 9]"


def test_what_cannot_be(daemon: Daemon, folder: Path) -> None:
    (folder / "a.txt").write_text("Tom saw Lily\n")
    path, out = str(folder / "a.txt"), str(folder / "a.csv")
    for arguments, status, message in [
        (("--out", str(folder / "a.txt.gz")), 64, ".jsonl, .csv or .parquet"),
        (("--out", out, "--kind", "mean"), 64, "--kind is no option of --analysis losses"),
        (("--out", out, "--analysis", "why"), 64, "needs --layer"),
        (("--out", out, "--edit", "zero"), 65, "zero"),
        (("--out", out, "--edit", "burn z0"), 65, "burn"),
        (("--out", str(folder / "b.csv"), "--edit", "zero z0 head=99"), 65, "99"),
        (("--out", out, "--edit", "add resid_pre0 no.npy"), 65, "no.npy"),
        (("--out", out, "--analysis", "head-scores", "--edit", "zero z0"), 64, "--edit is no option of --analysis"),
        (("--out", str(folder / "nowhere" / "a.csv")), 65, "cannot write"),
        (("--out", out, "--model", "nobody"), 65, "nobody"),
        (("--out", out, "--socket", str(folder / "no.sock")), 69, "no.sock"),
    ]:
        done = run(daemon, "corpus", path, *arguments)
        assert (done.returncode, message in done.stderr) == (status, True), done.stderr
    bare = folder / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    bare.chmod(0o755)
    done = run(daemon, "corpus", path, "--out", out, LENSD_PYTHON=str(bare))
    assert done.returncode == 1
    assert "this needs the Python package lensd:" in done.stderr
    assert not os.path.exists(out)


def test_sweeps_take_tokens_from_a_corpus(daemon: Daemon, folder: Path) -> None:
    path = folder / "a.jsonl"
    path.write_text('{"tokens": [0, 5, 7, 9], "label": 1}\n{"tokens": [0, 3, 3]}\n')
    done = run(daemon, "--json", "ablate", "--corpus", str(path))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [[token["id"] for token in prompt] for prompt in said["tokens"]] == [[0, 5, 7, 9], [0, 3, 3]]
    with daemon.connect() as client:
        sweep = client.model("tiny").ablate_heads([[0, 5, 7, 9], [0, 3, 3]])
    assert said["baseline_loss"] == pytest.approx(float(sweep.baseline), abs=1e-6)
    path.write_text('{"tokens": [0, 5], "text": "both"}\n')
    done = run(daemon, "ablate", "--corpus", str(path))
    assert done.returncode == 65
    assert "line 1" in done.stderr

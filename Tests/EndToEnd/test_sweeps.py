"""Sweeps from the shell: `ablate` of other parts and by other metrics, `patch`."""

from __future__ import annotations

import csv
from pathlib import Path

import lensd
import pytest
from lensd import metrics

from daemon import Daemon
from test_lensctl import STORY, ask, lensctl, on_terminal

OTHER = "Ben saw the big dog. Ben saw the big box."


@pytest.fixture
def model(shared: Daemon) -> lensd.Model:
    return lensd.connect(str(shared.socket)).model()


def words(model: lensd.Model) -> list[str]:
    """Two texts that are one token each."""
    texts = [model.to_single_str_token(token) for token in range(60, 120)]
    plain = [text for text in texts if text.isalpha()]
    return [text for text in plain if len(model.to_tokens(text, prepend_bos=False)[0]) == 1][:2]


@pytest.mark.parametrize(
    ("what", "edits", "over"),
    [
        ("mlps", ["mlp_out"], "layer"),
        ("layers", ["attn_out", "mlp_out"], "layer"),
        ("positions", ["resid_pre"], ("layer", "pos")),
        ("neurons", ["post"], ("layer", "component")),
    ],
)
def test_other_parts(shared: Daemon, model: lensd.Model, what: str, edits: list[str], over: str) -> None:
    layer = ["--layer", "0"] if what == "neurons" else []
    reply = ask(shared, "ablate", STORY, "--what", what, *layer)
    sweep = model.sweep(STORY, [lensd.zero(name) for name in edits], over=over)
    (values,) = reply["metrics"]
    assert (values["metric"], reply["kind"]) == ("loss", "zero")
    assert [axis["axis"] for axis in reply["axes"]] == list(sweep.axes)
    assert values["baseline"] == pytest.approx(float(sweep.baseline), abs=1e-5)
    assert values["values"] == pytest.approx(sweep.loss.ravel().tolist(), abs=1e-5)


def test_heads_at_other_points_and_by_other_metrics(shared: Daemon, model: lensd.Model) -> None:
    reply = ask(shared, "ablate", STORY, "--hook", "v", "--kind", "mean")
    sweep = model.ablate_heads(STORY, kind="mean", hook="v")
    assert (reply["kind"], reply["hook"]) == ("mean", "v")
    assert [head["delta"] for head in reply["heads"]] == pytest.approx(sweep.delta.ravel().tolist(), abs=1e-5)
    answer, wrong = words(model)
    reply = ask(shared, "ablate", STORY, "--answer", answer, "--wrong", wrong, "--at", "-2")
    sweep = model.sweep(
        STORY, lensd.zero("z"), over=("layer", "head"), metrics=[metrics.logit_diff(answer, wrong, pos=-2)]
    )
    (values,) = reply["metrics"]
    assert values["metric"] == "logit_diff"
    assert values["values"] == pytest.approx(sweep.value.ravel().tolist(), abs=1e-4)


def test_resampling(shared: Daemon, model: lensd.Model, folder: Path) -> None:
    count = len(model.to_tokens(STORY)[0])
    source = model.to_tokens(OTHER + " " + OTHER)[0][:count]
    reply = ask(shared, "ablate", STORY, "--kind", "resample", "--source", OTHER + " " + OTHER)
    sweep = model.sweep(STORY, lensd.patch("z", source), over=("layer", "head"))
    assert reply["kind"] == "resample"
    assert [head["loss"] for head in reply["heads"]] == pytest.approx(sweep.loss.ravel().tolist(), abs=1e-5)
    (folder / "corpus.txt").write_text(f"{STORY}\n{STORY.replace('red', 'big')}\n")
    reply = ask(shared, "ablate", "--kind", "resample", "--corpus", folder / "corpus.txt")
    assert any(abs(head["delta"]) > 1e-4 for head in reply["heads"])
    done = lensctl("ablate", STORY, "--kind", "resample", "--source", "a", daemon=shared)
    assert done.returncode == 65
    assert b"shorter" in done.stderr


def test_pairs(shared: Daemon) -> None:
    reply = ask(shared, "ablate", "Tom saw", "--what", "pairs")
    assert reply["paired"]
    assert len(reply["metrics"][0]["values"]) == 256
    text = lensctl("ablate", "Tom saw", "--what", "pairs", daemon=shared).stdout.decode()
    assert "beyond the sum" in text
    assert max(map(len, text.splitlines())) <= 80


def test_patching(shared: Daemon, model: lensd.Model, folder: Path) -> None:
    clean, corrupted = "Tom saw the red ball.", "Tom saw the big ball."
    table = folder / "patch.csv"
    answer, wrong = words(model)
    reply = ask(shared, "patch", clean, corrupted, "--answer", answer, "--wrong", wrong, "--csv", table)
    metric = metrics.logit_diff(answer, wrong)
    sweep = model.sweep(corrupted, lensd.patch("resid_pre", clean), over=("layer", "pos"), metrics=[metric])
    (values,) = reply["metrics"]
    assert values["values"] == pytest.approx(sweep.value.ravel().tolist(), abs=1e-4)
    # Everything of the clean run before the first block is the clean run.
    assert reply["clean"] != pytest.approx(values["baseline"], abs=1e-4)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["value"]) for row in rows] == pytest.approx(values["values"])
    assert set(rows[0]) == {"layer", "pos", "value", "delta", "standard_error"}
    for what, by, axes in [
        ("z", "all", ["layer", "head"]),
        ("pattern", "pos", ["layer", "head", "pos"]),
        ("pattern", "entry", ["layer", "head", "pos", "source"]),
        ("mlp_out", "all", ["layer"]),
    ]:
        reply = ask(shared, "patch", clean, corrupted, "--what", what, "--by", by, "--metric", "kl")
        assert [axis["axis"] for axis in reply["axes"]] == axes


def test_patching_is_drawn(shared: Daemon) -> None:
    arguments = ["patch", STORY, STORY.replace("red", "big"), "--what", "resid_pre", "--metric", "kl"]
    plain = lensctl(*arguments, daemon=shared)
    assert plain.returncode == 0, plain.stderr
    lines = plain.stdout.decode().splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.lstrip().startswith("L0") for line in lines)
    assert "\x1b[" in on_terminal(shared, *arguments)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["patch", "a"], 64, ["corrupted"]),
        (["patch", "a b", "a b c d e f"], 65, ["tokens"]),
        (["patch", "a", "b", "--what", "nothing"], 64, ["--what"]),
        (["patch", "a", "b", "--by", "entry"], 64, ["entry"]),
        (["patch", "a", "b", "--metric", "logit"], 64, ["--answer"]),
        (["patch", "a", "b", "--answer", " ball and a cat"], 65, ["a single token"]),
        (["ablate", "a", "--what", "neurons"], 64, ["--layer"]),
        (["ablate", "a", "--kind", "resample"], 64, ["--source"]),
        (["ablate", "a", "--what", "mlps", "--html", "x.html"], 64, ["--html"]),
        (["ablate", "a", "--hook", "zed"], 65, ["zed"]),
    ],
)
def test_what_cannot_be_is_said(shared: Daemon, arguments: list[str], status: int, words: list[str]) -> None:
    done = lensctl(*arguments, daemon=shared)
    assert done.returncode == status, done.stderr
    for word in words:
        assert word in done.stderr.decode()

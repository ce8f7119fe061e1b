"""The ready analyses of a corpus, each against the call that it stands for."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Daemon

import lensd
from lensd import corpus
from lensd.corpus.__main__ import main
from lensd.corpus.choice import ANALYSES
from lensd.corpus.described import described

LAST = [0, 7, 7, 9]
PROMPTS = [{"tokens": [0, 4, 90, 4, 200, 31, 5], "label": "a"}, {"tokens": LAST, "label": "b"}]


@pytest.fixture
def local(client: lensd.Client) -> lensd.Model:
    return client.model("local")


def rows_of_last(model: lensd.Model, analysis: corpus.Analysis) -> list[dict[str, Any]]:
    """The rows of the second prompt, which say which it is."""
    rows = [row for row in corpus.rows(model, PROMPTS, analysis) if row["prompt"] == 1]
    assert rows
    assert {row["label"] for row in rows} == {"b"}
    return rows


def test_lens(local: lensd.Model) -> None:
    rows = rows_of_last(local, corpus.LogitLens(incl_mid=True))
    lens = local.logit_lens(LAST, top=1, incl_mid=True)
    assert len(rows) == len(lens.labels) * 4
    for row in rows:
        point = lens.labels.index(row["point"])
        place = (point, row["pos"])
        assert row["token"] == lens[0].tokens[row["pos"]]
        assert row["top"] == lens[0].top[point][row["pos"]][0]
        assert row["top_logprob"] == lens[0].top_logprobs[place][0]
        assert row["entropy"] == lens[0].entropies[place]
        assert row["divergence"] == lens[0].divergences[place]
        if row["pos"] == 3:
            assert np.isnan(row["next_logprob"])
            assert row["next_rank"] is None
        else:
            assert row["next_logprob"] == lens[0].next_logprobs[place]
            assert row["next_rank"] == lens[0].next_ranks[place]
    some = rows_of_last(local, corpus.LogitLens(layers=[2], pos=-1))
    assert [(row["point"], row["pos"]) for row in some] == [("2_pre", 3), ("final_post", 3)]


@pytest.mark.parametrize("by", ["layer", "head", "accumulated"])
def test_attribution(local: lensd.Model, by: Any) -> None:
    rows = rows_of_last(local, corpus.LogitAttribution(answer=31, wrong=5, by=by, pos=(0, -1)))
    split = local.logit_attribution(LAST, 31, 5, by=by, pos=(0, -1))
    assert [row["component"] for row in rows] == split.components * 2
    assert [row["term"] for row in rows] == split[0].terms.ravel().tolist()
    assert {row["pos"] for row in rows} == {0, 3}
    assert rows[-1]["total"] == split[0].totals[1]
    assert (rows[0]["answer"], rows[0]["wrong"]) == (split[0].answers[0], split[0].wrong[0])


def test_attribution_of_neurons(local: lensd.Model) -> None:
    rows = rows_of_last(local, corpus.LogitAttribution(by="neuron", top=4))
    split = local.logit_attribution(LAST, by="neuron", top=4)
    assert [(row["component"], row["term"]) for row in rows] == [
        (f"L{layer}N{neuron}", term) for layer, neuron, term in split[0].neurons[0]
    ]
    assert rows[0]["answer"] == split[0].answers[0]


def test_a_line_says_its_own_answer(local: lensd.Model) -> None:
    answers = [(31, 5), (8, 9)]
    given = [{"tokens": LAST, "answer": answer, "wrong": wrong} for answer, wrong in answers]
    rows = list(corpus.rows(local, given, corpus.LogitAttribution()))
    for line, (answer, wrong) in enumerate(answers):
        direct = local.logit_attribution(LAST, answer, wrong)
        mine = [row for row in rows if row["prompt"] == line]
        assert {row["total"] for row in mine} == {direct[0].totals[0]}
        assert {(row["answer"], row["wrong"]) for row in mine} == {(answer, wrong)}
    with pytest.raises(lensd.InvalidArgument, match="'answer'"):
        list(corpus.rows(local, given, corpus.LogitAttribution(answer=3)))


@pytest.mark.parametrize(
    ("hook", "reduction", "offset", "columns"),
    [
        ("pattern", "entropy", 0, ["head", "pos"]),
        ("pattern1", "mean", 0, ["head", "source"]),
        ("pattern", "diagonal_mean", -1, ["head"]),
        ("z0", "norm", 0, ["pos", "head"]),
        ("resid_post", "norm", 0, ["pos"]),
        ("post0", "max", 0, ["component"]),
    ],
)
def test_reduction(local: lensd.Model, hook: str, reduction: Any, offset: int, columns: list[str]) -> None:
    rows = rows_of_last(local, corpus.Reduction(hook, reduction, offset))
    (direct,) = local.reduce(LAST, hook, reduction, offset=offset)
    assert list(dict.fromkeys(row["hook"] for row in rows)) == [each.hook for each in direct]
    found = {each.hook: each.values for each in direct}
    assert len(rows) == sum(values.size for values in found.values())
    for row in rows:
        assert list(row) == ["prompt", "label", "hook", *columns, "value"]
        assert row["value"] == found[row["hook"]][tuple(row[name] for name in columns)]


def test_diagonals_and_largest_entries(local: lensd.Model) -> None:
    rows = rows_of_last(local, corpus.Reduction("pattern2", "diagonal", -2))
    _, cache = local.run_with_cache(LAST, remove_batch_dim=True)
    assert len(rows) == local.cfg.n_heads * 2
    for row in rows:
        assert row["value"] == pytest.approx(cache["pattern", 2][row["head"], row["pos"], row["pos"] - 2], abs=1e-6)
    for row in rows_of_last(local, corpus.Reduction("post0", "top", count=3)):
        assert row["value"] == pytest.approx(cache["post", 0].ravel()[row["index"]], abs=1e-6)


def test_why(local: lensd.Model) -> None:
    rows = rows_of_last(local, corpus.WhyAttends(2, 1, dest=None, detail="components", relative=True))
    split = local.why_attends(LAST, 2, 1, detail="components", relative=True)
    assert {(row["dest"], row["source"]) for row in rows} == {(a, b) for a in range(4) for b in range(a + 1)}
    for row in rows:
        place = (row["dest"], row["source"])
        assert row["term"] == split[row["query"], row["key"]][place]
        assert (row["score"], row["weight"]) == (split.scores[place], split.pattern[place])


def test_heads(local: lensd.Model) -> None:
    found = local.detect_heads(LAST, exclude_bos=True)
    for row in rows_of_last(local, corpus.DetectHeads(exclude_bos=True)):
        for kind, scores in found.items():
            assert row[kind] == scores[row["layer"], row["head"]]
    atlas = local.head_atlas(LAST, "mean", pairs=0)
    rows = rows_of_last(local, corpus.HeadKinds("mean"))
    assert len(rows) == len(atlas)
    for row, head in zip(rows, atlas, strict=True):
        assert (row["layer"], row["head"], row["delta"]) == (head.layer, head.head, head.delta)
        assert row["kinds"] == ", ".join(map(str, head.kinds))
        assert row["to_first"] == head.scores["to_first"]
        assert row["by_position"] + row["by_tokens"] + row["by_context"] == pytest.approx(1)


CORRUPTED = [0, 5, 7, 9]
PAIRS = [{"tokens": LAST, "corrupted": CORRUPTED, "answer": 31, "wrong": 5}]


def test_ablation_by_what_a_line_answers(local: lensd.Model) -> None:
    analysis = corpus.Ablation("mean", "mlp_out", ("layer", "pos"), "logit_diff")
    rows = list(corpus.rows(local, PAIRS, analysis))
    sweep = local.sweep(LAST, lensd.mean("mlp_out"), ("layer", "pos"), lensd.metrics.logit_diff(31, 5))
    assert [(row["layer"], row["pos"]) for row in rows] == [(layer, pos) for layer in range(3) for pos in range(4)]
    assert [row["delta"] for row in rows] == sweep.delta.ravel().tolist()
    given = list(corpus.rows(local, PAIRS, corpus.Ablation(metric="prob", answer=8)))
    assert given[5]["prob"] == local.sweep(LAST, lensd.zero("z"), ("layer", "head"), lensd.metrics.prob(8)).value[1, 1]
    with pytest.raises(lensd.InvalidArgument, match="logit_diff is of a token 'wrong'"):
        list(corpus.rows(local, PAIRS, corpus.Ablation(metric="logit_diff", answer=8)))


def test_patching_lines_of_pairs(local: lensd.Model) -> None:
    rows = list(corpus.rows(local, PAIRS, corpus.Patching("z", ("layer", "head"))))
    _, cache = local.run_with_cache(LAST)
    metric = lensd.metrics.logit_diff(31, 5)
    sweep = local.sweep(CORRUPTED, lensd.patch("z", cache), ("layer", "head"), metric)
    assert len(rows) == sweep.delta.size
    for row in rows:
        place = (row["layer"], row["head"])
        assert row["logit_diff"] == pytest.approx(sweep.value[place], abs=1e-5)
        assert row["delta"] == pytest.approx(sweep.delta[place], abs=1e-5)
        assert row["baseline"] == pytest.approx(sweep.baseline, abs=1e-5)
    logits = local(LAST)[0, -1]
    assert rows[0]["clean"] == pytest.approx(logits[31] - logits[5], abs=1e-4)
    assert rows[0]["baseline"] != pytest.approx(rows[0]["clean"], abs=1e-3)
    # All of the last position's stream is the clean prompt's answer.
    last = list(corpus.rows(local, PAIRS, corpus.Patching("resid_post")))[-1]
    assert last["logit_diff"] == pytest.approx(last["clean"], abs=1e-4)
    with pytest.raises(lensd.InvalidArgument, match="lines with a corrupted prompt"):
        list(corpus.rows(local, PROMPTS, corpus.Patching()))


EVERY = {
    "losses": [],
    "token-losses": [],
    "ablation": ["--kind=mean", "--hook=mlp_out", "--over=layer,pos", "--metric=prob", "--answer=a"],
    "patching": ["--hook=z", "--over=layer,head", "--answer=a", "--wrong=b"],
    "lens": ["--pos=-1", "--mid"],
    "attribution": ["--by=head", "--answer=a"],
    "reduction": ["--hook=pattern", "--to=diagonal", "--offset=-1"],
    "why": ["--layer=0", "--head=1", "--dest=2", "--relative"],
    "head-scores": [],
    "head-kinds": ["--kind=mean"],
    "detection": ["--measure=abs", "--exclude-bos"],
}
DIRECT: dict[str, corpus.Analysis] = {
    "losses": corpus.Losses(),
    "token-losses": corpus.TokenLosses(),
    "ablation": corpus.Ablation("mean", "mlp_out", ("layer", "pos"), "prob", "a"),
    "patching": corpus.Patching("z", ("layer", "head"), answer="a", wrong="b"),
    "lens": corpus.LogitLens(pos=-1, incl_mid=True),
    "attribution": corpus.LogitAttribution("a", by="head"),
    "reduction": corpus.Reduction("pattern", "diagonal", -1),
    "why": corpus.WhyAttends(0, 1, 2, relative=True),
    "head-scores": corpus.HeadScores(),
    "head-kinds": corpus.HeadKinds("mean"),
    "detection": corpus.DetectHeads(error_measure="abs", exclude_bos=True),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    lines = [{**prompt, "corrupted": [0, *reversed(prompt["tokens"][1:])]} for prompt in PROMPTS]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("name", ANALYSES)
def test_by_name_and_options(name: str, daemon: Daemon, model: lensd.Model, file: Path) -> None:
    out = file.with_name("named.jsonl")
    assert main([str(file), f"--analysis={name}", f"--out={out}", f"--socket={daemon.socket}", *EVERY[name]]) == 0
    corpus.write(model, file, DIRECT[name], file.with_name("direct.jsonl"))
    assert out.read_bytes() == file.with_name("direct.jsonl").read_bytes()
    # The file says what was asked: the same question asked from here goes on with it.
    assert corpus.write(model, file, DIRECT[name], out).resumed == len(PROMPTS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--kind=zero"], "--kind is no option of --analysis losses"),
        (["--analysis=reduction", "--hook=z0"], "--analysis reduction needs --to"),
        (["--analysis=lens", "--exclude-bos"], "--exclude-bos is no option of --analysis lens"),
        (["--analysis=dreams"], "invalid choice: 'dreams'"),
    ],
)
def test_options_of_another_analysis(
    arguments: list[str], message: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(file), "--out=out.csv", *arguments])
    assert ended.value.code == 64
    assert message in capsys.readouterr().err


def test_edits_are_told_apart_by_all_their_numbers() -> None:
    values = np.zeros(5000, np.float32)
    other = values.copy()
    other[2500] = 1e-6
    one, same, two = (
        described(corpus.Losses([lensd.add("resid_post0", given)])) for given in (values, values.tolist(), other)
    )
    assert one != two
    assert one == described(corpus.Losses((lensd.add("resid_post0", values.copy()),)))
    assert described(corpus.LogitLens(pos=[1, -1])) == (
        "LogitLens(layers=None, pos=(1, -1), incl_mid=False, interventions=())"
    )
    assert "0x" not in same
    assert described(partial(sorted, reverse=True)) != described(partial(sorted, reverse=False))

"""Analyses at the shell: what they print, and their JSON."""

from __future__ import annotations

import math

import lensd
import pytest

from daemon import Daemon
from test_lensctl import STORY, ask, lensctl


@pytest.mark.parametrize(
    "arguments",
    [
        ["why", STORY, "--layer", "0", "--head", "8"],
        ["lens", STORY],
        ["attribute", STORY, "--by", "head"],
        ["attribute", STORY, "--by", "accumulated", "--mid"],
        ["detect", STORY],
        ["detect", "--random", "20"],
        ["reduce", STORY, "pattern0", "--to", "entropy"],
    ],
)
def test_tables_fit_80_columns(shared: Daemon, arguments: list[str]) -> None:
    done = lensctl(*arguments, daemon=shared)
    assert done.returncode == 0, done.stderr.decode()
    output = done.stdout.decode()
    assert output.strip()
    assert max(len(line) for line in output.splitlines()) <= 80, output


def test_why_sums_to_the_score(shared: Daemon) -> None:
    split = ask(shared, "why", STORY, "--layer", "0", "--head", "8")
    assert split["components"] == ["embed", "pos_embed", "bias"]
    assert math.isclose(sum(map(sum, split["terms"])), split["score"], abs_tol=1e-4)
    model = lensd.connect(str(shared.socket)).model()
    _, cache = model.run_with_cache(STORY, None, remove_batch_dim=True)
    row = cache["attn_scores", 0][8, -1]
    # The source is the one that gets most attention where none is named.
    assert split["source"] == row.argmax()
    assert math.isclose(split["score"], row.max(), abs_tol=1e-4)


def test_attribution_sums_to_the_logit(shared: Daemon) -> None:
    parts = ask(shared, "attribute", STORY, "--by", "head")
    assert math.isclose(sum(each["value"] for each in parts["components"]), parts["logit"], abs_tol=1e-3)
    top = ask(shared, "run", STORY)["top"][0]["token"]
    assert parts["answer"][0]["token"] == top


def test_accumulated_streams_are_sums(shared: Daemon) -> None:
    streams = ask(shared, "attribute", STORY, "--by", "accumulated", "--mid")
    values = {each["name"]: each["value"] for each in streams["components"]}
    assert list(values) == ["0_pre", "0_mid", "final_post", "bias"]
    layers = ask(shared, "attribute", STORY)
    parts = {each["name"]: each["value"] for each in layers["components"]}
    assert math.isclose(values["0_pre"], parts["embed"] + parts["pos_embed"], abs_tol=1e-3)
    assert math.isclose(values["0_mid"], values["0_pre"] + parts["0_attn_out"], abs_tol=1e-3)
    assert math.isclose(values["final_post"] + values["bias"], streams["logit"], abs_tol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["attribute", STORY, "--mid"], 64, "--mid goes with --by accumulated"),
        (["attribute", STORY, "--wrong", " a"], 64, "--wrong goes with an --answer"),
        (["attribute", STORY, "--pos", "99"], 65, "received 99"),
        (["lens", STORY, "--top", "9999"], 65, "received 9999"),
        (["detect", "--random", "20", "--measure", "abs"], 64, "not with --random"),
        (["detect"], 64, "expected a prompt or --random"),
        (["why", STORY, "--layer", "0", "--head", "8", "--dest", "1", "--source", "3"], 65, "does not see position 3"),
        (["reduce", STORY, "resid_post", "--to", "diagonal"], 65, "received blocks.0.hook_resid_post"),
    ],
)
def test_wrong_uses_are_told(shared: Daemon, arguments: list[str], code: int, said: str) -> None:
    done = lensctl(*arguments, daemon=shared)
    assert done.returncode == code
    assert said in done.stderr.decode()
    assert not done.stdout


def test_lens_ends_at_the_prediction(shared: Daemon) -> None:
    lens = ask(shared, "lens", STORY, "--pos", "-1")
    top = ask(shared, "run", STORY)["top"][0]
    assert lens["top_ids"][-1][0][0] == top["id"]
    assert math.isclose(lens["top_logprobs"][-1][0][0], top["logprob"], abs_tol=1e-4)
    assert lens["divergence"][-1] == [0]
    assert lens["next_rank"][-1] == [-1]

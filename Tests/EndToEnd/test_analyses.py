"""Analyses at the shell: what they print, and their JSON."""

from __future__ import annotations

import math
from pathlib import Path

import lensd
import numpy as np
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
        ["heads", "--kind", "none", STORY],
        ["circuits"],
        ["circuits", "L0H3", "0.5", "--tokens", "a", "b"],
        ["compose"],
        ["models", "parameter"],
        ["models", "parameter", "W_E"],
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
    assert math.isclose(sum(parts["terms"]), parts["total"], abs_tol=1e-3)
    top = ask(shared, "run", STORY)["top"][0]["token"]
    assert parts["answer"][0]["token"] == top


def test_accumulated_streams_are_sums(shared: Daemon) -> None:
    streams = ask(shared, "attribute", STORY, "--by", "accumulated", "--mid")
    values = dict(zip(streams["components"], streams["terms"], strict=True))
    assert list(values) == ["0_pre", "0_mid", "final_post", "bias"]
    layers = ask(shared, "attribute", STORY)
    parts = dict(zip(layers["components"], layers["terms"], strict=True))
    assert math.isclose(values["0_pre"], parts["embed"] + parts["pos_embed"], abs_tol=1e-3)
    assert math.isclose(values["0_mid"], values["0_pre"] + parts["0_attn_out"], abs_tol=1e-3)
    assert math.isclose(values["final_post"] + values["bias"], streams["total"], abs_tol=1e-3)


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
        (["circuits", "L0H16"], 65, "received 16"),
        (["circuits", "H3"], 64, "H3"),
        (["circuits", "0.3", "--top", "101"], 64, "received 101"),
        (["circuits", "--smallest"], 64, "--smallest goes with"),
        (["circuits", "0.3", "--tokens", "several words"], 65, "single token"),
        (["compose", "--top", "0"], 64, "received 0"),
        (["models", "parameter", "blocks.0.attn.W_q"], 65, "blocks.0.attn.W_Q"),
        (["models", "parameter", "W_E[9999]"], 65, "9999"),
        (["models", "parameter", "W_E[0"], 65, "[0"),
        (["models", "parameter", "--out", "W.npy"], 64, "--out goes with"),
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


def test_circuits_are_those_of_the_weights(shared: Daemon) -> None:
    model = lensd.connect(str(shared.socket)).model()
    full = model.W_E @ model.OV @ model.W_U
    eigenvalues = full.eigenvalues[0]
    every = ask(shared, "circuits", "--kind", "ov")["heads"]
    assert [each["head"] for each in every] == list(range(model.cfg.n_heads))
    copying = eigenvalues.sum(-1).real / abs(eigenvalues).sum(-1)
    np.testing.assert_allclose([each["ov"]["score"] for each in every], copying, atol=1e-4)
    (head,) = ask(shared, "circuits", "L0H3", "--top", "5")["heads"]
    whole = full[0, 3].AB
    values = [entry["value"] for entry in head["ov"]["entries"]]
    np.testing.assert_allclose(values, np.sort(whole.ravel())[::-1][:5], atol=1e-4)
    first = head["ov"]["entries"][0]
    assert math.isclose(whole[first["row"]["id"], first["column"]["id"]], first["value"], abs_tol=1e-4)
    (smallest,) = ask(shared, "circuits", "0.3", "--kind", "qk", "--smallest", "--top", "1")["heads"]
    scale = 1.0 if not model.cfg.use_attn_scale else model.cfg.attn_scale**-1
    scores = scale * (model.W_E @ model.QK[0, 3] @ model.W_E.T).AB
    assert math.isclose(smallest["qk"]["entries"][0]["value"], scores.min(), abs_tol=1e-4)


def test_heads_of_one_layer_read_nothing_of_others(shared: Daemon) -> None:
    done = lensctl("compose", "--kind", "v", daemon=shared)
    assert done.returncode == 0
    assert "one layer" in done.stdout.decode()
    assert ask(shared, "compose")["pairs"] == []


def test_parameters_are_shown_and_written(shared: Daemon, tmp_path: Path) -> None:
    model = lensd.connect(str(shared.socket)).model()
    path = tmp_path / "W.npy"
    shown = ask(shared, "models", "parameter", "blocks.0.attn.W_Q[3, :, ::2]", "--out", str(path))
    expected = model.W_Q[0, 3, :, ::2]
    np.testing.assert_array_equal(np.load(path), expected)
    assert shown["shape"] == list(expected.shape)
    np.testing.assert_allclose(shown["corner"], expected[:3, :3], rtol=1e-6)
    assert math.isclose(shown["norm"], np.linalg.norm(expected), rel_tol=1e-5)
    listed = ask(shared, "models", "parameter")["parameters"]
    assert {each["name"]: tuple(each["shape"]) for each in listed} == model.parameter_shapes


def test_the_atlas_says_what_copies(shared: Daemon) -> None:
    atlas = ask(shared, "heads", "--kind", "none", STORY)
    circuits = ask(shared, "circuits", "--kind", "ov")["heads"]
    assert [head["copying"] for head in atlas["heads"]] == [each["ov"]["score"] for each in circuits]

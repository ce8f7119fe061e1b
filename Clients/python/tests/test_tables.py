"""Results in pandas and xarray, and drawn by matplotlib: shapes, labels, values."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lensd
from lensd import metrics

PROMPTS = ["Tom saw the red ball", "Lily"]


@pytest.fixture
def local(client: lensd.Client) -> lensd.Model:
    return client.model("local")


def sweep_of(model: lensd.Model) -> lensd.Sweep:
    return model.sweep(PROMPTS, lensd.zero("z"), over=("layer", "head"), metrics=[metrics.loss(), metrics.kl()])


def test_a_sweep_as_labelled_arrays(local: lensd.Model) -> None:
    pytest.importorskip("xarray")
    sweep = sweep_of(local)
    data = sweep.to_xarray()
    assert dict(data.sizes) == {"layer": 3, "head": 4, "prompt": 2}
    assert float(data["kl_delta"].sel(layer=2, head=1)) == sweep["kl"].delta[2, 1]
    assert data["loss_prompt_value"].dims == ("prompt", "layer", "head")
    np.testing.assert_array_equal(data["loss_prompt_value"], sweep["loss"].prompt_values)
    assert data.attrs["loss_baseline"] == float(sweep.baseline)
    assert data.attrs["hook"] == "z"
    pairs = local.sweep(PROMPTS, lensd.zero("mlp_out"), over="layer", pairs=True).to_xarray()
    assert pairs["delta"].dims == ("layer", "other_layer")
    tokens = local.sweep(PROMPTS, lensd.zero("mlp_out"), over="layer", metrics=metrics.token_loss()).to_xarray()
    assert tokens["prediction_value"].dims == ("prediction", "layer")


def test_activations_as_labelled_arrays(local: lensd.Model) -> None:
    pytest.importorskip("xarray")
    _, cache = local.run_with_cache(PROMPTS, names_filter=lambda name: True)
    description = local.describe()
    sizes = {"pos": int(cache.lengths.max()), "source_pos": int(cache.lengths.max())}
    for point in description.hooks:
        if point.on_demand:
            continue
        name = next(iter(point.names()))
        array = cache.to_xarray(name)
        assert array.dims[0] == "batch"
        expected = tuple(size or sizes[axis] for axis, size in zip(point.axes, point.shape, strict=True))
        assert array.shape[1:] == expected
        named = [axis.removeprefix("n_").rstrip("s") if axis == "n_heads" else axis for axis in point.axes]
        known = {"source_pos": "source", "n_key_value_heads": "head", "": "scale"}
        assert list(array.dims[1:]) == [known.get(axis, axis) for axis in named], name
    assert cache.to_xarray("pattern0").coords["length"].values.tolist() == cache.lengths.tolist()
    _, single = local.run_with_cache(PROMPTS[0], remove_batch_dim=True)
    assert single.to_xarray("pattern0").dims == ("head", "pos", "source")


def test_tables(local: lensd.Model) -> None:
    pandas = pytest.importorskip("pandas")
    _, cache = local.run_with_cache(PROMPTS)
    lengths = cache.lengths.tolist()
    table = cache.to_pandas("pattern1")
    assert list(table.columns) == ["batch", "head", "pos", "source", "value"]
    assert len(table) == 4 * sum(length * length for length in lengths)
    row = table[(table.batch == 1) & (table["head"] == 2) & (table.pos == 1) & (table.source == 0)]
    assert row["value"].item() == cache["pattern1"][1, 2, 1, 0]
    run = local.run(PROMPTS)
    losses = run.to_pandas()
    assert len(losses) == sum(lengths)
    assert losses["token"].tolist() == [token for row in run.str_tokens for token in row]
    assert losses["loss"].isna().sum() == 2
    scores = local.head_scores(PROMPTS).to_pandas()
    assert isinstance(scores, pandas.DataFrame)
    assert scores[["layer", "head"]].to_numpy().tolist() == [[layer, head] for layer in range(3) for head in range(4)]


def test_analyses_as_tables(local: lensd.Model) -> None:
    pytest.importorskip("pandas")
    split = local.why_attends(PROMPTS[1], 1, 2)
    table = split.to_pandas()
    seen = int(np.isfinite(split.scores).sum())
    assert len(table) == seen * len(split.components) ** 2
    sums = table.groupby(["dest", "source"])["value"].sum()
    assert sums[2, 1] == pytest.approx(split.scores[2, 1], abs=1e-4)
    lens = local.logit_lens(PROMPTS, tokens="a")
    table = lens.to_pandas()
    assert len(table) == len(lens.points) * sum(len(each.tokens) for each in lens.prompts)
    row = table[(table.prompt == 1) & (table.point == "1_pre") & (table.pos == 2)]
    assert row["top"].item() == lens[1].top[1][2][0]
    assert row["rank of 'a'"].item() == lens[1].token_ranks[1, 2, 0]
    parts = local.logit_attribution(PROMPTS, "a", by="neuron", top=3)
    table = parts.to_pandas()
    assert len(table) == 2 * (len(parts.components) + 3)
    own = table[(table.prompt == 0) & table.component.isin(parts.components)]
    assert own["value"].sum() == pytest.approx(parts[0].totals[0], abs=1e-4)
    found = local.detect_heads(PROMPTS).to_pandas()
    assert list(found.columns) == ["layer", "head", "previous_token_head", "duplicate_token_head", "induction_head"]
    reduced = local.reduce(PROMPTS, "pattern", "entropy")
    table = reduced.to_pandas()
    assert list(table.columns) == ["prompt", "hook", "head", "pos", "value"]
    assert len(table) == sum(each.values.size for prompt in reduced for each in prompt)
    assert list(local.reduce(PROMPTS, "z0", "top", count=3).to_pandas().columns) == ["prompt", "hook", "index", "value"]
    atlas = local.head_atlas(PROMPTS)
    table = atlas.to_pandas()
    assert table["delta"].tolist() == [head.delta for head in atlas]
    assert table["to_previous"].tolist() == [head.scores["to_previous"] for head in atlas]
    assert table["copying"].tolist() == [head.copying for head in atlas]
    circuit = local.circuit(0, 1, top=7)
    assert list(circuit.to_pandas().itertuples(index=False, name=None)) == list(circuit.entries)
    assert list(local.circuit(0, 1, top=0).to_pandas().columns) == ["row", "column", "value"]
    circuits = local.circuits("qk")
    assert circuits.to_pandas()["score"].tolist() == [each.score for each in circuits]
    table = local.composition_scores("V").to_pandas()
    assert len(table) == 3 * 16
    assert table["score"].is_monotonic_decreasing
    assert (table["layer"] < table["later_layer"]).all()


def test_analyses_as_labelled_arrays(local: lensd.Model) -> None:
    pytest.importorskip("xarray")
    split = local.why_attends(PROMPTS[0], 1, 2, detail="layers")
    data = split.to_xarray()
    assert data["terms"].dims == ("query", "key", "dest", "source")
    np.testing.assert_array_equal(data["terms"].sel(query="embed", key="0_mlp_out"), split["embed", "0_mlp_out"])
    lens = local.logit_lens(PROMPTS, tokens=["a", "b"])
    data = lens.to_xarray(1)
    assert float(data["token_logprobs"].sel(point="1_pre", pos=2, token="b")) == lens[1].token_logprobs[1, 2, 1]
    parts = local.logit_attribution(PROMPTS, by="head").to_xarray(1)
    assert parts.dims == ("pos", "component")
    assert local.induction_scores(length=4, batch=1).to_xarray()["induction"].shape == (3, 4)
    composition = local.composition_scores("Q")
    found = composition.to_xarray().sel(layer=0, head=1, later_layer=2, later_head=3)
    assert float(found) == composition.scores[0, 1, 2, 3]


def test_figures_give_their_axes(local: lensd.Model) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    sweep = sweep_of(local)
    axes = sweep.plot()
    np.testing.assert_array_equal(axes.images[0].get_array(), sweep.delta)
    own = pyplot.subplots()[1]
    assert sweep.plot("kl", ax=own) is own
    layers = local.sweep(PROMPTS, lensd.zero("mlp_out")).plot()
    assert [bar.get_height() for bar in layers.patches] == pytest.approx(
        local.sweep(PROMPTS, lensd.zero("mlp_out")).delta.tolist()
    )
    run = local.run("Tom costs $5 or $6\n")
    assert len(run.plot().patches) == len(run.tokens[0]) - 1
    _, cache = local.run_with_cache(PROMPTS)
    grid = cache.plot(1, prompt=1)
    assert grid[0, 0].images[0].get_array().shape == (cache.lengths[1],) * 2
    single = cache.plot(head=2)
    np.testing.assert_array_equal(single.images[0].get_array(), cache["pattern", -1][0, 2])
    assert local.head_scores(PROMPTS).plot().shape == (13,)
    split = local.why_attends(PROMPTS[0], 1, 2)
    np.testing.assert_array_equal(split.plot(("embed", "bias")).images[0].get_array(), split["embed", "bias"])
    assert split.plot().images[0].get_array().shape == (len(split.components),) * 2
    lens = local.logit_lens("$5 or $6\n")
    np.testing.assert_array_equal(lens.plot("entropy").images[0].get_array(), lens[0].entropies)
    assert len(lens.plot().texts) == lens[0].entropies.size
    with pytest.raises(lensd.InvalidArgument, match="shown"):
        lens.plot("loss")  # type: ignore[arg-type]
    parts = local.logit_attribution(PROMPTS[0], by="head")
    assert [bar.get_height() for bar in parts.plot().patches] == pytest.approx(parts[0].terms[0].tolist())
    assert local.logit_attribution(PROMPTS[0], pos=range(4)).plot().images
    assert local.detect_heads(PROMPTS).plot().shape == (3,)
    assert local.induction_scores(length=4, batch=1).plot().shape == (1,)
    assert local.reduce(PROMPTS, "resid_post", "norm").plot().images
    assert local.reduce(PROMPTS, "pattern", "entropy").plot().shape == (3,)
    assert len(local.head_atlas(PROMPTS).plot().patches) == 12
    _draw_all(pyplot)
    circuit = local.circuit(0, 1)
    assert circuit.plot().collections[0].get_offsets().shape == (local.cfg.d_head, 2)
    assert len(local.circuits("qk").plot().patches) == 12
    assert local.composition_scores("K").plot().images[0].get_array().shape == (8, 8)
    _draw_all(pyplot)


def _draw_all(pyplot: Any) -> None:
    for number in pyplot.get_fignums():
        pyplot.figure(number).canvas.draw()
    pyplot.close("all")


@pytest.mark.parametrize(
    ("package", "name", "call"),
    [
        ("pandas", "pandas", lambda model: sweep_of(model).to_pandas()),
        ("xarray", "xarray", lambda model: sweep_of(model).to_xarray()),
        ("matplotlib", "plot", lambda model: sweep_of(model).plot()),
        ("tqdm", "tqdm", lambda model: model.ablate_heads("ab", progress=True)),
    ],
)
def test_what_is_not_installed_is_named(
    local: lensd.Model, monkeypatch: pytest.MonkeyPatch, package: str, name: str, call: Callable[[Any], Any]
) -> None:
    real = builtins.__import__

    def without(module: str, *rest: Any, **more: Any) -> Any:
        if module.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}")
        return real(module, *rest, **more)

    for module in [each for each in sys.modules if each.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(lensd.FailedPrecondition, match=rf'pip install "lensd\[{name}\]"'):
        call(local)

"""One edit in many places, each alone, and what each does to the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from lensd._proto import sweeps_pb2 as wire
from lensd.arrays import Array, Arrays
from lensd.errors import Internal, InvalidArgument
from lensd.metrics import KINDS, Metric

if TYPE_CHECKING:
    import pandas
    import xarray

Axis = Literal["layer", "head", "pos", "source", "component"]

_AXES: dict[Axis, wire.SweepAxis] = {
    "layer": wire.SWEEP_AXIS_LAYER,
    "head": wire.SWEEP_AXIS_HEAD,
    "pos": wire.SWEEP_AXIS_POSITION,
    "source": wire.SWEEP_AXIS_SOURCE,
    "component": wire.SWEEP_AXIS_COMPONENT,
}


@dataclass(frozen=True)
class MetricValues:
    """One metric of a sweep, float64; `shape` is the sweep's, of pairs its axes twice."""

    metric: Metric
    # Of the unedited run, []: the mean over all predictions (losses) or over the prompts (others).
    baseline: Array
    # The same of each edited run, [*shape].
    value: Array
    # `value - baseline`, [*shape].
    delta: Array
    # Of delta, paired over the predictions (losses) or the prompts (others); NaN with fewer than two.
    standard_error: Array
    # Of each prompt alone (of `token_loss`, of each prediction): [prompt] and [prompt, *shape].
    prompt_baselines: Array
    prompt_values: Array


@dataclass(frozen=True)
class Sweep:
    """What a sweep found. `sweep["logit_diff"]` are one metric's values; the attributes are the first metric's."""

    model: str
    fingerprint: str
    # The action, such as "zero", and the short names of the points that were edited, joined by "+".
    kind: str
    hook: str
    # What each axis goes through, outermost first.
    axes: dict[Axis, list[int]]
    paired: bool
    # The tokens of each prompt as they were run.
    str_tokens: list[list[str]]
    metrics: list[MetricValues]
    # The sweep's id in the session; None where it was not recorded.
    run_id: str | None

    @classmethod
    def of(cls, header: wire.SweepReply, parts: Iterable[wire.SweepValues], arrays: Arrays) -> Sweep:
        """Puts a reply together. Raises `Internal` where values are missing."""
        names = {number: name for name, number in _AXES.items()}
        axes = {names[axis.axis]: list(axis.entries) for axis in header.axes}
        shape = tuple(len(entries) for entries in axes.values()) * (2 if header.paired else 1)
        pieces: list[list[wire.SweepValues]] = [[] for _ in header.metrics]
        for part in parts:
            pieces[part.metric].append(part)
        return cls(
            model=header.model.name.decode() + ("@raw" if header.model.raw else ""),
            fingerprint=header.model.fingerprint.decode(),
            kind=header.action.decode(),
            hook="+".join(hook.decode() for hook in header.hooks),
            axes=axes,
            paired=header.paired,
            str_tokens=[[token.text.decode() for token in prompt.tokens] for prompt in header.tokens],
            metrics=[_values(each, own, shape, arrays) for each, own in zip(header.metrics, pieces, strict=True)],
            run_id=header.run_id.decode() or None,
        )

    def __getitem__(self, metric: str) -> MetricValues:
        """The first metric of a kind. Raises `KeyError` where the sweep has none."""
        for values in self.metrics:
            if values.metric.kind == metric:
                return values
        raise KeyError(f"the sweep has {[values.metric.kind for values in self.metrics]}, not {metric!r}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes, of pairs twice."""
        return tuple(np.shape(self.value))

    @property
    def baseline(self) -> Array:
        """Of the unedited run, []."""
        return self.metrics[0].baseline

    @property
    def value(self) -> Array:
        """Of each edited run, [*shape]."""
        return self.metrics[0].value

    @property
    def delta(self) -> Array:
        """`value - baseline`, [*shape]."""
        return self.metrics[0].delta

    @property
    def standard_error(self) -> Array:
        """Of delta, paired; NaN with fewer than two predictions or prompts."""
        return self.metrics[0].standard_error

    @property
    def loss(self) -> Array:
        """The loss of each edited run in nats, [*shape]. Raises `KeyError` where it was not asked for."""
        return self["loss"].value

    @property
    def prompt_baselines(self) -> Array:
        """Of each prompt alone, [prompt]."""
        return self.metrics[0].prompt_baselines

    @property
    def prompt_deltas(self) -> Array:
        """Of each prompt alone, [prompt, *shape]."""
        first = self.metrics[0]
        return first.prompt_values - first.prompt_baselines.reshape((-1, *(1 for _ in self.shape)))

    def ranking(self) -> list[tuple[int, ...]]:
        """Entries of the axes, such as (layer, head), by what editing them does, the largest rise first."""
        delta: npt.NDArray[np.float64] = np.asarray(self.delta)
        entries = list(self.axes.values()) * (2 if self.paired else 1)
        order = np.argsort(-delta, axis=None, kind="stable")
        places = zip(*np.unravel_index(order, delta.shape), strict=True)
        return [tuple(axis[int(at)] for axis, at in zip(entries, place, strict=True)) for place in places]

    def to_dataframe(self) -> pandas.DataFrame:
        """A row per edited run: its place on the axes; each metric's value, delta and standard_error.

        The columns are named by the metric where there are several (`kl_delta`). Needs the extra `lensd[pandas]`.
        """
        from lensd.tables import frame
        from lensd.views.sweep_view import named_metrics

        names: list[str] = list(self.axes)
        if self.paired:
            names += [f"other_{name}" for name in names]
        entries = list(self.axes.values()) * (2 if self.paired else 1)
        grid = np.meshgrid(*entries, indexing="ij") if entries else []
        columns = {name: values.ravel() for name, values in zip(names, grid, strict=True)}
        for name, values in named_metrics(self).items():
            prefix = "" if len(self.metrics) == 1 else f"{name}_"
            columns[name] = np.ravel(values.value)
            columns[prefix + "delta"] = np.ravel(values.delta)
            columns[prefix + "standard_error"] = np.ravel(values.standard_error)
        return frame(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_dataframe`."""
        return self.to_dataframe()

    def to_xarray(self) -> xarray.Dataset:
        """Each metric's value, delta and standard_error on the axes, and every prompt's own.

        Variables are named as `to_dataframe` names columns, and `prompt_value` and `prompt_baseline`. Needs the extra
        `lensd[xarray]`.
        """
        from lensd.views.sweep_view import sweep_dataset

        return sweep_dataset(self)

    def plot(self, metric: str | None = None, ax: Any = None) -> Any:
        """Draws a metric's delta, the first one's unless another is named, and returns matplotlib's axes.

        One axis is drawn as bars with standard errors, several as a matrix. Needs the extra `lensd[plot]`.
        """
        from lensd.views.sweep_view import plot_sweep

        return plot_sweep(self, metric, ax)

    def _repr_html_(self) -> str:
        from lensd.views.sweep_view import sweep_html

        return sweep_html(self)

    def __repr__(self) -> str:
        if not self.shape or not np.size(self.delta):
            return f"Sweep({self.kind} of {self.hook} on {self.model}: baseline {float(self.baseline):.4f})"
        place = self.ranking()[0]
        size = " x ".join(f"{len(entries)} {name}" for name, entries in self.axes.items())
        largest = float(np.nanmax(self.delta)) if not np.isnan(self.delta).all() else float("nan")
        where = f"by {'.'.join(map(str, place))}"
        if list(self.axes) == ["layer", "head"] and not self.paired:
            where = f"by head {place[0]}.{place[1]}"
        return (
            f"Sweep({self.kind} of {self.hook} on {self.model}, {size}{' in pairs' if self.paired else ''}: "
            f"{self.metrics[0].metric.kind} {float(self.baseline):.4f}, largest delta {largest:+.4f} {where})"
        )


def read_sweep(events: Iterable[wire.SweepEvent], arrays: Arrays) -> Sweep:
    """The result of a sweep's stream. Raises `Internal` where it ends too early."""
    header = None
    parts: list[wire.SweepValues] = []
    for event in events:
        body = event.WhichOneof("event")
        if body == "header":
            header = event.header
        elif body == "values":
            parts.append(event.values)
    if header is None:
        raise Internal("the daemon ended the sweep without a result")
    return Sweep.of(header, parts, arrays)


def tell_progress(event: wire.SweepEvent, progress: Callable[[int, int], object] | None) -> None:
    """Calls `progress` with (done, total), where an event says how much is done."""
    if progress is not None and event.HasField("progress"):
        progress(event.progress.done, event.progress.total)


def axis_numbers(axes: str | Sequence[str]) -> list[wire.SweepAxis]:
    """Axes as they travel. Raises `InvalidArgument` for a name that is none."""
    names = [axes] if isinstance(axes, str) else list(axes)
    for name in names:
        if name not in _AXES:
            raise InvalidArgument(f"a sweep goes over {', '.join(_AXES)}; received {name!r}")
    return [number for name in names for axis, number in _AXES.items() if axis == name]


def _values(
    base: wire.MetricBaseline, parts: list[wire.SweepValues], shape: tuple[int, ...], arrays: Arrays
) -> MetricValues:
    names = {number: name for name, number in KINDS.items()}
    metric = Metric(
        names[base.metric.kind],
        tuple(base.metric.tokens),
        tuple(base.metric.wrong_tokens),
        tuple(base.metric.positions),
    )
    values = _joined([part.values for part in parts])
    errors = _joined([part.standard_errors for part in parts])
    columns = _joined([part.columns for part in parts])
    baselines = np.array(base.columns, np.float64)
    count = int(np.prod(shape, dtype=np.int64))
    if (len(values), len(errors), len(columns)) != (count, count, count * len(baselines)):
        raise Internal(f"the daemon sent {len(values)} values of a sweep of shape {list(shape)}")
    by_prompt = np.ascontiguousarray(columns.reshape(count, len(baselines)).T).reshape(len(baselines), *shape)
    return MetricValues(
        metric=metric,
        baseline=arrays.array(np.array(base.value)),
        value=arrays.array(values.reshape(shape)),
        delta=arrays.array((values - base.value).reshape(shape)),
        standard_error=arrays.array(errors.reshape(shape)),
        prompt_baselines=arrays.array(baselines),
        prompt_values=arrays.array(by_prompt),
    )


def _joined(lists: Iterable[Sequence[float]]) -> npt.NDArray[np.float64]:
    pieces = [np.array(numbers, np.float64) for numbers in lists]
    return np.concatenate(pieces) if pieces else np.empty(0)

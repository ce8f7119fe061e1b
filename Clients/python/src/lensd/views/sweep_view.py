"""A sweep for eyes: a matrix of its places and bars of the strongest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lensd.tables import dataset, plain
from lensd.views import figures
from lensd.views.bars import Bar, bars
from lensd.views.heat_map import MAX_CELLS, heat_map
from lensd.views.html import beside, card, counted, note, number, signed
from lensd.views.places import position_label

if TYPE_CHECKING:
    import xarray

    from lensd.sweep import MetricValues, Sweep

_PREFIXES = {"layer": "L", "head": "H", "pos": " pos ", "source": " from ", "component": " component "}
_NOUNS = {"pos": "position", "source": "source position"}
# As many bars are drawn in their order; of more, only the strongest.
_IN_ORDER, _STRONGEST = 24, 12
_METRICS = 3


class Matrix(NamedTuple):
    """A sweep's values as rows and columns: the last axis, and all others before it."""

    values: npt.NDArray[Any]
    rows: list[str]
    columns: list[str]
    axes: tuple[str, str]


def place_label(axes: Sequence[str], place: Sequence[int], tokens: Sequence[str] = ()) -> str:
    """A place on the axes in few letters, such as "L0H8" or "L2 pos 5 ' ball'"; of a pair both."""
    if len(place) > len(axes):
        half = len(place) // 2
        return f"{place_label(axes, place[:half])} + {place_label(axes, place[half:])}"
    words = (_PREFIXES[axis] + _entry(axis, at, tokens) for axis, at in zip(axes, place, strict=True))
    return "".join(words).strip()


def matrix_of(sweep: Sweep, values: MetricValues) -> Matrix:
    """The differences of a metric as a matrix; of one axis, a single row."""
    delta = plain(values.delta)
    axes = list(sweep.axes) * (2 if sweep.paired else 1)
    entries = list(sweep.axes.values()) * (2 if sweep.paired else 1)
    tokens = _tokens(sweep)
    # A pair of places on several axes is a matrix of places by places.
    split = len(sweep.axes) if sweep.paired else max(len(axes) - 1, 0)
    rows = [_short(axes[:split], place, tokens) for place in product(*entries[:split])]
    columns = [_short(axes[split:], place, tokens) for place in product(*entries[split:])]
    names = (", ".join(axes[:split]), ", ".join(axes[split:]))
    return Matrix(delta.reshape(len(rows), len(columns)), rows, columns, names)


def sweep_html(sweep: Sweep) -> str:
    """A card with the first metrics of a sweep."""
    size = (
        " × ".join(counted(len(entries), _NOUNS.get(axis, axis)) for axis, entries in sweep.axes.items()) or "one edit"
    )
    if sweep.paired:
        size += ", in pairs"
    detail = f"on {sweep.model}: {size}, {counted(len(sweep.str_tokens), 'prompt')}"
    parts = [part for values in sweep.metrics[:_METRICS] for part in _metric_html(sweep, values)]
    if len(sweep.metrics) > _METRICS:
        parts.append(note(f"and {counted(len(sweep.metrics) - _METRICS, 'metric')} more"))
    return card(f"{sweep.kind} {sweep.hook}", detail, *parts)


def plot_sweep(sweep: Sweep, metric: str | None, ax: Any) -> Any:
    """Draws the differences of a metric on matplotlib's axes: one axis as bars, several as a matrix."""
    values = sweep.metrics[0] if metric is None else sweep[metric]
    title = f"{sweep.kind} {sweep.hook}: Δ {values.metric.kind}"
    matrix = matrix_of(sweep, values)
    if len(matrix.rows) == 1:
        label = matrix.axes[1] if not matrix.rows[0] else f"{matrix.axes[1]} ({matrix.axes[0]} {matrix.rows[0]})"
        errors = plain(values.standard_error).reshape(-1)
        return figures.draw_bars(ax, matrix.columns, matrix.values[0], errors, label, title)
    return figures.draw_matrix(ax, matrix.values, matrix.rows, matrix.columns, matrix.axes, title, is_signed=True)


def sweep_dataset(sweep: Sweep) -> xarray.Dataset:
    """Per metric value, delta and standard error on the axes, and the prompts' own values."""
    names = [*sweep.axes, *(f"other_{axis}" for axis in sweep.axes)] if sweep.paired else list(sweep.axes)
    entries = list(sweep.axes.values()) * (2 if sweep.paired else 1)
    variables: dict[str, tuple[Sequence[str], Any]] = {}
    coordinates: dict[str, Any] = dict(zip(names, entries, strict=True))
    attributes: dict[str, Any] = {
        "model": sweep.model, "fingerprint": sweep.fingerprint, "kind": sweep.kind, "hook": sweep.hook
    }  # fmt: skip
    for name, values in named_metrics(sweep).items():
        prefix = "" if len(sweep.metrics) == 1 else f"{name}_"
        along = "prediction" if values.metric.kind == "token_loss" else "prompt"
        variables[name] = (names, values.value)
        variables[f"{prefix}delta"] = (names, values.delta)
        variables[f"{prefix}standard_error"] = (names, values.standard_error)
        variables[f"{prefix}{along}_value"] = ([along, *names], values.prompt_values)
        variables[f"{prefix}{along}_baseline"] = ([along], values.prompt_baselines)
        coordinates[along] = np.arange(len(values.prompt_baselines))
        attributes[f"{prefix}baseline"] = float(values.baseline)
    return dataset(variables, coordinates, attributes)


def named_metrics(sweep: Sweep) -> Mapping[str, MetricValues]:
    """The metrics by their kinds; of several of a kind, each with its number behind."""
    kinds = [values.metric.kind for values in sweep.metrics]
    return {
        kind + ("" if kinds.count(kind) == 1 else str(index)): values
        for index, (kind, values) in enumerate(zip(kinds, sweep.metrics, strict=True))
    }


def _metric_html(sweep: Sweep, values: MetricValues) -> list[str]:
    heading = f"{values.metric.kind} {number(float(values.baseline))} unedited"
    delta, errors = plain(values.delta), plain(values.standard_error)
    if not delta.size:
        return [note(heading)]
    matrix = matrix_of(sweep, values)
    picture = ""
    if delta.ndim > 1 and matrix.values.size <= MAX_CELLS:
        own = errors.reshape(matrix.values.shape)

        def tip(row: int, column: int) -> str:
            place = f"{matrix.axes[0]} {matrix.rows[row]}, {matrix.axes[1]} {matrix.columns[column]}"
            error = f" ± {own[row, column]:.4f}" if np.isfinite(own[row, column]) else ""
            return f"{place}: {signed(float(matrix.values[row, column]))}{error}"

        picture = heat_map(matrix.values, matrix.rows, matrix.columns, matrix.axes, tip=tip)
    elif delta.ndim > 1:
        picture = note(f"{delta.size:,} places are too many for this picture; plot() draws them all")
    return [note(heading), beside(picture, bars(*_bars_of(sweep, values, delta, errors, matrix.values)))]


def _bars_of(
    sweep: Sweep, values: MetricValues, delta: npt.NDArray[Any], errors: npt.NDArray[Any], matrix: npt.NDArray[Any]
) -> tuple[list[Bar], str]:
    entries = list(sweep.axes.values()) * (2 if sweep.paired else 1)
    flat = delta.reshape(-1)
    order = np.arange(delta.size)
    if sweep.paired:
        # A pair of places stands on both sides of the diagonal.
        order = order.reshape(matrix.shape)[np.triu_indices(len(matrix))]
    title = f"Δ {values.metric.kind}"
    if len(order) > _IN_ORDER:
        title += f", the {_STRONGEST} strongest of {len(order):,}"
        size = np.where(np.isfinite(flat[order]), np.abs(flat[order]), -1)
        order = order[np.argsort(-size, kind="stable")[:_STRONGEST]]
    tokens = _tokens(sweep)
    found = []
    for at in order:
        place = [int(axis[where]) for axis, where in zip(entries, np.unravel_index(at, delta.shape), strict=True)]
        label = place_label(list(sweep.axes), place, tokens)
        found.append(Bar(label or "edited", float(flat[at]), float(errors.flat[at])))
    return found, title


def _short(axes: Sequence[str], place: Sequence[int], tokens: Sequence[str]) -> str:
    """A label of a row or column, whose axis is named beside it."""
    if len(place) == 1:
        return _entry(axes[0], place[0], tokens)
    return place_label(axes, place, tokens)


def _entry(axis: str, at: int, tokens: Sequence[str]) -> str:
    return position_label(tokens, at) if axis in ("pos", "source") else str(at)


def _tokens(sweep: Sweep) -> list[str]:
    """What stands at the positions, where there is only one prompt."""
    return sweep.str_tokens[0] if len(sweep.str_tokens) == 1 else []

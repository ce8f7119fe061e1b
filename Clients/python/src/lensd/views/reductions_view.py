"""Reduced activations for eyes: hook points in rows where that is possible, else a matrix for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lensd.tables import frame, plain
from lensd.views import figures
from lensd.views.cache_view import dimensions
from lensd.views.heat_map import MAX_CELLS, heat_map
from lensd.views.html import beside, card, counted, note, table
from lensd.views.places import position_labels

if TYPE_CHECKING:
    import pandas

    from lensd.reductions import Reduced, Reductions

_PROMPTS, _PICTURES, _ROWS = 4, 12, 50


class _Picture(NamedTuple):
    values: npt.NDArray[Any]
    rows: list[str]
    columns: list[str]
    axes: tuple[str, str]
    title: str


def reductions_html(reductions: Reductions) -> str:
    """Each prompt's values as matrices; the largest entries as a table."""
    parts = []
    for prompt, reduced in enumerate(reductions[:_PROMPTS]):
        if reductions.reduction == "top":
            rows = [(each.hook, place, value) for each in reduced for place, value in _largest(each)]
            parts.append(table(["point", "index", "value"], rows[:_ROWS]) + _more(len(rows) - _ROWS, "entry"))
            continue
        pictures = _pictures(reductions, prompt)
        shown = [_drawn(each) for each in pictures[:_PICTURES]]
        parts.append(beside(*shown) + _more(len(pictures) - _PICTURES, "picture"))
    parts.append(_more(len(reductions) - _PROMPTS, "prompt"))
    detail = f"of {counted(len(reductions), 'prompt')}"
    return card(reductions.reduction.replace("_", " "), detail, *parts)


def plot_reductions(reductions: Reductions, prompt: int, ax: Any) -> Any:
    """Draws a prompt's values on matplotlib's axes: one matrix, or several on axes of their own."""
    pictures = _pictures(reductions, prompt)
    if len(pictures) == 1:
        return _plotted(pictures[0], ax)
    rows = -(-len(pictures) // 2)
    axes = figures.pyplot().subplots(rows, 2, figsize=(12, 3.2 * rows), layout="constrained", squeeze=False)[1]
    for each, own in zip(pictures, axes.flat, strict=False):
        _plotted(each, own)
    return np.array(axes.flat[: len(pictures)])


def reductions_frame(reductions: Reductions) -> pandas.DataFrame:
    """A row per number."""
    rows: list[dict[str, Any]] = []
    for prompt, reduced in enumerate(reductions):
        for each in reduced:
            if each.indices is not None:
                own = [{"index": index, "value": value} for index, value in _largest(each)]
            else:
                values = plain(each.values)
                axes = _axes(reductions, each)
                own = [
                    {**dict(zip(axes, place, strict=True)), "value": float(value)}
                    for place, value in np.ndenumerate(values)
                ]
            rows += [{"prompt": prompt, "hook": each.hook, **values} for values in own]
    return frame({name: [row[name] for row in rows] for name in (rows[0] if rows else ())})


def _pictures(reductions: Reductions, prompt: int) -> list[_Picture]:
    """Points whose values have one axis or none stand below one another; each of more has a matrix of its own."""
    reduced, tokens = reductions[prompt], reductions.tokens[prompt]
    arrays = [plain(each.values) for each in reduced]
    axes = _axes(reductions, reduced[0])
    if len(axes) < 2 and len({array.shape for array in arrays}) == 1:
        values = np.stack(arrays).reshape(len(arrays), -1)
        columns = _entries(axes[0], values.shape[1], tokens) if axes else [""]
        names = [each.hook for each in reduced]
        return [_Picture(values, names, columns, ("point", axes[0] if axes else ""), reductions.reduction)]
    pictures = []
    for each, array in zip(reduced, arrays, strict=True):
        axes = _axes(reductions, each)
        flat = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
        first = ", ".join(axes[:-1])
        rows = _entries(first, len(flat), tokens)
        columns = _entries(axes[-1], flat.shape[1], tokens) if axes else [""]
        pictures.append(_Picture(flat, rows, columns, (first, axes[-1] if axes else ""), each.hook))
    return pictures


def _axes(reductions: Reductions, each: Reduced) -> tuple[str, ...]:
    """What is left of a point's axes."""
    whole = dimensions(each.hook)
    if reductions.reduction in ("entropy", "norm"):
        left = whole[:-1]
    elif reductions.reduction in ("mean", "max"):
        left = tuple(axis for axis in whole if axis != "pos")
    elif reductions.reduction == "diagonal":
        left = (*whole[:-2], "entry")
    elif reductions.reduction == "diagonal_mean":
        left = whole[:-2]
    else:
        left = ("rank",)
    rank = plain(each.values).ndim
    return left if len(left) == rank else tuple(f"axis_{at}" for at in range(rank))


def _entries(axis: str, count: int, tokens: list[str]) -> list[str]:
    if axis in ("pos", "source"):
        return position_labels(tokens, range(count))
    return [str(at) for at in range(count)]


def _drawn(picture: _Picture) -> str:
    values, rows, columns, axes, title = picture
    if values.size > MAX_CELLS:
        return note(f"{title}: {values.size:,} numbers are too many for this picture; plot() draws them all")
    return heat_map(values, rows, columns, axes, is_signed=_is_signed(values), title=title)


def _plotted(picture: _Picture, ax: Any) -> Any:
    values, rows, columns, axes, title = picture
    return figures.draw_matrix(ax, values, rows, columns, axes, title, is_signed=_is_signed(values))


def _is_signed(values: npt.NDArray[Any]) -> bool:
    return bool((values < 0).any())


def _largest(each: Reduced) -> list[tuple[int, float]]:
    assert each.indices is not None
    return list(zip(plain(each.indices).tolist(), plain(each.values).tolist(), strict=True))


def _more(count: int, noun: str) -> str:
    return note(f"and {counted(count, noun)} more") if count > 0 else ""

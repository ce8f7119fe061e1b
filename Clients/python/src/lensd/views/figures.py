"""Pictures by matplotlib, on axes that their caller goes on with. They need the extra `lensd[plot]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lensd.extras import extra
from lensd.views.colours import DOWN, PLAIN, UP
from lensd.views.html import visible

_MOST_LABELS = 32
_LONGEST_CELL = 8


def axes_for(ax: Any, width: float, height: float) -> Any:
    """The axes that were given, or those of a new figure of so many inches."""
    if ax is not None:
        return ax
    return pyplot().subplots(figsize=(width, height), layout="constrained")[1]


def pyplot() -> Any:
    """`matplotlib.pyplot`. Raises `FailedPrecondition` where it is not installed."""
    return extra("matplotlib.pyplot", "plot")


def draw_matrix(
    ax: Any,
    values: npt.NDArray[Any],
    rows: Sequence[str],
    columns: Sequence[str],
    axes: tuple[str, str],
    title: str,
    *,
    is_signed: bool,
    largest: float | None = None,
) -> Any:
    """A matrix [row, column] with its scale, which ends at `largest` or the largest value; returns the axes."""
    colors = extra("matplotlib.colors", "plot")
    count, width = values.shape
    ax = axes_for(ax, min(3 + 0.3 * width, 14), min(1.6 + 0.3 * count, 10))
    # White or black under half-transparent colours would not be: these go through the background itself.
    ends = [DOWN, ax.get_facecolor(), UP] if is_signed else [ax.get_facecolor(), PLAIN]
    map_ = colors.LinearSegmentedColormap.from_list("lensd", ends)
    top = largest or float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    image = ax.imshow(values, cmap=map_, vmin=-top if is_signed else 0, vmax=top, aspect="auto", interpolation="none")
    _label(ax.set_yticks, rows)
    _label(ax.set_xticks, columns, rotation=90 if max(map(len, columns), default=0) > 3 else 0)
    ax.set_ylabel(visible(axes[0]))
    ax.set_xlabel(visible(axes[1]))
    ax.set_title(_literal(title))
    ax.figure.colorbar(image, ax=ax)
    return ax


def draw_bars(
    ax: Any,
    labels: Sequence[str],
    values: npt.NDArray[Any],
    errors: npt.NDArray[Any] | None,
    axis: str,
    title: str,
) -> Any:
    """A bar per value, with whiskers of one standard error where these are given; returns the axes."""
    ax = axes_for(ax, min(2.5 + 0.28 * len(values), 14), 3.2)
    whiskers = errors if errors is not None and np.isfinite(errors).any() else None
    hues = [UP if value >= 0 else DOWN for value in values]
    ax.bar(range(len(values)), values, yerr=whiskers, color=hues, capsize=2, ecolor="gray")
    ax.axhline(0, color="gray", linewidth=0.8)
    _label(ax.set_xticks, labels, rotation=90 if max(map(len, labels), default=0) > 3 else 0)
    ax.set_xlabel(visible(axis))
    ax.set_title(_literal(title))
    return ax


def write_cells(ax: Any, texts: Sequence[Sequence[str]]) -> None:
    """Writes a text into every cell of a matrix that was drawn."""
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            ax.text(column, row, _literal(text[:_LONGEST_CELL]), ha="center", va="center", fontsize=6, clip_on=True)


def _label(set_ticks: Any, labels: Sequence[str], **style: Any) -> None:
    step = -(-len(labels) // _MOST_LABELS) or 1
    places = range(0, len(labels), step)
    set_ticks(places, [_literal(labels[place]) for place in places], **style)


def _literal(text: str) -> str:
    """A text as it is: a dollar sign begins no formula."""
    return visible(text).replace("$", r"\$")

"""Why a head attends where it does, for eyes: parts of the query by parts of the key, and where each counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lensd.tables import dataset, frame, plain
from lensd.views import figures
from lensd.views.bars import Bar, bars
from lensd.views.heat_map import MAX_CELLS, heat_map
from lensd.views.html import beside, card, counted, note, number
from lensd.views.places import position_label, position_labels

if TYPE_CHECKING:
    import pandas
    import xarray

    from lensd.score_split import ScoreSplit

_STRONGEST = 4
_PARTS = ("query", "key")
_CELLS = ("destination", "source")


def split_html(split: ScoreSplit) -> str:
    """Of one cell its terms as a matrix and the largest as bars; of several the pattern and the strongest terms."""
    terms, scores, pattern = (plain(values) for values in (split.terms, split.scores, split.pattern))
    title = f"why L{split.layer}H{split.head} attends"
    if scores.size == 1:
        where = f"from {_label(split, split.destinations[0])} to {_label(split, split.sources[0])}"
        detail = f"{where}: score {number(float(scores[0, 0]))}, attention {number(float(pattern[0, 0]))}"
        largest = bars(_bars(split, terms[..., 0, 0]), "the largest terms")
        return card(title, detail, beside(_components(split), largest), _remarks(split))
    rows, columns = _axes(split)
    detail = f"{counted(len(rows), 'destination')} × {counted(len(columns), 'source')}"
    pictures = [_components(split)]
    if scores.size <= MAX_CELLS:
        pictures.append(heat_map(pattern, rows, columns, _CELLS, is_signed=False, largest=1.0, title="attention"))
        size = np.abs(terms).mean((2, 3))
        top = float(np.abs(terms).max(initial=0.0))
        strongest = np.argsort(-size, axis=None, kind="stable")[: _strongest(scores.size)]
        for query, key in zip(*np.unravel_index(strongest, size.shape), strict=True):
            name = f"{split.components[query]} × {split.components[key]}"
            pictures.append(heat_map(terms[query, key], rows, columns, _CELLS, largest=top, title=name))
    else:
        pictures.append(note(f"{scores.size:,} cells are too many for this picture; plot() draws them all"))
    return card(title, detail, beside(*pictures), _remarks(split))


def plot_split(split: ScoreSplit, pair: tuple[str, str] | None, ax: Any) -> Any:
    """Draws components by components, or the terms of a pair, on matplotlib's axes."""
    head = f"L{split.layer}H{split.head}"
    if pair is not None:
        rows, columns = _axes(split)
        title = f"{head}: {pair[0]} × {pair[1]}"
        return figures.draw_matrix(ax, plain(split[pair]), rows, columns, _CELLS, title, is_signed=True)
    values, is_signed, said = _summary(split)
    names = split.components
    return figures.draw_matrix(ax, values, names, names, _PARTS, f"{head}: {said}", is_signed=is_signed)


def split_frame(split: ScoreSplit) -> pandas.DataFrame:
    """A row per term of every cell that is seen."""
    terms = plain(split.terms)
    seen = np.broadcast_to(np.isfinite(plain(split.scores)), terms.shape)
    query, key, dest, source = (axis[seen] for axis in np.indices(terms.shape))
    names = np.array(split.components, object)
    return frame(
        {
            "query": names[query],
            "key": names[key],
            "dest": np.array(split.destinations)[dest],
            "source": np.array(split.sources)[source],
            "value": terms[seen],
        }
    )


def split_dataset(split: ScoreSplit) -> xarray.Dataset:
    """Scores, pattern and terms on named axes."""
    cells = ("dest", "source")
    variables: dict[str, Any] = {
        "scores": (cells, split.scores), "pattern": (cells, split.pattern), "terms": ((*_PARTS, *cells), split.terms)
    }  # fmt: skip
    if split.position_bias is not None:
        variables["position_bias"] = (cells, split.position_bias)
    coordinates = {
        "query": split.components, "key": split.components, "dest": split.destinations, "source": split.sources
    }  # fmt: skip
    return dataset(variables, coordinates, {"layer": split.layer, "head": split.head})


def _components(split: ScoreSplit) -> str:
    values, is_signed, said = _summary(split)
    return heat_map(values, split.components, split.components, _PARTS, is_signed=is_signed, title=said)


def _summary(split: ScoreSplit) -> tuple[npt.NDArray[Any], bool, str]:
    """Components by components: the terms of one cell, or the mean size of those that are seen of several."""
    terms = plain(split.terms)
    if terms[0, 0].size == 1:
        return terms[..., 0, 0], True, "terms"
    seen = max(int(np.isfinite(plain(split.scores)).sum()), 1)
    return np.abs(terms).sum((2, 3)) / seen, False, "mean size of the terms"


def _bars(split: ScoreSplit, terms: npt.NDArray[Any]) -> list[Bar]:
    order = np.argsort(-np.abs(terms), axis=None, kind="stable")[: 2 * _STRONGEST]
    return [
        Bar(f"{split.components[query]} × {split.components[key]}", float(terms[query, key]), float("nan"))
        for query, key in zip(*np.unravel_index(order, terms.shape), strict=True)
    ]


def _remarks(split: ScoreSplit) -> str:
    said = ["query × key; the terms of a cell sum to its score"]
    if split.position_bias is not None:
        said.append("without ALiBi's bias of the position")
    if split.soft_cap is not None:
        said.append(f"before it is capped at {number(split.soft_cap)}")
    if split.rotary:
        said.append("the turn to the positions is part of every term")
    return note(", ".join(said))


def _strongest(cells: int) -> int:
    """How many matrices of so many cells go into one notebook."""
    return max(min(_STRONGEST, MAX_CELLS // max(cells, 1)), 1)


def _axes(split: ScoreSplit) -> tuple[list[str], list[str]]:
    return position_labels(split.tokens, split.destinations), position_labels(split.tokens, split.sources)


def _label(split: ScoreSplit, position: int) -> str:
    return position_label(split.tokens, position)

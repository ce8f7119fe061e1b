"""The logit lens for eyes: what each point of the residual stream would predict at each position."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lensd.errors import InvalidArgument
from lensd.tables import dataset, frame, plain
from lensd.views import figures
from lensd.views.html import card, counted, note, number
from lensd.views.places import position_labels
from lensd.views.token_grid import MAX_CELLS, token_grid

if TYPE_CHECKING:
    import pandas
    import xarray

    from lensd.logit_lens import LogitLens, PromptLens, Shown

_PROMPTS, _RANKED = 4, 5
# As many columns of a figure have room for the texts of tokens.
_WRITTEN = 24
_TITLES = {
    "top": "probability of the likeliest token",
    "next": "probability of the next token",
    "entropy": "entropy in nats",
    "divergence": "divergence from the final prediction in nats",
}


def lens_html(lens: LogitLens) -> str:
    """Points by positions: the likeliest token over a colour as strong as its probability."""
    parts = [_grid(lens, prompt) for prompt in lens.prompts[:_PROMPTS]]
    if len(lens.prompts) > _PROMPTS:
        parts.append(note(f"and {counted(len(lens.prompts) - _PROMPTS, 'prompt')} more"))
    detail = f"{counted(len(lens.points), 'point')} of {counted(len(lens.prompts), 'prompt')}"
    return card("logit lens", f"{detail}: the likeliest token, coloured by its probability", *parts)


def plot_lens(lens: LogitLens, shown: Shown, prompt: int, ax: Any) -> Any:
    """Draws points by positions on matplotlib's axes."""
    if shown not in _TITLES:
        raise InvalidArgument(f"shown is one of {', '.join(_TITLES)}; received {shown!r}")
    own = lens[prompt]
    values = _values(own, shown)
    largest = 1.0 if shown in ("top", "next") else None
    columns = position_labels(own.tokens, own.positions)
    axes = ("point", "position")
    ax = figures.draw_matrix(
        ax, values, lens.labels, columns, axes, f"logit lens: {_TITLES[shown]}", is_signed=False, largest=largest
    )
    if shown == "top" and len(columns) <= _WRITTEN:
        figures.write_cells(ax, [[place[0] for place in point] for point in own.top])
    return ax


def lens_frame(lens: LogitLens) -> pandas.DataFrame:
    """A row per prompt, point and position."""
    rows: list[dict[str, Any]] = []
    for prompt, own in enumerate(lens.prompts):
        for point, label in enumerate(lens.labels):
            for place, position in enumerate(own.positions):
                at = point, place
                row: dict[str, Any] = {"prompt": prompt, "point": label, "pos": position, "token": own.tokens[position]}
                if own.top[point][place]:
                    row["top"] = own.top[point][place][0]
                    row["top_logprob"] = float(own.top_logprobs[point, place, 0])
                row["entropy"], row["divergence"] = float(own.entropies[at]), float(own.divergences[at])
                row["next_logprob"], row["next_rank"] = float(own.next_logprobs[at]), int(own.next_ranks[at])
                for index, asked in enumerate(lens.asked):
                    row[f"logprob of {asked!r}"] = float(own.token_logprobs[point, place, index])
                    row[f"rank of {asked!r}"] = int(own.token_ranks[point, place, index])
                rows.append(row)
    return frame({name: [row[name] for row in rows] for name in (rows[0] if rows else ())})


def lens_dataset(lens: LogitLens, prompt: int) -> xarray.Dataset:
    """A prompt's values on named axes."""
    own = lens[prompt]
    places, top, asked = ("point", "pos"), ("point", "pos", "rank"), ("point", "pos", "token")
    variables: dict[str, tuple[tuple[str, ...], Any]] = {
        **{name: (places, getattr(own, name)) for name in _BY_PLACE},
        **{name: (top, getattr(own, name)) for name in ("top_tokens", "top_logprobs")},
        **{name: (asked, getattr(own, name)) for name in ("token_logprobs", "token_ranks")},
    }
    texts = ("pos", [own.tokens[position] for position in own.positions])
    return dataset(
        variables, {"point": lens.labels, "pos": own.positions, "token": lens.asked, "text": texts}, {"prompt": prompt}
    )


_BY_PLACE = ("log_sums", "entropies", "divergences", "next_logprobs", "next_ranks")


def _grid(lens: LogitLens, own: PromptLens) -> str:
    shown = max(MAX_CELLS // max(len(lens.points), 1), 1)
    values = _values(own, "top")[:, :shown]
    logprobs = plain(own.top_logprobs)

    def tip(point: int, place: int) -> str:
        ranked = zip(own.top[point][place][:_RANKED], logprobs[point, place], strict=False)
        likeliest = ", ".join(f"{token!r} {exp(logprob):.3f}" for token, logprob in ranked)
        rank = int(own.next_ranks[point, place])
        following = own.positions[place] + 1
        then = f"; next {own.tokens[following]!r}: rank {rank}" if rank >= 0 else ""
        return f"{lens.labels[point]}: {likeliest or number(values[point, place])}{then}"

    first = [[place[0] if place else "" for place in point[:shown]] for point in own.top]
    columns = [own.tokens[position] for position in own.positions[:shown]]
    left = len(own.positions) - shown
    rest = note(f"and {counted(left, 'position')} more; plot() draws them all") if left > 0 else ""
    return token_grid(first, values, lens.labels, columns, tip, 1.0) + rest


def _values(own: PromptLens, shown: Shown) -> npt.NDArray[Any]:
    """What is shown, [point, pos]."""
    if shown in ("entropy", "divergence"):
        in_nats: npt.NDArray[Any] = plain(own.entropies if shown == "entropy" else own.divergences)
        return in_nats
    logprobs = plain(own.next_logprobs)
    if shown == "top":
        ranked = plain(own.top_logprobs)
        logprobs = ranked[..., 0] if ranked.shape[-1] else np.full(ranked.shape[:-1], np.nan)
    probabilities: npt.NDArray[Any] = np.exp(logprobs)
    return probabilities

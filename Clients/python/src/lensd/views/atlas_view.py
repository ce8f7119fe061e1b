"""All heads of a model for eyes: a table of what each is called and does, and what ablating it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lensd.tables import frame
from lensd.views import figures
from lensd.views.bars import Bar, bars
from lensd.views.html import beside, card, counted, note, number, table

if TYPE_CHECKING:
    import pandas

    from lensd.head_atlas import HeadAtlas, HeadProfile

_ROWS, _BARS = 64, 24


def atlas_html(atlas: HeadAtlas) -> str:
    """A row per head and bars of the largest changes of the loss."""
    rows = [_row(head) for head in atlas.heads[:_ROWS]]
    columns = ["head", "kinds", "position", "tokens", "context", "copying", "attends most, beyond position"]
    measured = [head for head in atlas if head.delta == head.delta]
    strongest = sorted(measured, key=lambda head: -abs(head.delta))[:_BARS]
    picture = ""
    if strongest:
        title = "Δ loss without the head" + (f", the {_BARS} strongest" if len(measured) > _BARS else "")
        picture = bars([Bar(_name(head), head.delta, head.standard_error) for head in strongest], title)
    corpus = "the daemon's stories" if atlas.built_in_corpus else counted(atlas.prompts, "prompt")
    detail = f"of {atlas.model} over {corpus}, {counted(atlas.tokens, 'token')}"
    if picture:
        detail += f": loss {number(atlas.baseline)}"
    left = f"and {counted(len(atlas) - _ROWS, 'head')} more; " if len(atlas) > _ROWS else ""
    parts = beside(table(columns, rows), picture)
    return card("head atlas", detail, parts, note(left + "atlas.page shows a card per head"))


def plot_atlas(atlas: HeadAtlas, ax: Any) -> Any:
    """Draws every head's change of the loss as bars on matplotlib's axes."""
    deltas, errors = (np.array([getattr(head, name) for head in atlas]) for name in ("delta", "standard_error"))
    names = [_name(head) for head in atlas]
    ax = figures.draw_bars(ax, names, deltas, errors, "head", f"Δ loss without each head of {atlas.model}")
    ax.set_ylabel("nats")
    return ax


def atlas_frame(atlas: HeadAtlas) -> pandas.DataFrame:
    """A row per head."""
    heads = atlas.heads
    plain = ("layer", "head")
    measured = ("position", "tokens", "context", "repeat_duplicate", "repeat_induction", "loss", "delta")
    columns: dict[str, Any] = {name: [getattr(head, name) for head in heads] for name in plain}
    columns["kinds"] = [", ".join(map(str, head.kinds)) for head in heads]
    for name in (*measured, "standard_error", "copying"):
        columns[name] = [getattr(head, name) for head in heads]
    # "position" is among the scores too.
    scores = [name for name in (heads[0].scores if heads else ()) if name not in columns]
    return frame({**columns, **{name: [head.scores[name] for head in heads] for name in scores}})


def _row(head: HeadProfile) -> tuple[object, ...]:
    kinds = ", ".join(f"{finding} {finding.score:.2f}" for finding in head.kinds[:2]) or "–"
    pair = head.pairs[0] if head.pairs else None
    attends = f"{pair.destination!r} to {pair.source!r}" if pair else ""
    return _name(head), kinds, head.position, head.tokens, head.context, head.copying, attends


def _name(head: HeadProfile) -> str:
    return f"L{head.layer}H{head.head}"

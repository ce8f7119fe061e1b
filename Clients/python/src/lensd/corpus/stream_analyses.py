"""Analyses of one prompt's activations that are ready to use: logit lens, logit attribution, reductions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lensd.corpus.prompts import Prompt
from lensd.interventions import Intervention
from lensd.tables import plain

if TYPE_CHECKING:
    from lensd.analysing import Positions, TokenLike
    from lensd.corpus.rows import Row
    from lensd.model import Model
    from lensd.reductions import Reduction as ReductionName


@dataclass(frozen=True)
class LogitLens:
    """A row per point of the residual stream and position: what the model would predict from there.

    As `Model.logit_lens`: the likeliest token (`top`), entropy and divergence from the final prediction in nats, log
    probability and rank of the token that comes next in the prompt (null behind the last position).
    """

    layers: Positions = None
    pos: Positions = None
    incl_mid: bool = False
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        lens = model.logit_lens(
            prompt.input,
            top=1,
            pos=self.pos,
            layers=self.layers,
            incl_mid=self.incl_mid,
            interventions=self.interventions,
        )
        found = lens[0]
        ranks = plain(found.next_ranks)
        columns = {
            "top_logprob": plain(found.top_logprobs)[..., 0],
            "entropy": plain(found.entropies),
            "divergence": plain(found.divergences),
            "next_logprob": plain(found.next_logprobs),
        }
        for point, label in enumerate(lens.labels):
            for at, pos in enumerate(found.positions):
                rank = int(ranks[point, at])
                yield {
                    "point": label,
                    "pos": pos,
                    "token": found.tokens[pos],
                    "top": found.top[point][at][0],
                    **{name: float(values[point, at]) for name, values in columns.items()},
                    "next_rank": None if rank < 0 else rank,
                }


@dataclass(frozen=True)
class LogitAttribution:
    """A row per position and component: its term of the logit, or of the difference of two, and the total.

    As `Model.logit_attribution`; by "neuron" the rows are the `top` neurons of all layers ("L0N7"). Where no answer is
    given, the prompt's own fields `answer` and `wrong` are taken, if its line has them (texts of one token, or ids),
    else the likeliest token.
    """

    answer: TokenLike | None = None
    wrong: TokenLike | None = None
    by: Literal["layer", "head", "neuron", "accumulated"] = "layer"
    pos: int | Iterable[int] = -1
    top: int = 10
    incl_mid: bool = False
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        given = prompt.answered(self.answer, self.wrong)
        of_line = prompt.fields.keys() if self.answer is None and self.wrong is None else ()
        split = model.logit_attribution(
            prompt.input,
            given["answer"],
            given["wrong"],
            by=self.by,
            pos=self.pos,
            top=self.top,
            incl_mid=self.incl_mid,
            interventions=self.interventions,
        )
        found = split[0]
        totals, terms = plain(found.totals), plain(found.terms)
        for at, pos in enumerate(found.positions):
            texts = {"answer": found.answers[at], "wrong": found.wrong[at] if found.wrong else ""}
            # What the line says is a column already.
            place: Row = {"pos": pos, **{name: text for name, text in texts.items() if name not in of_line}}
            if self.by == "neuron":
                parts = [(f"L{layer}N{neuron}", value) for layer, neuron, value in found.neurons[at]]
            else:
                parts = list(zip(split.components, terms[at].tolist(), strict=True))
            for component, term in parts:
                yield {**place, "total": float(totals[at]), "component": component, "term": float(term)}


@dataclass(frozen=True)
class Reduction:
    """A row per hook point and entry of a reduced activation: where it lies, by the names of the axes, and its value.

    As `Model.reduce`; the largest entries ("top") have an `index` into the activation, flat and row-major.
    """

    hook: str
    reduction: ReductionName
    offset: int = 0
    count: int = 10
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        (activations,) = model.reduce(
            prompt.input,
            self.hook,
            self.reduction,
            offset=self.offset,
            count=self.count,
            interventions=self.interventions,
        )
        axes = {name: each.axes for each in model.describe().hooks for name in each.names()}
        for each in activations:
            values = plain(each.values)
            names = self._columns(axes.get(each.hook, ()), values.ndim)
            indices = None if each.indices is None else plain(each.indices)
            for place in np.ndindex(values.shape):
                row: dict[str, Any] = {"hook": each.hook}
                if indices is not None:
                    row["index"] = int(indices[place])
                else:
                    row |= dict(zip(names, place, strict=True))
                if self.reduction == "diagonal":
                    # The first destination that has this source.
                    row["pos"] -= self.offset
                yield {**row, "value": float(values[place])}

    def _columns(self, axes: Sequence[str], count: int) -> list[str]:
        """What is left of an activation's axes."""
        names = [_AXES.get(axis, "component") for axis in axes]
        if self.reduction in ("mean", "max") and "pos" in names:
            names.remove("pos")
        return names[:count]


# An activation's axes as columns; all others count components.
_AXES = {"pos": "pos", "source_pos": "source", "n_heads": "head", "n_key_value_heads": "head"}

"""Passes and sweeps of one prompt that are ready to use; each is a value that travels to workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp
from typing import TYPE_CHECKING

from lensd.corpus.prompts import Prompt
from lensd.described_model import ablation
from lensd.interventions import Intervention, Kind
from lensd.metrics import Metric

if TYPE_CHECKING:
    from lensd import sweep
    from lensd.corpus.rows import Row
    from lensd.model import Model


@dataclass(frozen=True)
class Losses:
    """A row per prompt: its tokens, its loss in nats, and the likeliest next token with its probability."""

    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The row."""
        run = model.run(prompt.input, self.interventions, top=1)
        best = run.predictions[0][0]
        yield {
            "tokens": len(run.tokens[0]),
            "loss": float(run.prompt_losses[0]),
            "next": best.string,
            "probability": exp(best.logprob),
        }


@dataclass(frozen=True)
class TokenLosses:
    """A row per prediction of a prompt: its position, the token that came, and its loss in nats."""

    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        run = model.run(prompt.input, self.interventions, top=0)
        for at, loss in enumerate(run.losses_of(0)[1:], 1):
            yield {"pos": at, "id": run.tokens[0][at], "token": run.str_tokens[0][at], "loss": loss}


@dataclass(frozen=True)
class Sweep:
    """A row per place of a sweep: the place, and of each metric its value, delta and standard error.

    As `Model.sweep`; the columns are those of `Sweep.to_pandas`, and `baseline` of each metric.
    """

    edits: Intervention | Sequence[Intervention]
    over: str | Sequence[str] = "layer"
    metrics: Metric | Sequence[Metric] | None = None

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        return _rows(model.sweep(prompt.input, self.edits, self.over, self.metrics, progress=False))


@dataclass(frozen=True)
class Ablation:
    """A row per head: layer, head, the loss without it, the difference and its standard error over predictions."""

    kind: Kind = "zero"
    hook: str = "z"

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        edit = ablation(self.kind, self.hook)
        return _rows(model.sweep(prompt.input, edit, ("layer", "head"), progress=False))


def _rows(found: sweep.Sweep) -> Iterator[Row]:
    from lensd.views.sweep_view import named_metrics

    named = named_metrics(found).items()
    single = len(named) == 1
    for place in product(*(range(len(entries)) for entries in found.axes.values())):
        row: Row = {axis: entries[at] for (axis, entries), at in zip(found.axes.items(), place, strict=True)}
        for name, values in named:
            prefix = "" if single else f"{name}_"
            row[name] = float(values.value[place])
            row[f"{prefix}baseline"] = float(values.baseline)
            row[f"{prefix}delta"] = float(values.delta[place])
            row[f"{prefix}standard_error"] = float(values.standard_error[place])
        yield row

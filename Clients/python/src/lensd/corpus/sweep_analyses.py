"""Sweeps of one prompt that are ready to use: ablation and patching, read by the loss or by what the line answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from lensd import metrics
from lensd.corpus.prompts import Prompt
from lensd.described_model import ablation
from lensd.errors import InvalidArgument
from lensd.interventions import Intervention, Kind, patch, scale
from lensd.metrics import Metric

if TYPE_CHECKING:
    from lensd import sweep
    from lensd.analysing import TokenLike
    from lensd.corpus.rows import Row
    from lensd.model import Model

# What is read of each pass, by name: the last three are of the token `answer`, and of `wrong`.
MetricName = Literal["loss", "kl", "logit", "prob", "logit_diff"]


@dataclass(frozen=True)
class Sweep:
    """A row per place of a sweep: the place, and of each metric its value, delta and standard error.

    As `Model.sweep`; the columns are those of `Sweep.to_pandas`, and `baseline` of each metric.
    """

    edits: Intervention | Sequence[Intervention]
    over: str | Sequence[str] = "layer"
    metrics: Metric | Sequence[Metric] | None = None
    # Under which all of it runs.
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        under = self.interventions
        return _rows(model.sweep(prompt.input, self.edits, self.over, self.metrics, under=under, progress=False))


@dataclass(frozen=True)
class Ablation:
    """A row per head, or per place of other axes: the metric without it, the difference and its standard error.

    Of the metrics on tokens `answer` and `wrong` are those given or the line's own fields.
    """

    kind: Kind = "zero"
    hook: str = "z"
    over: str | Sequence[str] = ("layer", "head")
    metric: MetricName = "loss"
    answer: TokenLike | None = None
    wrong: TokenLike | None = None
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        wanted = _metric(prompt, self.metric, self.answer, self.wrong)
        edit = ablation(self.kind, self.hook)
        return _rows(model.sweep(prompt.input, edit, self.over, wanted, under=self.interventions, progress=False))


@dataclass(frozen=True)
class Patching:
    """A row per place: the metric of the line's `corrupted` prompt with the prompt's own activation there.

    Activation patching for lines of pairs: {"text": …, "corrupted": …, "answer": …, "wrong": …}; prompt and `corrupted`
    (a text or token ids) are equally long. `baseline` is the corrupted prompt's, `clean` the other one's.
    """

    hook: str = "resid_pre"
    over: str | Sequence[str] = ("layer", "pos")
    metric: MetricName = "logit_diff"
    answer: TokenLike | None = None
    wrong: TokenLike | None = None
    # Of both prompts' passes.
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        if "corrupted" not in prompt.fields:
            raise InvalidArgument(f"patching takes lines with a corrupted prompt; this one has {sorted(prompt.fields)}")
        wanted = _metric(prompt, self.metric, self.answer, self.wrong)
        # A sweep compares with the unedited run: an edit that changes nothing reads the clean prompt.
        under = self.interventions
        clean = model.sweep(prompt.input, scale("hook_embed", 1), (), wanted, under=under, progress=False).baseline
        edit = patch(self.hook, prompt.input)
        found = model.sweep(prompt.fields["corrupted"], edit, self.over, wanted, under=under, progress=False)
        for row in _rows(found):
            yield {**row, "clean": float(clean)}


def _metric(prompt: Prompt, name: MetricName, answer: Any, wrong: Any) -> Metric:
    if name == "loss":
        return metrics.loss()
    if name == "kl":
        return metrics.kl()
    tokens = prompt.answered(answer, wrong)
    needed = ("answer", "wrong") if name == "logit_diff" else ("answer",)
    if missing := [each for each in needed if tokens[each] is None]:
        raise InvalidArgument(f"the metric {name} is of a token {missing[0]!r}, which neither call nor line names")
    made: dict[str, Callable[..., Metric]] = {
        "logit": metrics.logit,
        "prob": metrics.prob,
        "logit_diff": metrics.logit_diff,
    }
    if name not in made:
        raise InvalidArgument(f"a metric is loss, kl, {', '.join(made)}; received {name!r}")
    return made[name](*(tokens[each] for each in needed))


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

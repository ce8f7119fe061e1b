"""Analyses of one prompt's heads that are ready to use: what they attend to, why, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from lensd.corpus.prompts import Prompt
from lensd.interventions import Intervention, Kind
from lensd.tables import plain

if TYPE_CHECKING:
    from lensd.analysing import Positions
    from lensd.corpus.rows import Row
    from lensd.detected_heads import ErrorMeasure, HeadName
    from lensd.model import Model


@dataclass(frozen=True)
class HeadScores:
    """A row per head: layer, head and the scores of `Model.head_scores`; `kinds` are words with a comma between."""

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        scores = model.head_scores(prompt.input)
        tables = {name: plain(getattr(scores, name)) for name in scores.names()}
        for row in _by_head(tables):
            yield {**row, "kinds": ", ".join(map(str, scores.kinds[row["layer"]][row["head"]]))}


@dataclass(frozen=True)
class DetectHeads:
    """A row per head: layer, head and its score of each kind, as `Model.detect_heads`."""

    kinds: HeadName | Sequence[HeadName] | None = None
    error_measure: ErrorMeasure = "mul"
    exclude_bos: bool = False
    exclude_current_token: bool = False
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        scores = model.detect_heads(
            prompt.input,
            self.kinds,
            error_measure=self.error_measure,
            exclude_bos=self.exclude_bos,
            exclude_current_token=self.exclude_current_token,
            interventions=self.interventions,
        )
        yield from _by_head({kind: plain(values) for kind, values in scores.items()})


@dataclass(frozen=True)
class HeadKinds:
    """A row per head: layer, head and what `Model.head_atlas` says of it over this prompt alone.

    `kinds` are the words for it, strongest first, with a comma between them. Without an ablation (`kind=None`) loss,
    delta and standard error are not finite, and so are numbers elsewhere that were not measured.
    """

    kind: Kind | None = "zero"

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        for head in model.head_atlas(prompt.input, self.kind, pairs=0):
            yield {
                "layer": head.layer,
                "head": head.head,
                "kinds": ", ".join(map(str, head.kinds)),
                **head.scores,
                "by_position": head.position,
                "by_tokens": head.tokens,
                "by_context": head.context,
                "repeat_duplicate": head.repeat_duplicate,
                "repeat_induction": head.repeat_induction,
                "copying": head.copying,
                "loss": head.loss,
                "delta": head.delta,
                "standard_error": head.standard_error,
            }


@dataclass(frozen=True)
class WhyAttends:
    """A row per destination, source that it sees, query component and key component: the term of the score.

    As `Model.why_attends`: the terms of a place sum to its `score`, and `weight` is the attention there.
    """

    layer: int
    head: int
    dest: Positions = -1
    source: Positions = None
    detail: Literal["groups", "layers", "components"] = "groups"
    relative: bool = False
    interventions: Sequence[Intervention] = ()

    def __call__(self, model: Model, prompt: Prompt) -> Iterator[Row]:
        """The rows."""
        split = model.why_attends(
            prompt.input,
            self.layer,
            self.head,
            self.dest,
            self.source,
            detail=self.detail,
            relative=self.relative,
            interventions=self.interventions,
        )
        scores, weights, terms = plain(split.scores), plain(split.pattern), plain(split.terms)
        for row, column in np.argwhere(np.isfinite(scores)):
            place = {
                "dest": split.destinations[row],
                "source": split.sources[column],
                "score": float(scores[row, column]),
                "weight": float(weights[row, column]),
            }
            for query, key in np.ndindex(terms.shape[:2]):
                names = {"query": split.components[query], "key": split.components[key]}
                yield {**place, **names, "term": float(terms[query, key, row, column])}


def _by_head(tables: dict[str, np.ndarray]) -> Iterator[Row]:
    """A row per head of tables [layer, head]."""
    for layer, head in np.ndindex(next(iter(tables.values())).shape):
        values = {name: table[layer, head].item() for name, table in tables.items()}
        yield {"layer": layer, "head": head, **values}

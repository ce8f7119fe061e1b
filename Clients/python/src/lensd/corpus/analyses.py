"""Passes of one prompt that are ready to use; each is a value that travels to workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

from lensd.corpus.prompts import Prompt
from lensd.interventions import Intervention

if TYPE_CHECKING:
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

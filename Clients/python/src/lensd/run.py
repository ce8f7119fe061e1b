"""One pass and what came out of it: tokens, losses, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lensd._proto.run_pb2 import RunReply
from lensd.arrays import Array, Arrays

if TYPE_CHECKING:
    import pandas


class Prediction(NamedTuple):
    """A token that may come next."""

    id: int
    string: str
    # Natural logarithm of its probability.
    logprob: float


@dataclass(frozen=True, repr=False)
class Run:
    """What became of the prompts of one pass; the last expression of a notebook cell shows it."""

    model: str
    fingerprint: str
    # By prompt: the tokens as they were run, their ids and their texts.
    tokens: list[list[int]]
    str_tokens: list[list[str]]
    # The mean over all predictions of all prompts in nats, float32 []; NaN where there is none.
    loss: Array
    # Of each prompt alone, float32 [batch].
    prompt_losses: Array
    # Of every prediction, float32 [batch, pos - 1], right-padded with zeros, with `.lengths`.
    token_losses: Array
    # By prompt: the likeliest next tokens, the likeliest first.
    predictions: list[list[Prediction]]
    # Its id in the session, for `lensctl query` and `Client.query`; None where it was not recorded.
    run_id: str | None

    @classmethod
    def of(cls, reply: RunReply, arrays: Arrays) -> Run:
        """Arranges a reply that has losses by token."""
        rows = [np.array(prompt.per_token_loss, np.float32) for prompt in reply.prompts]
        return cls(
            model=reply.model.name.decode() + ("@raw" if reply.model.raw else ""),
            fingerprint=reply.model.fingerprint.decode(),
            tokens=[[token.id for token in prompt.tokens] for prompt in reply.prompts],
            str_tokens=[[token.text.decode() for token in prompt.tokens] for prompt in reply.prompts],
            loss=arrays.array(np.array(reply.loss, np.float32)),
            prompt_losses=arrays.array(np.array([prompt.loss for prompt in reply.prompts], np.float32)),
            token_losses=arrays.padded(rows, [len(row) for row in rows]),
            predictions=[
                [Prediction(each.token.id, each.token.text.decode(), each.logprob) for each in prompt.top]
                for prompt in reply.prompts
            ],
            run_id=reply.run_id.decode() or None,
        )

    def losses_of(self, prompt: int) -> Sequence[float]:
        """The loss of each token of a prompt in nats; NaN for the first one, which nothing predicts."""
        known = len(self.tokens[prompt]) - 1
        return [float("nan"), *(float(loss) for loss in self.token_losses[prompt][:known])]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per token: prompt, pos, id, token, loss (NaN for the first). Needs the extra `lensd[pandas]`."""
        from lensd.tables import frame

        counts = [len(row) for row in self.tokens]
        return frame(
            {
                "prompt": np.repeat(np.arange(len(counts)), counts),
                "pos": np.concatenate([np.arange(count) for count in counts]),
                "id": [token for row in self.tokens for token in row],
                "token": [token for row in self.str_tokens for token in row],
                "loss": [loss for index in range(len(counts)) for loss in self.losses_of(index)],
            }
        )

    def plot(self, prompt: int = 0, ax: Any = None) -> Any:
        """Draws the loss of each token of a prompt and returns matplotlib's axes. Needs the extra `lensd[plot]`."""
        from lensd.views.run_view import plot_run

        return plot_run(self, prompt, ax)

    def _repr_html_(self) -> str:
        from lensd.views.run_view import run_html

        return run_html(self)

    def __repr__(self) -> str:
        count = sum(map(len, self.tokens))
        next_token = (
            f", next {self.predictions[0][0].string!r}" if len(self.tokens) == 1 and self.predictions[0] else ""
        )
        return (
            f"Run({len(self.tokens)} prompts, {count} tokens on {self.model}: loss {float(self.loss):.4f}{next_token})"
        )

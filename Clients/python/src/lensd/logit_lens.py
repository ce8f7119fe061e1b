"""What a model would predict before its last layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lensd._proto import analyses_pb2 as wire
from lensd.arrays import Array, Arrays
from lensd.plain_result import PlainResult, texts

if TYPE_CHECKING:
    import pandas
    import xarray

# What of a lens is drawn: the probability of the likeliest token, that of the token which comes next, or in nats.
Shown = Literal["top", "next", "entropy", "divergence"]


@dataclass(frozen=True)
class PromptLens(PlainResult):
    """What one prompt's residual stream would predict at each point and position."""

    tokens: list[str]
    # Counted from the front.
    positions: list[int]
    # [point, pos, rank], the likeliest first: texts, ids int64, natural log probabilities float32.
    top: list[list[list[str]]]
    top_tokens: Array
    top_logprobs: Array
    # [point, pos] float32: a logit is a log probability plus this.
    log_sums: Array
    # [point, pos] float32, in nats; the divergence is KL(final || this).
    entropies: Array
    divergences: Array
    # [point, pos] of the token that comes next in the prompt: float32 and int64, rank 0 is the likeliest; NaN and -1
    # behind the last position.
    next_logprobs: Array
    next_ranks: Array
    # [point, pos, token] of the tokens that were asked for.
    token_logprobs: Array
    token_ranks: Array

    @classmethod
    def of(
        cls, prompt: wire.PromptLens, reply: wire.LogitLensReply, names: dict[int, str], arrays: Arrays
    ) -> PromptLens:
        """Arranges a prompt of a reply; `names` are the texts of its vocabulary."""
        places = (len(reply.points), len(prompt.positions))
        ranked = (*places, reply.top_count)
        top = arrays.shaped(prompt.top_tokens, ranked, np.int64)
        asked = (*places, len(reply.tokens))
        return cls(
            tokens=texts(prompt.tokens),
            positions=list(prompt.positions),
            top=[[[names.get(token, "") for token in place] for place in point] for point in top.tolist()],
            top_tokens=top,
            top_logprobs=arrays.shaped(prompt.top_logprobs, ranked),
            log_sums=arrays.shaped(prompt.log_sums, places),
            entropies=arrays.shaped(prompt.entropies, places),
            divergences=arrays.shaped(prompt.divergences, places),
            next_logprobs=arrays.shaped(prompt.next_logprobs, places),
            next_ranks=arrays.shaped(prompt.next_ranks, places, np.int64),
            token_logprobs=arrays.shaped(prompt.token_logprobs, asked),
            token_ranks=arrays.shaped(prompt.token_ranks, asked, np.int64),
        )


@dataclass(frozen=True, repr=False)
class LogitLens(PlainResult):
    """What the model would predict from each point of the residual stream, through the final norm."""

    # Hook points in the order of the pass; the last is the final residual stream.
    points: list[str]
    # TransformerLens's labels of them: "0_pre", "0_mid", …, "final_post".
    labels: list[str]
    # The texts of the tokens that were asked for.
    asked: list[str]
    prompts: list[PromptLens]

    @classmethod
    def of(cls, reply: wire.LogitLensReply, arrays: Arrays) -> LogitLens:
        """Arranges a reply."""
        names = {token.id: token.text.decode() for token in reply.vocabulary}
        points = [point.decode() for point in reply.points]
        return cls(
            points=points,
            labels=[_stream_label(point) for point in points[:-1]] + ["final_post"],
            asked=[names.get(token, "") for token in reply.tokens],
            prompts=[PromptLens.of(prompt, reply, names, arrays) for prompt in reply.prompts],
        )

    def __getitem__(self, prompt: int) -> PromptLens:
        """One prompt's."""
        return self.prompts[prompt]

    def to_pandas(self) -> pandas.DataFrame:
        """A row per prompt, point and pos with the likeliest token, logprobs in nats and ranks. Needs `lensd[pandas]`.

        A token that was asked for has the columns `logprob of …` and `rank of …`.
        """
        from lensd.views.lens_view import lens_frame

        return lens_frame(self)

    def to_xarray(self, prompt: int = 0) -> xarray.Dataset:
        """A prompt's values on the axes point, pos, rank and token. Needs the extra `lensd[xarray]`."""
        from lensd.views.lens_view import lens_dataset

        return lens_dataset(self, prompt)

    def plot(self, shown: Shown = "top", prompt: int = 0, ax: Any = None) -> Any:
        """Draws points by positions and returns matplotlib's axes. Needs the extra `lensd[plot]`.

        `shown` is "top", the probability of the likeliest token, whose text stands in the cell; "next", that of the
        token which comes next; "entropy"; or "divergence" from the final distribution, both in nats.
        """
        from lensd.views.lens_view import plot_lens

        return plot_lens(self, shown, prompt, ax)

    def _repr_html_(self) -> str:
        from lensd.views.lens_view import lens_html

        return lens_html(self)

    def __repr__(self) -> str:
        return f"LogitLens({len(self.prompts)} prompts at {', '.join(self.labels)})"


def _stream_label(point: str) -> str:
    layer = point.split(".")[1]
    return f"{layer}_{point.rpartition('_')[2]}"

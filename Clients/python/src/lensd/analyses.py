"""What analyses of passes give: split scores, logit lens, logit attributions, reductions, detected heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lensd._proto import analyses_pb2 as wire
from lensd._proto.common_pb2 import Token
from lensd.arrays import Array, Arrays


class _Result:
    """A result whose fields can be taken as plain values."""

    def to_dict(self) -> dict[str, Any]:
        """The same as lists, numbers and strings, for JSON and tables."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True)
class ScoreSplit(_Result):
    """Why a head attends where it does: its scores as sums over parts of the query and parts of the key.

    A cell's terms sum to its score before a soft cap and without `position_bias` (ALiBi). Where a destination does
    not see a source the score is -inf and its terms are 0.
    """

    layer: int
    head: int
    tokens: list[str]
    # Counted from the front: the rows and columns of what follows.
    destinations: list[int]
    sources: list[int]
    # "embed" (the token), "pos_embed" (the position), "attn_out", "0_mlp_out", "L0H3", …, "bias"; "rest" is what edits
    # put into the residual stream.
    components: list[str]
    # [dest, source] float32, before the softmax, and behind it.
    scores: Array
    pattern: Array
    # [query component, key component, dest, source] float32
    terms: Array
    # [dest, source] float32; None for models without ALiBi.
    position_bias: Array | None
    soft_cap: float | None
    # Queries and keys are turned to their positions; the turn is part of every term.
    rotary: bool
    # The largest terms (query component, key component, value), where they were asked for.
    top: list[tuple[str, str, float]]

    @classmethod
    def of(cls, reply: wire.SplitScoreReply, layer: int, head: int, arrays: Arrays) -> ScoreSplit:
        """Arranges a reply."""
        cells = (len(reply.destinations), len(reply.sources))
        parts = len(reply.components)
        return cls(
            layer=layer,
            head=head,
            tokens=_texts(reply.tokens),
            destinations=list(reply.destinations),
            sources=list(reply.sources),
            components=[part.label.decode() for part in reply.components],
            scores=_array(reply.scores, cells, arrays),
            pattern=_array(reply.pattern, cells, arrays),
            terms=_array(reply.terms, (parts, parts, *cells), arrays),
            position_bias=_array(reply.position_bias, cells, arrays) if reply.position_bias else None,
            soft_cap=reply.soft_cap or None,
            rotary=reply.rotary,
            top=[(pair.query.label.decode(), pair.key.label.decode(), pair.value) for pair in reply.top],
        )

    def __getitem__(self, pair: tuple[str, str]) -> Array:
        """The terms [dest, source] of a query component and a key component: `split["embed", "pos_embed"]`."""
        query, key = (self.components.index(name) for name in pair)
        return self.terms[query, key]


@dataclass(frozen=True)
class PromptLens(_Result):
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


@dataclass(frozen=True)
class LogitLens(_Result):
    """What the model would predict from each point of the residual stream, through the final norm."""

    # Hook points in the order of the pass; the last is the final residual stream.
    points: list[str]
    # TransformerLens's labels of them: "0_pre", "0_mid", …, "final_post".
    labels: list[str]
    prompts: list[PromptLens]

    @classmethod
    def of(cls, reply: wire.LogitLensReply, arrays: Arrays) -> LogitLens:
        """Arranges a reply."""
        texts = {token.id: token.text.decode() for token in reply.vocabulary}
        points = [point.decode() for point in reply.points]
        prompts = []
        for prompt in reply.prompts:
            places = (len(points), len(prompt.positions))
            top = np.array(prompt.top_tokens, np.int64).reshape(*places, reply.top_count)
            asked = (*places, len(reply.tokens))
            prompts.append(
                PromptLens(
                    tokens=_texts(prompt.tokens),
                    positions=list(prompt.positions),
                    top=[[[texts[token] for token in place] for place in point] for point in top.tolist()],
                    top_tokens=arrays.array(top),
                    top_logprobs=_array(prompt.top_logprobs, top.shape, arrays),
                    log_sums=_array(prompt.log_sums, places, arrays),
                    entropies=_array(prompt.entropies, places, arrays),
                    divergences=_array(prompt.divergences, places, arrays),
                    next_logprobs=_array(prompt.next_logprobs, places, arrays),
                    next_ranks=_array(prompt.next_ranks, places, arrays, np.int64),
                    token_logprobs=_array(prompt.token_logprobs, asked, arrays),
                    token_ranks=_array(prompt.token_ranks, asked, arrays, np.int64),
                )
            )
        labels = [_stream_label(point) for point in points[:-1]] + ["final_post"]
        return cls(points=points, labels=labels, prompts=prompts)

    def __getitem__(self, prompt: int) -> PromptLens:
        """One prompt's."""
        return self.prompts[prompt]


@dataclass(frozen=True)
class PromptAttribution(_Result):
    """What logits of one prompt are the sum of."""

    tokens: list[str]
    # Counted from the front.
    positions: list[int]
    # One per position; `wrong` is empty where the logit itself was split.
    answers: list[str]
    wrong: list[str]
    # [pos] float32: the logit, or the difference, before a soft cap.
    totals: Array
    # [pos, component] float32: but for accumulated streams they sum to the total.
    terms: Array
    # (layer, neuron, value), largest first, for each position.
    neurons: list[list[tuple[int, int, float]]]


@dataclass(frozen=True)
class LogitAttribution(_Result):
    """Logits, or differences of two, as sums over what was written into the residual stream."""

    # TransformerLens's labels: "embed", "0_attn_out", "L0H3", "0_mlp_out", …, "bias".
    components: list[str]
    prompts: list[PromptAttribution]

    @classmethod
    def of(cls, reply: wire.AttributeReply, arrays: Arrays) -> LogitAttribution:
        """Arranges a reply."""
        components = [part.label.decode() for part in reply.components]
        prompts = []
        for prompt in reply.prompts:
            rows = len(prompt.positions)
            neurons = list(zip(prompt.neuron_layers, prompt.neurons, prompt.neuron_terms, strict=True))
            named = len(neurons) // max(rows, 1)
            prompts.append(
                PromptAttribution(
                    tokens=_texts(prompt.tokens),
                    positions=list(prompt.positions),
                    answers=_texts(prompt.answers),
                    wrong=_texts(prompt.wrong),
                    totals=_array(prompt.totals, (rows,), arrays),
                    terms=_array(prompt.terms, (rows, len(components)), arrays),
                    neurons=[neurons[row * named : (row + 1) * named] for row in range(rows)],
                )
            )
        return cls(components=components, prompts=prompts)

    def __getitem__(self, prompt: int) -> PromptAttribution:
        """One prompt's."""
        return self.prompts[prompt]


@dataclass(frozen=True)
class Reduced(_Result):
    """What was made of one activation of one prompt."""

    # The hook point's full name.
    hook: str
    values: Array
    # Of the largest entries: where each lies in the activation, flat and row-major (`numpy.unravel_index`); else None.
    indices: Array | None

    @classmethod
    def of(cls, activation: wire.ReducedActivation, arrays: Arrays) -> Reduced:
        """Arranges a part of a reply."""
        shape = tuple(activation.shape)
        indices = _array(activation.indices, shape, arrays, np.int64) if activation.indices else None
        return cls(activation.hook.decode(), _array(activation.values, shape, arrays), indices)


@dataclass(frozen=True)
class InductionScores(_Result):
    """Attention to the token behind the earlier occurrence, on random tokens that are repeated once."""

    # [layer, head] float32: the mean over the sequences of the mean of pattern.diagonal(1 - length).
    scores: Array
    # [batch, pos] int64: what was run.
    tokens: Array


def detections(reply: wire.DetectHeadsReply, shape: tuple[int, int], arrays: Arrays) -> dict[str, Array]:
    """Scores [layer, head] by kind, the mean over the prompts."""
    names = {kind: name for name, kind in DETECTED.items()}
    return {
        names[each.kind]: arrays.array(np.array(each.scores, np.float32).reshape(-1, *shape).mean(0))
        for each in reply.detections
    }


DETECTED: Mapping[str, wire.DetectedHead] = {
    "previous_token_head": wire.DETECTED_HEAD_PREVIOUS_TOKEN,
    "duplicate_token_head": wire.DETECTED_HEAD_DUPLICATE_TOKEN,
    "induction_head": wire.DETECTED_HEAD_INDUCTION,
    "target": wire.DETECTED_HEAD_TARGET,
}


def _array(values: Any, shape: tuple[int, ...], arrays: Arrays, dtype: Any = np.float32) -> Array:
    return arrays.array(np.array(values, dtype).reshape(shape))


def _texts(tokens: Any) -> list[str]:
    given: list[Token] = list(tokens)
    return [token.text.decode() for token in given]


def _stream_label(point: str) -> str:
    layer = point.split(".")[1]
    return f"{layer}_{point.rpartition('_')[2]}"


def _plain(value: Any) -> Any:
    if isinstance(value, _Result):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value.tolist() if hasattr(value, "tolist") else value

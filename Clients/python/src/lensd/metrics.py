"""What a sweep reads off the end of each pass: `lensd.metrics.logit_diff(" Mary", " John")`.

A token is an id, or a text that is one token; one for all prompts or one per prompt. A position counts from the end
where negative; one for all prompts or one per prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Literal, TypeAlias

from lensd import objectives
from lensd._proto import sweeps_pb2 as wire
from lensd.errors import InvalidArgument
from lensd.objectives import Objective, PerPrompt

# An id, a text, or several of either.
Tokens: TypeAlias = Any
Kind = Literal["loss", "token_loss", "logit", "logit_diff", "prob", "kl"]


@dataclass(frozen=True)
class Metric:
    """A number per prompt; of `token_loss` one per prediction."""

    kind: Kind
    tokens: tuple[int | str, ...] = ()
    wrong: tuple[int | str, ...] = ()
    # None given is the last one; of `kl` the mean over all.
    pos: tuple[int, ...] = ()

    @property
    def texts(self) -> set[str]:
        """Its tokens that are given as texts."""
        return {token for token in (*self.tokens, *self.wrong) if isinstance(token, str)}

    def message(self, to_single_token: Callable[[str], int]) -> wire.Metric:
        """The metric as it travels. Raises `InvalidArgument` for a text that is not one token."""
        return wire.Metric(
            kind=KINDS[self.kind],
            tokens=[_id(token, to_single_token) for token in self.tokens],
            wrong_tokens=[_id(token, to_single_token) for token in self.wrong],
            positions=self.pos,
        )

    def objective(self, to_single_token: Callable[[str], int]) -> Objective:
        """The metric as a gradient is taken of it: of the loss, else of the mean over the prompts.

        Raises `InvalidArgument` for the metrics that have no such form.
        """

        def ids(tokens: tuple[int | str, ...]) -> PerPrompt:
            return _one_or_each([_id(token, to_single_token) for token in tokens])

        pos = _one_or_each(self.pos or (-1,))
        if self.kind == "loss":
            return objectives.loss()
        if self.kind == "logit":
            return objectives.logit(ids(self.tokens), pos)
        if self.kind == "logit_diff":
            return objectives.logit_diff(ids(self.tokens), ids(self.wrong), pos)
        raise InvalidArgument(f"gradients are of loss, logit and logit_diff; received the metric {self.kind!r}")


def loss() -> Metric:
    """Mean of -log p of the next token over a prompt's predictions, in nats."""
    return Metric("loss")


def token_loss() -> Metric:
    """The loss of every prediction, [pos - 1] of each prompt."""
    return Metric("token_loss")


def logit(token: Tokens, pos: int | Iterable[int] | None = None) -> Metric:
    """A token's logit, at the last position unless `pos` says otherwise."""
    return Metric("logit", _tokens(token), pos=_positions(pos))


def logit_diff(answer: Tokens, wrong: Tokens, pos: int | Iterable[int] | None = None) -> Metric:
    """The logit of `answer` minus that of `wrong`."""
    return Metric("logit_diff", _tokens(answer), _tokens(wrong), _positions(pos))


def prob(token: Tokens, pos: int | Iterable[int] | None = None) -> Metric:
    """A token's probability."""
    return Metric("prob", _tokens(token), pos=_positions(pos))


def kl(pos: int | Iterable[int] | None = None) -> Metric:
    """KL(unedited || edited) of the next-token distributions in nats, the mean over all positions or at `pos`."""
    return Metric("kl", pos=_positions(pos))


KINDS: dict[Kind, wire.MetricKind] = {
    "loss": wire.METRIC_LOSS,
    "token_loss": wire.METRIC_TOKEN_LOSS,
    "logit": wire.METRIC_LOGIT,
    "logit_diff": wire.METRIC_LOGIT_DIFFERENCE,
    "prob": wire.METRIC_PROBABILITY,
    "kl": wire.METRIC_DIVERGENCE,
}


def _tokens(given: Tokens) -> tuple[int | str, ...]:
    if isinstance(given, str) or getattr(given, "ndim", None) == 0 or not isinstance(given, Iterable):
        return (given if isinstance(given, str) else index(given),)
    tokens = tuple(each if isinstance(each, str) else index(each) for each in given)
    if not tokens:
        raise InvalidArgument("a metric is about one token, or one per prompt; received none")
    return tokens


def _one_or_each(numbers: Sequence[int]) -> PerPrompt:
    return numbers[0] if len(numbers) == 1 else list(numbers)


def _positions(given: int | Iterable[int] | None) -> tuple[int, ...]:
    if given is None:
        return ()
    if isinstance(given, Iterable):
        return tuple(index(each) for each in given)
    return (index(given),)


def _id(token: int | str, to_single_token: Callable[[str], int]) -> int:
    number = to_single_token(token) if isinstance(token, str) else token
    if not 0 <= number < 1 << 31:
        raise InvalidArgument(f"a token id is 0 or more; received {number}")
    return number

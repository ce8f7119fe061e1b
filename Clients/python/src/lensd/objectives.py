"""Scalars made from a pass's predictions: what gradients are taken of."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import index
from typing import Any, Literal, TypeAlias

from lensd._proto.gradients_pb2 import GradientTerm, LossTerm, PredictionTerm
from lensd.errors import InvalidArgument

# One for all prompts, or one per prompt.
PerPrompt: TypeAlias = int | Sequence[int]


@dataclass(frozen=True)
class _Part:
    """One quantity, times its weight; a mean over the prompts unless it is the loss."""

    kind: Literal["loss", "logit", "log_probability"]
    weight: float = 1.0
    tokens: int | tuple[int, ...] = 0
    positions: int | tuple[int, ...] = -1
    is_sum: bool = False

    def terms(self, prompt_count: int) -> list[GradientTerm]:
        """The part as the daemon takes it."""
        if self.kind == "loss":
            return [GradientTerm(weight=self.weight, loss=LossTerm(sum=self.is_sum))]
        tokens = _each(self.tokens, prompt_count, "token")
        positions = _each(self.positions, prompt_count, "position")
        terms = []
        for prompt, (token, position) in enumerate(zip(tokens, positions, strict=True)):
            prediction = PredictionTerm(prompt_index=prompt, position=position, token=token)
            weight = self.weight / prompt_count
            if self.kind == "logit":
                terms.append(GradientTerm(weight=weight, logit=prediction))
            else:
                terms.append(GradientTerm(weight=weight, log_probability=prediction))
        return terms


@dataclass(frozen=True)
class Objective:
    """A scalar of a pass; sums, differences and multiples of objectives are objectives."""

    parts: tuple[_Part, ...]

    def terms(self, prompt_count: int) -> list[GradientTerm]:
        """Raises `InvalidArgument` where tokens or positions were given for another number of prompts."""
        return [term for part in self.parts for term in part.terms(prompt_count)]

    def __add__(self, other: Objective) -> Objective:
        return Objective(self.parts + other.parts) if isinstance(other, Objective) else NotImplemented

    def __sub__(self, other: Objective) -> Objective:
        return self + -other if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor: float) -> Objective:
        if not isinstance(factor, numbers.Real):
            return NotImplemented
        return Objective(tuple(replace(part, weight=part.weight * float(factor)) for part in self.parts))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Objective:
        return self * (1 / divisor)

    def __neg__(self) -> Objective:
        return self * -1.0


def loss(reduction: Literal["mean", "sum"] = "mean") -> Objective:
    """The loss over all predictions of all prompts, in nats."""
    if reduction not in ("mean", "sum"):
        raise InvalidArgument(f'reduction is "mean" or "sum"; received {reduction!r}')
    return Objective((_Part("loss", is_sum=reduction == "sum"),))


def logit(token: PerPrompt, pos: PerPrompt = -1) -> Objective:
    """A token's logit after a position, the mean over the prompts."""
    return Objective((_Part("logit", tokens=_numbers(token), positions=_numbers(pos)),))


def log_prob(token: PerPrompt, pos: PerPrompt = -1) -> Objective:
    """The natural logarithm of a token's probability after a position, the mean over the prompts."""
    return Objective((_Part("log_probability", tokens=_numbers(token), positions=_numbers(pos)),))


def logit_diff(token: PerPrompt, other: PerPrompt, pos: PerPrompt = -1) -> Objective:
    """A token's logit minus another's, after a position, the mean over the prompts."""
    return logit(token, pos) - logit(other, pos)


def _numbers(given: Any) -> int | tuple[int, ...]:
    if hasattr(given, "tolist"):
        given = given.tolist()
    try:
        return tuple(index(each) for each in given) if isinstance(given, (list, tuple)) else index(given)
    except TypeError as error:
        raise InvalidArgument(f"expected a whole number or one per prompt; received {given!r}") from error


def _each(given: int | tuple[int, ...], count: int, what: str) -> tuple[int, ...]:
    if isinstance(given, int):
        return (given,) * count
    if len(given) != count:
        raise InvalidArgument(f"expected a {what} for each of {count} prompts; received {len(given)}")
    return given

"""Gradients of one pass: the call that goes the way back, and what it brings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lensd._proto.common_pb2 import Prompt
from lensd._proto.gradients_pb2 import GradientMessage, GradientRequest, GradientTerm
from lensd._proto.hooks_pb2 import HookAnswer, HookReplacement, TensorShape
from lensd._proto.interventions_pb2 import Intervention
from lensd.activations import KeptPass, check_fingerprint
from lensd.arrays import Array, Arrays, stack
from lensd.cache import ActivationCache, HookNames, NamesFilter
from lensd.channel import Channel
from lensd.errors import Internal, InvalidArgument
from lensd.hook_names import resolve
from lensd.hook_session import CHUNK_BYTES, HookSession, IncomingActivation, replacement
from lensd.hooks import Calls, HookPoint
from lensd.methods import GRADIENT
from lensd.objectives import Objective, loss
from lensd.padded import Lengths

# What a gradient is taken of: "loss", an objective, or cotangents [batch, …] by hook point.
GradientOf: TypeAlias = str | Objective | Mapping[str, Any]

# Outputs of a pass beside its activations.
LOSS = "loss"
TOKEN_LOSS = "loss_per_token"

_SQUARES = ("hook_pattern", "hook_attn_scores")


@dataclass(frozen=True)
class PassRecipe:
    """What a pass is made from: enough to run it again for its gradients."""

    model: str
    fingerprint: str
    prompts: Sequence[Prompt]
    interventions: Sequence[Intervention] = ()


@dataclass
class Scalar:
    """What a gradient is taken of: terms, and cotangents [batch, …] at hook points."""

    terms: list[GradientTerm] = field(default_factory=list)
    cotangents: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.terms or self.cotangents)


def loss_scalar() -> Scalar:
    """The loss."""
    return Scalar(loss().terms(1))


def scalar_of(of: GradientOf, prompt_count: int, wrt: NamesFilter, points: HookNames) -> tuple[Scalar, list[str]]:
    """What a user's gradient is taken of, and the points at which it is wanted.

    Where nobody names the points, those behind the last cotangent are left out: they have no gradient.
    """
    wanted = points.selected(wrt)
    if isinstance(of, str):
        if of != "loss":
            raise InvalidArgument(f'a gradient is of "loss", an objective or cotangents by hook point; received {of!r}')
        return loss_scalar(), wanted
    if isinstance(of, Objective):
        return Scalar(of.terms(prompt_count)), wanted
    scalar = Scalar()
    for name, values in of.items():
        full = resolve(name, points, points.layer_count)
        scalar.cotangents[full] = cotangent_values(values, full)
    if wrt is None or (callable(wrt) and not isinstance(wrt, str)):
        order = list(points)
        last = max((order.index(name) for name in scalar.cotangents), default=-1)
        wanted = [name for name in wanted if order.index(name) <= last]
    return scalar, wanted


@dataclass(frozen=True)
class TakenGradients:
    """What came back: the sum of the terms, and by hook point each prompt's gradient, and the prompts' lengths."""

    value: float
    gradients: dict[str, tuple[list[npt.NDArray[Any]], list[int]]]


class GradientSession(HookSession):
    """The backward hook functions of one way back.

    As in PyTorch's full backward hooks, each function of a point gets the gradient that came, whatever the others
    return, and the last one that returns something says what goes on.
    """

    def _called(self, incoming: IncomingActivation) -> npt.NDArray[Any] | None:
        values = stack(incoming.rows())
        hook = self._points.get(incoming.name) or HookPoint(incoming.name)
        answer = None
        for call in self._calls.get(incoming.name, ()):
            result = call(self._arrays.of(values.copy(), incoming.lengths), hook)
            if isinstance(result, tuple) and len(result) == 1:
                result = result[0]
            if result is not None:
                answer = replacement(result, values.shape, incoming)
        return None if answer is None else incoming.flattened(answer)


def take_gradients(
    channel: Channel,
    recipe: PassRecipe,
    scalar: Scalar,
    lengths: Sequence[int],
    arrays: Arrays,
    *,
    wanted: Iterable[str] = (),
    calls: Calls | None = None,
    points: Mapping[str, HookPoint] | None = None,
    replacements: Mapping[str, npt.NDArray[Any]] | None = None,
) -> TakenGradients:
    """Runs a pass and the way back through it.

    `replacements` are activations [batch, …] that functions made; `calls` are called where the way back parks. What a
    function raises cancels the call and is raised as it is.
    """
    calls = calls or {}
    uploads = [*scalar.cotangents.items(), *(replacements or {}).items()]
    request = GradientRequest(
        model=recipe.model.encode(),
        prompts=recipe.prompts,
        interventions=recipe.interventions,
        terms=scalar.terms,
        cotangents=[name.encode() for name in scalar.cotangents],
        replacements=[name.encode() for name in replacements or {}],
        wanted=[name.encode() for name in wanted],
        stops=[name.encode() for name in calls],
    )
    with channel.exchange(GRADIENT, GradientMessage(start=request)) as exchange:

        def send(answer: HookAnswer) -> None:
            exchange.send(GradientMessage(answer=answer))

        for name, values in uploads:
            rows = _rows(name, values, lengths)
            shapes = [TensorShape(sizes=row.shape) for row in rows]
            send(HookAnswer(replacement=HookReplacement(shapes=shapes)))
            for row in rows:
                for start in range(0, row.nbytes, CHUNK_BYTES):
                    send(HookAnswer(values=bytes(row.reshape(-1).view(np.uint8).data[start : start + CHUNK_BYTES])))
        session = GradientSession(calls, points or {}, arrays, send, exchange.paused)
        value = float("nan")
        for event in exchange:
            if event.WhichOneof("event") == "hook":
                session.take(event.hook)
            else:
                check_fingerprint(recipe.fingerprint, event.start.model.fingerprint)
                value = event.start.value
    missing = set(wanted) - set(session.kept)
    if missing:
        raise Internal(f"the daemon ended the gradient without {sorted(missing)[0]}")
    return TakenGradients(value, session.kept)


def cotangent_values(given: Any, name: str) -> npt.NDArray[Any]:
    """A cotangent as float32. Raises `InvalidArgument` for anything that is no array of numbers."""
    if hasattr(given, "detach"):
        given = given.detach().cpu().float().numpy()
    try:
        return np.asarray(given, np.float32).view(np.ndarray)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"a cotangent at {name} is an array of numbers; received {given!r:.80}") from error


class Gradients(ActivationCache):
    """Gradients by hook point, as `ActivationCache` has activations; `value` is that of the terms they are taken of."""

    def __init__(
        self, taken: TakenGradients, arrays: Arrays, points: HookNames, names_filter: NamesFilter, lengths: Lengths
    ) -> None:
        super().__init__(KeptPass(taken.gradients, arrays, None), points, names_filter, lengths)
        self.value = taken.value

    def __repr__(self) -> str:
        return f"Gradients({len(self)} activations of {len(self.lengths)} prompts, value {self.value:.6g})"


def attributions(gradients: Mapping[Any, Array], clean: Any, corrupted: Any, names: Sequence[str]) -> npt.NDArray[Any]:
    """Per layer, the gradient times what patching would change: [layer, head], or [layer, pos] without heads."""
    rows = []
    for name in names:
        gradient, there, here = (np.asarray(_numpy(each[name])) for each in (gradients, clean, corrupted))
        effect = gradient * (there - here)
        if effect.ndim == 3:
            rows.append(effect.sum((0, 2)))
        else:
            rows.append(effect.sum((0, 2, 3)) if name.endswith(_SQUARES) else effect.sum((0, 1, 3)))
    return np.stack(rows)


def _numpy(values: Array) -> Array:
    return values.detach().numpy() if hasattr(values, "detach") else values


def _rows(name: str, values: npt.NDArray[Any], lengths: Sequence[int]) -> list[npt.NDArray[Any]]:
    """Each prompt's part of an array `[batch, …]`, without padding, as it travels."""
    if values.ndim < 2 or len(values) != len(lengths):
        raise InvalidArgument(
            f"values for {name} have a row for each of {len(lengths)} prompts; received {list(values.shape)}"
        )
    rows = []
    for row, length in zip(values, lengths, strict=True):
        own = row[:, :length, :length] if name.endswith(_SQUARES) else row[:length]
        rows.append(np.ascontiguousarray(own, np.dtype("<f4")))
    return rows

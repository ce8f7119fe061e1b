"""Sweeps as they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from lensd._proto import common_pb2
from lensd._proto import sweeps_pb2 as wire
from lensd.errors import InvalidArgument
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention, zero
from lensd.metrics import Metric, loss
from lensd.sweep import axis_numbers

Edits: TypeAlias = Intervention | Iterable[Intervention]
# "logits", or parts of activations: (hook, layer) or (hook, layer, head), where both may be several.
Receivers: TypeAlias = str | Sequence[tuple[Any, ...]]


def sweep_request(
    model: str,
    session: str | None,
    prompts: list[common_pb2.Prompt],
    edits: Edits,
    over: str | Sequence[str],
    metrics: Metric | Iterable[Metric] | None,
    pairs: bool,
    under: Iterable[Intervention],
    to_single_token: Callable[[str], int],
) -> wire.SweepRequest:
    """Raises `InvalidArgument` for what cannot be sent."""
    asked = metrics_of(metrics)
    return wire.SweepRequest(
        model=model.encode(),
        session=(session or "").encode(),
        prompts=prompts,
        interventions=intervention_messages(under, model),
        edits=intervention_messages([edits] if isinstance(edits, Intervention) else edits, model),
        axes=axis_numbers(over),
        paired=pairs,
        metrics=[metric.message(to_single_token) for metric in asked],
        unrecorded=session is None,
    )


def metrics_of(given: Metric | Iterable[Metric] | None) -> list[Metric]:
    """The metrics of a sweep, the loss where none are named. Raises `InvalidArgument` for what is none."""
    asked = [given] if isinstance(given, Metric) else list(given if given is not None else [loss()])
    if not asked or not all(isinstance(metric, Metric) for metric in asked):
        raise InvalidArgument(f"a sweep reads metrics of lensd.metrics, such as metrics.loss(); received {given!r}")
    return asked


def path(receivers: Receivers, hold_mlps: bool, model: str) -> wire.SweepPath:
    """What paths end at. Raises `InvalidArgument` for receivers that are neither the logits nor parts."""
    message = wire.SweepPath(hold_mlps=hold_mlps)
    if receivers == "logits":
        return message
    if isinstance(receivers, str) or not receivers:
        raise InvalidArgument(f'receivers are "logits" or a list such as [("q", 9, 6)]; received {receivers!r}')
    for receiver in receivers:
        if not isinstance(receiver, tuple) or not 2 <= len(receiver) <= 3:
            raise InvalidArgument(f"a receiver is (hook, layer) or (hook, layer, head); received {receiver!r}")
        where = dict(zip(("layer", "head"), receiver[1:], strict=False))
        # A receiver names a part as an edit does.
        (part,) = intervention_messages([zero(receiver[0], **where)], model)
        message.receivers.append(
            wire.PathReceiver(
                hook=part.hook,
                layers=part.layers if part.HasField("layers") else None,
                heads=part.heads if part.HasField("heads") else None,
            )
        )
    return message

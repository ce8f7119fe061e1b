"""Edits as they travel."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from lensd._proto import interventions_pb2 as wire
from lensd._proto.inference_pb2 import PassSource
from lensd.activations import KeptPass, PassHandle
from lensd.cache import CachedPoints
from lensd.errors import InvalidArgument
from lensd.framing import MAX_REQUEST_BYTES
from lensd.interventions import Intervention, Origin
from lensd.prompts import prompts_of
from lensd.slices import slice_of

# What a request holds beside its edits.
_OTHER_BYTES = 64 << 10


def intervention_messages(edits: Iterable[Intervention], model: str) -> list[wire.Intervention]:
    """The messages of edits of a pass of `model`.

    Raises `InvalidArgument` for values that are no numbers, for a cache that cannot be patched from, and where the
    values do not fit into a request.
    """
    messages = [_message(edit, model) for edit in edits]
    size = sum(message.ByteSize() for message in messages)
    if size > MAX_REQUEST_BYTES - _OTHER_BYTES:
        raise InvalidArgument(
            f"the edits have {size} bytes, but a request holds {MAX_REQUEST_BYTES} in all: patch from a recorded run "
            "(from_run=), or put larger values in by a hook function (run_with_hooks), which sends them in pieces"
        )
    return messages


def _message(edit: Intervention, model: str) -> wire.Intervention:
    if not isinstance(edit, Intervention):
        raise InvalidArgument(
            f"an intervention is made by lensd.zero(…), lensd.patch(…) and the like; received {edit!r}"
        )
    message = wire.Intervention(hook=edit.hook.encode(), action=_ACTIONS[edit.action])
    for name, field in _FIELDS:
        given = getattr(edit, name)
        if given is not None:
            getattr(message, field).CopyFrom(_indices(given))
    if edit.action == "scale":
        message.factor = _factor(edit.value)
    elif edit.action == "swap":
        message.other_prompt = edit.value
    elif edit.value is not None or edit.action in ("set", "add", "project"):
        message.operand.CopyFrom(_operand(edit.value, edit.action))
    if edit.origin is not None:
        message.source.CopyFrom(_source(edit.origin, model))
    return message


def _indices(given: int | tuple[int, ...] | slice) -> wire.Indices:
    if isinstance(given, tuple):
        return wire.Indices(list=wire.IndexList(indices=given))
    entry = slice_of(given).entries[0]
    return wire.Indices(index=entry.index) if isinstance(given, int) else wire.Indices(range=entry.range)


def _factor(given: Any) -> float:
    factor = float(given)
    if not math.isfinite(factor):
        raise InvalidArgument(f"scale takes a finite number; received {factor}")
    return factor


def _operand(given: Any, action: str) -> wire.Operand:
    if hasattr(given, "detach"):
        # A torch tensor, wherever it lives and whatever its precision.
        given = given.detach().float().cpu().numpy()
    try:
        values: npt.NDArray[Any] = np.asarray(given)
    except ValueError as error:
        raise InvalidArgument(f"{action} takes a number or an array of numbers; {error}") from error
    if values.dtype.kind not in "fiu" or not values.size:
        raise InvalidArgument(
            f"{action} takes a number or an array of numbers; received {type(given).__name__} of {values.dtype}, "
            f"shape {list(values.shape)}"
        )
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(values, "<f4").reshape(values.shape)
    if np.isnan(values).any():
        raise InvalidArgument(f"{action} takes numbers; the array of shape {list(values.shape)} holds NaN")
    return wire.Operand(shape=values.shape, values=values.tobytes())


def _source(origin: Origin, model: str) -> wire.EditSource:
    source = wire.EditSource()
    if origin.prompt is not None:
        source.prompt = origin.prompt
    if origin.pos is not None:
        source.positions.CopyFrom(_indices(origin.pos))
    given = origin.given
    if origin.run is not None:
        source.run = origin.run.encode()
    elif isinstance(given, CachedPoints):
        _take_from(given, source, model)
    else:
        source.prompts.prompts.extend(prompts_of(given, origin.prepend_bos))
    return source


def _take_from(cache: CachedPoints, source: wire.EditSource, model: str) -> None:
    """What a cache was made from. Raises `InvalidArgument` where the daemon cannot make it again."""
    origin = cache.origin
    if cache.run_id is not None and isinstance(origin, PassHandle):
        source.run = cache.run_id.encode()
        return
    recipe = origin.source if isinstance(origin, PassHandle) else None
    if isinstance(origin, KeptPass) or not isinstance(recipe, PassSource):
        raise InvalidArgument(
            "hook functions took part in this cache's pass, so the daemon cannot make it again: put the values in by "
            "lensd.set_to(hook, cache[hook][0])"
        )
    if recipe.interventions:
        raise InvalidArgument(
            "this cache's pass was edited and not recorded: use lensd.connect(session=…) to patch from it, or "
            "lensd.set_to(hook, cache[hook][0])"
        )
    if recipe.model.decode() != model:
        raise InvalidArgument(f"values come from a pass of the same model, {model}; the cache is of {recipe.model!r}")
    source.prompts.prompts.extend(recipe.prompts)


_ACTIONS = {
    "zero": wire.ACTION_ZERO,
    "mean": wire.ACTION_MEAN,
    "set": wire.ACTION_SET,
    "add": wire.ACTION_ADD,
    "scale": wire.ACTION_SCALE,
    "patch": wire.ACTION_PATCH,
    "swap": wire.ACTION_SWAP,
    "project": wire.ACTION_PROJECT,
    "mask": wire.ACTION_MASK,
}
_FIELDS = (
    ("layer", "layers"),
    ("prompt", "prompts"),
    ("head", "heads"),
    ("pos", "positions"),
    ("source", "sources"),
    ("component", "components"),
)

"""Answers a daemon whose pass is parked at hook points, and keeps the activations that come by."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt

from lensd._proto.hooks_pb2 import (
    HookAnswer,
    HookedActivation,
    HookEvent,
    HookReplacement,
    HookUnchanged,
    TensorShape,
)
from lensd.arrays import Array, Arrays, stack
from lensd.errors import Internal, InvalidArgument
from lensd.hooks import Calls, HookPoint

# A frame has 1 MiB; its fields take a little of it.
CHUNK_BYTES = (1 << 20) - 1024
_DTYPES = {b"F32": np.dtype("<f4"), b"I32": np.dtype("<i4")}


class HookSession:
    """One pass's hook functions: `take` every `HookEvent` of its call in order.

    `kept` has the activations that were to be kept, by name: the values of each prompt, and each prompt's length.
    """

    def __init__(
        self,
        calls: Calls,
        points: Mapping[str, HookPoint],
        arrays: Arrays,
        send: Callable[[HookAnswer], None],
        paused: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`send` gives the daemon an answer; `paused` makes a block during which the call's time stands still."""
        self.kept: dict[str, tuple[list[npt.NDArray[Any]], list[int]]] = {}
        self._calls = calls
        self._points = points
        self._arrays = arrays
        self._send = send
        self._paused = paused
        self._incoming: IncomingActivation | None = None

    def take(self, event: HookEvent) -> None:
        """Takes an event; at a parked pass's last values calls the functions and answers.

        Raises what a function raises, `InvalidArgument` for what it returns, `Internal` for a daemon that errs.
        """
        body = event.WhichOneof("event")
        if body == "values":
            if self._incoming is None:
                raise Internal("the daemon sent values of no activation")
            self._incoming.take(event.values)
        else:
            if self._incoming is not None:
                raise Internal(f"the daemon's {self._incoming.name} ended before its end")
            self._incoming = IncomingActivation(
                event.parked if body == "parked" else event.kept, is_parked=body == "parked"
            )
        if not self._incoming.is_complete:
            return
        incoming, self._incoming = self._incoming, None
        if incoming.is_parked:
            with self._paused():
                self._answer(incoming)
        else:
            self.kept[incoming.name] = (incoming.rows(), incoming.lengths)

    def _answer(self, incoming: IncomingActivation) -> None:
        changed = self._called(incoming)
        if changed is None:
            self._send(HookAnswer(unchanged=HookUnchanged()))
            return
        shapes = [TensorShape(sizes=shape) for shape in incoming.shapes]
        self._send(HookAnswer(replacement=HookReplacement(shapes=shapes)))
        room = memoryview(changed.view(np.uint8).data)
        for start in range(0, len(room), CHUNK_BYTES):
            self._send(HookAnswer(values=bytes(room[start : start + CHUNK_BYTES])))

    def _called(self, incoming: IncomingActivation) -> npt.NDArray[Any] | None:
        """The values after all functions of a point, flat; `None` where they are bit by bit what came.

        Most functions only look: comparing is several times cheaper than sending values back to where they came from.
        """
        rows = incoming.rows()
        # A copy, so that what a function changes in place can be told.
        values = np.array(rows[0][None]) if len(rows) == 1 else stack(rows)
        if incoming.is_integer:
            values = values.astype(np.int64)
        shape = values.shape
        hook = self._points.get(incoming.name) or HookPoint(incoming.name)
        value = self._arrays.of(values, incoming.lengths)
        for call in self._calls.get(incoming.name, ()):
            result = call(value, hook)
            if result is not None and result is not value:
                values = replacement(result, shape, incoming)
                value = self._arrays.of(values, incoming.lengths)
        flat = incoming.flattened(values)
        return None if np.array_equal(flat.view(np.int32), incoming.flat.view(np.int32)) else flat


class IncomingActivation:
    """An activation on its way in: flat values, one prompt after the other."""

    def __init__(self, header: HookedActivation, is_parked: bool) -> None:
        self.name = header.hook.decode()
        self.is_parked = is_parked
        self.shapes = [tuple(shape.sizes) for shape in header.shapes]
        self.lengths = list(header.lengths)
        dtype = _DTYPES.get(header.element_type)
        if dtype is None:
            raise Internal(f"a tensor is F32 or I32; the daemon sent {header.element_type!r}")
        self.is_integer = dtype.kind == "i"
        if not self.shapes or len(self.shapes) != len(self.lengths):
            raise Internal(f"the daemon announced {len(self.shapes)} shapes for {len(self.lengths)} prompts")
        count = sum(math.prod(shape) for shape in self.shapes)
        if count > np.iinfo(np.intp).max // dtype.itemsize:
            raise Internal(f"the daemon announced {count} values, which no memory holds")
        self.flat = np.empty(count, dtype)
        self._room = memoryview(self.flat.view(np.uint8).data)

    @property
    def is_complete(self) -> bool:
        """Whether all values have come."""
        return not self._room

    def take(self, data: bytes) -> None:
        """Takes the next values in. Raises `Internal` for more than were announced."""
        if not 0 < len(data) <= len(self._room):
            raise Internal(f"the daemon sent {len(data)} bytes of {self.name}, which lacks {len(self._room)}")
        self._room[: len(data)] = data
        self._room = self._room[len(data) :]

    def rows(self) -> list[npt.NDArray[Any]]:
        """Each prompt's values in their shape, without a copy."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        parts = np.split(self.flat, ends[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def flattened(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The values of an array `[batch, …]` as they travel: flat, in the element type, without the padding."""
        if self.is_integer and (values.min() < -(1 << 31) or values.max() >= 1 << 31):
            raise InvalidArgument(f"{self.name} holds token ids; received {values.max()}")
        cut = []
        for index, shape in enumerate(self.shapes):
            place: tuple[int | slice, ...] = (index, *(slice(size) for size in shape))
            cut.append(values[place].astype(self.flat.dtype, copy=False).reshape(-1))
        return cut[0] if len(cut) == 1 else np.concatenate(cut)


def replacement(result: Array, shape: tuple[int, ...], incoming: IncomingActivation) -> npt.NDArray[Any]:
    """What a function returned, as an array that the next one may write to."""
    expected = f"a hook function at {incoming.name} returns None or an array of shape {list(shape)}"
    if hasattr(result, "detach"):
        # A torch tensor, wherever it lives and whatever its precision.
        result = result.detach().cpu()
        result = result.numpy() if incoming.is_integer else result.float().numpy()
    try:
        values = np.asarray(result)
        if values.dtype.kind not in ("iu" if incoming.is_integer else "biuf"):
            raise TypeError(f"values of {values.dtype}")
        # A view of this type: a subclass's rules for indexing are its user's business.
        values = values.astype(np.int64 if incoming.is_integer else np.float32, copy=False).view(np.ndarray)
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"{expected}; received {type(result).__name__}: {error}") from error
    if values.shape != shape:
        raise InvalidArgument(f"{expected}; received {list(values.shape)}")
    return values if values.flags.writeable else values.copy()

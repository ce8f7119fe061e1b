"""Reads the activations of one pass from the daemon."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from lensd._proto.inference_pb2 import PassSource, QueryEvent, QueryRequest, TensorHeader
from lensd.arrays import Array, Arrays, stack
from lensd.channel import Channel
from lensd.errors import FailedPrecondition, Internal, InvalidArgument, NotFound
from lensd.framing import sole_bytes
from lensd.methods import QUERY
from lensd.slices import slice_of

_DTYPES = {b"F32": np.dtype("<f4"), b"I32": np.dtype("<i4")}


class ActivationSource(Protocol):
    """Where the activations of one pass can be read."""

    @property
    def run_id(self) -> str | None:
        """The run's id in the session; `None` for an unrecorded pass."""

    def read(self, hook: str, index: Any = None) -> Array:
        """An activation of every prompt, whole or by NumPy's basic indexing without the batch."""


class PassHandle:
    """One forward pass: a run of a session by its id, or the recipe of an unrecorded one."""

    def __init__(self, arrays: Arrays, source: str | PassSource, fingerprint: str | None) -> None:
        """`fingerprint` is that of the weights that the pass belongs to; `None` accepts any."""
        self.arrays = arrays
        self.source = source
        self.fingerprint = fingerprint

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, which finds generated messages in no module."""
        source = self.source if isinstance(self.source, str) else self.source.SerializeToString()
        return {**self.__dict__, "source": source}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if isinstance(state["source"], bytes):
            self.source = PassSource.FromString(state["source"])

    @property
    def run_id(self) -> str | None:
        """The run's id in the session; `None` for an unrecorded pass."""
        return self.source if isinstance(self.source, str) else None

    def request(self, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> QueryRequest:
        """What asks for an activation. Raises `InvalidArgument` for what cannot be sent."""
        request = QueryRequest(hook=hook.encode())
        if isinstance(self.source, str):
            request.run = self.source.encode()
        else:
            request.prompts.CopyFrom(self.source)
        if index is not None:
            request.slice.CopyFrom(slice_of(index))
        if prompts is not None:
            request.prompt_indices.extend(_prompt_indices(prompts))
        return request

    def arranged(self, incoming: IncomingTensors, index: Any) -> Array:
        """What came, under one batch axis. Raises `FailedPrecondition` where it is of other weights."""
        tensors = incoming.tensors()
        for header, _ in tensors:
            check_fingerprint(self.fingerprint, header.fingerprint)
        rows = [values for _, values in tensors]
        if index is not None:
            return self.arrays.array(stack(rows))
        return self.arrays.padded(rows, [len(header.tokens) for header, _ in tensors])


class Pass(PassHandle):
    """The same, to be read through a client that blocks."""

    def __init__(
        self, channel: Channel, arrays: Arrays, source: str | PassSource, fingerprint: str | None = None
    ) -> None:
        super().__init__(arrays, source, fingerprint)
        self._channel = channel

    def read(self, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """An activation of every prompt, or of some: `[batch, …]` with `.lengths`, float32 (`hook_tokens`: int64).

        `index` is NumPy's basic indexing on the shape without batch, done by the daemon; what it leaves of prompts of
        different lengths is padded too. Raises `NotFound`, `InvalidArgument`.
        """
        incoming = IncomingTensors()
        self._channel.deliver(QUERY, self.request(hook, index, prompts), incoming)
        return self.arranged(incoming, index)

    def tensors(self, hook: str) -> list[tuple[str, npt.NDArray[Any]]]:
        """An activation prompt by prompt, without padding, each under `NAME.PROMPT`."""
        incoming = IncomingTensors()
        self._channel.deliver(QUERY, self.request(hook), incoming)
        return [(f"{header.hook.decode()}.{header.prompt_index}", values) for header, values in incoming.tensors()]


@dataclass(frozen=True)
class KeptPass:
    """What a pass with hook functions left: it cannot be computed again, so there is what was kept and no more."""

    # By name: the values of each prompt, and each prompt's length.
    activations: dict[str, tuple[list[npt.NDArray[Any]], list[int]]]
    arrays: Arrays
    run_id: str | None

    def read(self, hook: str, index: Any = None) -> Array:
        """An activation of every prompt: `[batch, …]` with `.lengths`. Raises `NotFound` where it was not kept."""
        if hook not in self.activations:
            raise NotFound(
                f"{hook} was not kept: hook functions took part in this pass, so it cannot be computed again; name it "
                "in names_filter"
            )
        rows, lengths = self.activations[hook]
        if index is None:
            rows = [row.astype(np.int64) if row.dtype.kind == "i" else row.copy() for row in rows]
            return self.arrays.padded(rows, lengths)
        try:
            return self.arrays.array(stack([np.array(row[index]) for row in rows]))
        except IndexError as error:
            raise InvalidArgument(f"{hook} has no {index!r}: {error}") from error


class IncomingTensors:
    """A query's answer on its way in: a header and its values for each prompt."""

    def __init__(self) -> None:
        self.start_over()

    def start_over(self) -> None:
        """Forgets what came."""
        self._tensors: list[tuple[TensorHeader, npt.NDArray[Any]]] = []
        # What the last tensor lacks.
        self._room = memoryview(bytearray())

    def place(self, field: int, size: int) -> memoryview | None:
        """Where the next values are to be received. Raises `Internal` for more than were announced."""
        return self._next(size) if field == QueryEvent.VALUES_FIELD_NUMBER else None

    def take(self, message: memoryview) -> None:
        """Takes an encoded `QueryEvent`. Raises `Internal` where it is none, or none that can come here."""
        values = sole_bytes(message, QueryEvent.VALUES_FIELD_NUMBER)
        if values is not None:
            self._next(len(values))[:] = values
            return
        try:
            event = QueryEvent.FromString(bytes(message))
        except DecodeError as error:
            raise Internal(f"the daemon sent {len(message)} bytes that are no QueryEvent") from error
        if event.WhichOneof("event") != "header":
            self._next(len(event.values))[:] = event.values
            return
        self._check_complete()
        tensor = _empty(event.header)
        self._tensors.append((event.header, tensor))
        self._room = memoryview(tensor.reshape(-1).view(np.uint8).data)

    def tensors(self) -> list[tuple[TensorHeader, npt.NDArray[Any]]]:
        """What came, integers as int64. Raises `Internal` where something is missing."""
        self._check_complete()
        if not self._tensors:
            raise Internal("the daemon answered a query with no tensor")
        return [
            (header, values.astype(np.int64) if values.dtype.kind == "i" else values)
            for header, values in self._tensors
        ]

    def _next(self, size: int) -> memoryview:
        if size > len(self._room):
            raise Internal(f"the daemon sent {size} bytes of a tensor that has room for {len(self._room)} more")
        room, self._room = self._room[:size], self._room[size:]
        return room

    def _check_complete(self) -> None:
        if self._room:
            raise Internal(f"the daemon's tensor ended {len(self._room)} bytes before its end")


def check_fingerprint(expected: str | None, received: bytes) -> None:
    """Raises `FailedPrecondition` where a result comes from other weights than those the user asked about."""
    if expected is not None and received.decode() != expected:
        raise FailedPrecondition(
            f"the daemon now serves other weights under this name (expected {expected[:12]}, received "
            f"{received.decode()[:12]}): ask for the model again"
        )


def _empty(header: TensorHeader) -> npt.NDArray[Any]:
    dtype = _DTYPES.get(header.element_type)
    if dtype is None:
        raise Internal(f"a tensor is F32 or I32; the daemon sent {header.element_type!r}")
    shape = tuple(header.shape)
    if math.prod(shape) > np.iinfo(np.intp).max // dtype.itemsize:
        raise Internal(f"the daemon announced a tensor of shape {list(shape)}, which no memory holds")
    return np.empty(shape, dtype)


def _prompt_indices(prompts: Sequence[int]) -> Sequence[int]:
    if not prompts or min(prompts) < 0:
        raise InvalidArgument(f"prompts are positions from 0, at least one; received {list(prompts)}")
    return prompts

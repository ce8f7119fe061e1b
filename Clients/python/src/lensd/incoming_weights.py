"""Receives an array of weights from the daemon."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from lensd._proto.weights_pb2 import WeightEvent, WeightHeader
from lensd.errors import Internal
from lensd.framing import sole_bytes

# `fn(done, total)`, or nobody.
Told = Callable[[int, int], object] | None


class IncomingWeights:
    """An array of weights on its way in: a header and its values; progress before them is passed on."""

    def __init__(self, progress: Told = None) -> None:
        self._progress = progress
        self.start_over()

    def start_over(self) -> None:
        """Forgets what came."""
        self._header: WeightHeader | None = None
        self._values = np.empty(0, np.dtype("<f4"))
        # What is still to come.
        self._room = memoryview(bytearray())

    def place(self, field: int, size: int) -> memoryview | None:
        """Where the next values are to be received. Raises `Internal` for more than were announced."""
        return self._next(size) if field == WeightEvent.VALUES_FIELD_NUMBER else None

    def take(self, message: memoryview) -> None:
        """Takes an encoded `WeightEvent`. Raises `Internal` where it is none, or none that can come here."""
        values = sole_bytes(message, WeightEvent.VALUES_FIELD_NUMBER)
        if values is not None:
            self._next(len(values))[:] = values
            return
        try:
            event = WeightEvent.FromString(bytes(message))
        except DecodeError as error:
            raise Internal(f"the daemon sent {len(message)} bytes that are no WeightEvent") from error
        kind = event.WhichOneof("event")
        if kind == "progress":
            if self._progress is not None:
                self._progress(event.progress.done, event.progress.total)
            return
        if kind != "header" or self._header is not None:
            raise Internal(f"expected values; the daemon sent {kind or 'nothing'}")
        shape = tuple(event.header.shape)
        if math.prod(shape) > np.iinfo(np.intp).max // 4:
            raise Internal(f"the daemon announced an array of shape {list(shape)}, which no memory holds")
        self._header = event.header
        self._values = np.empty(shape, np.dtype("<f4"))
        self._room = memoryview(self._values.reshape(-1).view(np.uint8).data)

    def whole(self) -> tuple[WeightHeader, npt.NDArray[np.float32]]:
        """What came. Raises `Internal` where something is missing."""
        if self._header is None or self._room:
            raise Internal(f"the daemon's array ended {len(self._room)} bytes before its end")
        return self._header, self._values

    def _next(self, size: int) -> memoryview:
        if size > len(self._room):
            raise Internal(f"the daemon sent {size} bytes of an array that has room for {len(self._room)} more")
        room, self._room = self._room[:size], self._room[size:]
        return room

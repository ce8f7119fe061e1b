"""Tensors put together from a query's events."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import lensd
from lensd._proto import common_pb2, inference_pb2
from lensd.activations import IncomingTensors


def read_tensors(
    events: list[inference_pb2.QueryEvent], places: bool = False
) -> list[tuple[inference_pb2.TensorHeader, npt.NDArray[Any]]]:
    """Gives the events to a receiver as messages; values into their place where `places`."""
    incoming = IncomingTensors()
    for event in events:
        room = incoming.place(2, len(event.values)) if places and event.WhichOneof("event") == "values" else None
        if room is None:
            incoming.take(memoryview(event.SerializeToString()))
        else:
            room[:] = event.values
    return incoming.tensors()


@pytest.mark.parametrize("places", [False, True])
def test_tensors(places: bool) -> None:
    header = inference_pb2.TensorHeader(hook=b"z", element_type=b"F32", shape=[2, 3], tokens=[common_pb2.Token()] * 2)
    values = np.arange(6, dtype="<f4")
    data = values.tobytes()
    events = [
        inference_pb2.QueryEvent(header=header),
        inference_pb2.QueryEvent(values=data[:5]),
        inference_pb2.QueryEvent(values=data[5:]),
    ]
    ((received, tensor),) = read_tensors(events, places)
    assert received == header
    np.testing.assert_array_equal(tensor, values.reshape(2, 3))


def header(**fields: Any) -> inference_pb2.QueryEvent:
    return inference_pb2.QueryEvent(
        header=inference_pb2.TensorHeader(**{"element_type": b"F32", "shape": [2], **fields})
    )


def values(size: int) -> inference_pb2.QueryEvent:
    return inference_pb2.QueryEvent(values=b"\0" * size)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [values(4)],
        [header()],
        [header(), values(4)],
        [header(), values(12)],
        [header(), values(4), header(), values(8)],
        [header(element_type=b"F16"), values(4)],
        [header(shape=[1 << 40, 1 << 40])],
    ],
)
@pytest.mark.parametrize("places", [False, True])
def test_tensors_that_are_not_what_they_announce(events: list[inference_pb2.QueryEvent], places: bool) -> None:
    with pytest.raises(lensd.Internal):
        read_tensors(events, places)


@pytest.mark.parametrize("message", [b"\xff", b"\x12\x05a", b""])
def test_messages_that_are_no_events(message: bytes) -> None:
    def read() -> None:
        incoming = IncomingTensors()
        incoming.take(memoryview(message))
        incoming.tensors()

    with pytest.raises(lensd.Internal):
        read()


def test_only_values_have_a_place() -> None:
    incoming = IncomingTensors()
    incoming.take(memoryview(header(shape=[4]).SerializeToString()))
    assert incoming.place(1, 16) is None
    room = incoming.place(2, 12)
    assert room is not None
    assert len(room) == 12
    with pytest.raises(lensd.Internal, match="8 bytes of a tensor that has room for 4 more"):
        incoming.place(2, 8)


def test_tensors_without_values() -> None:
    (first, second) = read_tensors([header(shape=[0, 3]), header(shape=[]), values(4)])
    assert first[1].shape == (0, 3)
    assert second[1].shape == ()

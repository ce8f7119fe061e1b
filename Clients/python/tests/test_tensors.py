"""Tensors put together from a query's events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lensd
from lensd._proto import common_pb2, inference_pb2
from lensd.activations import read_tensors


def test_tensors() -> None:
    header = inference_pb2.TensorHeader(hook=b"z", element_type=b"F32", shape=[2, 3], tokens=[common_pb2.Token()] * 2)
    values = np.arange(6, dtype="<f4")
    data = values.tobytes()
    events = [
        inference_pb2.QueryEvent(header=header),
        inference_pb2.QueryEvent(values=data[:5]),
        inference_pb2.QueryEvent(values=data[5:]),
    ]
    ((received, tensor),) = read_tensors(events)
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
def test_tensors_that_are_not_what_they_announce(events: list[inference_pb2.QueryEvent]) -> None:
    with pytest.raises(lensd.Internal):
        read_tensors(events)


def test_tensors_without_values() -> None:
    (first, second) = read_tensors([header(shape=[0, 3]), header(shape=[]), values(4)])
    assert first[1].shape == (0, 3)
    assert second[1].shape == ()

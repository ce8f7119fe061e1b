"""The wire vectors that Swift and Python share (Tests/LensWireTests/vectors)."""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
from typing import Any

import numpy as np
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from reference import ROOT

import lensd._proto
from lensd._proto import frame_pb2, inference_pb2
from lensd.framing import encode_frame, read_frame
from lensd.slices import slice_of

MODULES = [
    importlib.import_module(module.name) for module in pkgutil.iter_modules(lensd._proto.__path__, "lensd._proto.")
]
VECTORS = json.loads((ROOT / "Tests" / "LensWireTests" / "vectors" / "messages.json").read_text())


def message_type(full_name: str) -> type[Message]:
    name = full_name.removeprefix("lens.v1.")
    found: type[Message] = next(getattr(module, name) for module in MODULES if hasattr(module, name))
    return found


def vectors(message: str) -> list[bytes]:
    found = [bytes.fromhex(each["hex"]) for each in VECTORS if each["message"] == f"lens.v1.{message}"]
    assert found
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_messages(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    kind = message_type(vector["message"])
    assert json_format.ParseDict(vector["fields"], kind()).SerializeToString() == data
    assert kind.FromString(data).SerializeToString() == data


@pytest.mark.parametrize("data", vectors("ServerFrame"), ids=bytes.hex)
def test_server_frames(data: bytes) -> None:
    frame = read_frame(io.BytesIO(len(data).to_bytes(4, "big") + data))
    assert frame is not None
    assert frame.WhichOneof("body") is not None
    assert frame.SerializeToString() == data


@pytest.mark.parametrize("data", vectors("ClientFrame"), ids=bytes.hex)
def test_client_frames(data: bytes) -> None:
    assert encode_frame(frame_pb2.ClientFrame.FromString(data)) == len(data).to_bytes(4, "big") + data


def test_slices_travel_as_swift_has_them() -> None:
    slices = [inference_pb2.QueryRequest.FromString(data).slice for data in vectors("QueryRequest")]
    assert slice_of(np.s_[-3, :, -4:0:-2, ...]) in slices

"""Frames that no good client sends, from a seed: those after which a connection goes on, and those that end it."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import Message
from lensd._proto import frame_pb2 as frame
from lensd._proto.common_pb2 import Prompt, Slice, SliceEntry, SliceRange, TextPrompt, TokenPrompt
from lensd._proto.generation_pb2 import GenerateRequest, GenerationOptions
from lensd._proto.gradients_pb2 import GradientMessage
from lensd._proto.hooks_pb2 import HookedRunMessage
from lensd._proto.inference_pb2 import PassSource, QueryRequest, TokenizeRequest
from lensd._proto.interventions_pb2 import ACTION_SET, ACTION_ZERO, IndexList, Indices, Intervention, Operand
from lensd._proto.models_pb2 import DescribeModelRequest, LoadModelRequest, RenameModelRequest
from lensd._proto.run_pb2 import RunRequest
from lensd._proto.sessions_pb2 import DeleteSessionRequest, ShowSessionRequest
from lensd._proto.sweeps_pb2 import SWEEP_AXIS_HEAD, Metric, SweepRequest
from lensd.errors import StatusCode
from lensd.framing import MAX_REQUEST_BYTES

from record import ROOT
from wire import HELLO

VECTORS = ROOT / "Tests" / "LensWireTests" / "vectors" / "messages.json"
REFUSED = {
    StatusCode.INVALID_ARGUMENT,
    StatusCode.NOT_FOUND,
    StatusCode.PERMISSION_DENIED,
    StatusCode.UNIMPLEMENTED,
    StatusCode.RESOURCE_EXHAUSTED,
    StatusCode.FAILED_PRECONDITION,
    StatusCode.OUT_OF_RANGE,
    StatusCode.ALREADY_EXISTS,
}
HUGE = (1 << 63) - 1


@dataclass(frozen=True)
class BadCall:
    """A call with one thing wrong in it, which is its own affair: the body behind its `call_id`."""

    body: bytes

    def at(self, call_id: int) -> bytes:
        """The whole frame."""
        body = b"\x08" + _varint(call_id) + self.body
        return struct.pack(">I", len(body)) + body


def bad_calls() -> list[BadCall]:
    """Calls that are refused, each for something else; the connection is kept."""
    tokens = Prompt(tokens=TokenPrompt(ids=[1, 2, 3]))
    zero = {"hook": b"z0", "action": ACTION_ZERO}

    def run(*edits: Intervention, **fields: object) -> RunRequest:
        return RunRequest(**{"prompts": [tokens], "interventions": edits, "unrecorded": True, **fields})

    def query(hook: bytes, *entries: SliceEntry, **fields: object) -> QueryRequest:
        return QueryRequest(
            prompts=PassSource(prompts=[tokens]), hook=hook, slice=Slice(entries=entries) if entries else None, **fields
        )

    inference = "/lens.v1.Inference/"
    calls: list[tuple[str, Message | bytes]] = [
        *((path, b"") for path in ("", "/", "Run", "/lens.v1.Inference/run", "/lens.v2.Inference/Run", "/" * 4000)),
        *((f"/lens.v1.{service}/Nothing", b"\xff" * 9) for service in ("Daemon", "Models", "Sessions", "Store")),
        (inference + "Run", RunRequest()),
        (inference + "Run", run(prompts=[Prompt()])),
        (inference + "Run", run(prompts=[Prompt(text=TextPrompt(text=b""))])),
        (inference + "Run", run(prompts=[Prompt(text=TextPrompt(text=b"\xff\xfe\xc0\x80"))])),
        (inference + "Run", run(prompts=[Prompt(tokens=TokenPrompt(ids=[0xFFFFFFFF]))])),
        (inference + "Run", run(prompts=[Prompt(tokens=TokenPrompt(ids=[1] * 5000))])),
        (inference + "Run", run(model=b"..")),
        (inference + "Run", run(model=b"../../etc/passwd")),
        (inference + "Run", run(model=b"nope@raw")),
        (inference + "Run", run(session=b"\0", unrecorded=False)),
        (inference + "Run", run(session=b"a/b" * 100, unrecorded=False)),
        (inference + "Run", run(top_count=0xFFFFFFFF)),
        (inference + "Run", run(keep_names=[b"\xff" * 100])),
        (inference + "Run", run(Intervention(hook=b"blocks.4294967296.attn.hook_z", action=ACTION_ZERO))),
        (inference + "Run", run(Intervention(**zero, heads=Indices(index=HUGE)))),
        (inference + "Run", run(Intervention(**zero, heads=Indices(index=-HUGE - 1)))),
        (inference + "Run", run(Intervention(**zero, heads=Indices(list=IndexList(indices=[HUGE, -HUGE]))))),
        (inference + "Run", run(Intervention(**zero, positions=Indices(range=SliceRange(step=-HUGE - 1))))),
        (inference + "Run", run(Intervention(**zero, other_prompt=0xFFFFFFFF))),
        (inference + "Run", run(Intervention(hook=b"z0", action=99))),
        (
            inference + "Run",
            run(Intervention(hook=b"z0", action=ACTION_SET, operand=Operand(shape=[HUGE, HUGE], values=b"1234"))),
        ),
        (inference + "Query", query(b"")),
        (inference + "Query", query(b"blocks.0.attn.hook_y")),
        (inference + "Query", query(b"z0", SliceEntry(index=HUGE))),
        (
            inference + "Query",
            query(b"z0", SliceEntry(range=SliceRange(start=-HUGE, stop=HUGE, step=HUGE)), *[SliceEntry(index=0)] * 9),
        ),
        (inference + "Query", query(b"z0", prompt_indices=[0xFFFFFFFF])),
        (inference + "Query", QueryRequest(run=b"ffffffffffffffffffffffffffffffff", hook=b"z0")),
        (inference + "Query", QueryRequest(run=b"'; DROP TABLE runs; --", hook=b"z0")),
        (inference + "Tokenize", TokenizeRequest(model=b"absent")),
        (inference + "Sweep", SweepRequest(prompts=[tokens], unrecorded=True)),
        (inference + "Sweep", SweepRequest(prompts=[tokens], unrecorded=True, edits=[Intervention(**zero)], axes=[77])),
        (
            inference + "Sweep",
            SweepRequest(
                prompts=[tokens],
                unrecorded=True,
                edits=[Intervention(**zero)],
                axes=[SWEEP_AXIS_HEAD],
                metrics=[Metric(kind=3, tokens=[0xFFFFFFFF])],
            ),
        ),
        (inference + "Generate", GenerateRequest(prompts=[tokens], unrecorded=True)),
        (
            inference + "Generate",
            GenerateRequest(
                prompts=[tokens],
                unrecorded=True,
                options=GenerationOptions(max_new_tokens=HUGE, temperature=float("nan"), top_k=HUGE),
            ),
        ),
        (inference + "RunHooked", HookedRunMessage()),
        (inference + "Gradient", GradientMessage()),
        ("/lens.v1.Models/Describe", DescribeModelRequest(model=b"absent")),
        ("/lens.v1.Models/Load", LoadModelRequest(name=b"../x")),
        ("/lens.v1.Models/Rename", RenameModelRequest(name=b"a", new_name=b"b")),
        ("/lens.v1.Sessions/Show", ShowSessionRequest(name=b"absent")),
        ("/lens.v1.Sessions/Show", ShowSessionRequest(name=b"\x1b[2J")),
        ("/lens.v1.Sessions/Delete", DeleteSessionRequest(name=b"absent")),
    ]
    bodies = []
    for path, request in calls:
        data = request if isinstance(request, bytes) else request.SerializeToString()
        bodies.append(frame.ClientFrame(start=frame.StartCall(method=path.encode(), request=data)).SerializeToString())
    bodies.append(
        frame.ClientFrame(
            start=frame.StartCall(method=b"/lens.v1.Daemon/Status", request_id=bytes(65))
        ).SerializeToString()
    )
    return [BadCall(body) for body in bodies]


def late_frames(call_id: int) -> bytes:
    """What may come for a call that has ended: it is ignored."""
    bodies: list[dict[str, object]] = [
        {"message": b"\xff" * 40},
        {"end_stream": frame.EndStream()},
        {"cancel": frame.CancelCall()},
        {"credit": frame.Credit(bytes=0xFFFFFFFF)},
    ]
    return b"".join(framed(frame.ClientFrame(call_id=call_id, **body).SerializeToString()) for body in bodies)


def framed(body: bytes) -> bytes:
    """A body with its length."""
    return struct.pack(">I", len(body)) + body


class LastWords:
    """Bytes that end a connection, or may; each is one frame."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._call_id = 0
        self._vectors = [bytes.fromhex(vector["hex"]) for vector in json.loads(VECTORS.read_text())]
        self._methods = [
            f"/lens.v1.{name}".encode()
            for name in (
                "Daemon/Status",
                "Models/List",
                "Models/Describe",
                "Inference/Tokenize",
                "Inference/Run",
                "Inference/RunHooked",
                "Inference/Query",
                "Inference/Sweep",
                "Inference/Generate",
                "Inference/GenerateHooked",
                "Inference/Gradient",
                "Inference/ScoreHeads",
                "Analyses/SplitScore",
                "Analyses/LogitLens",
                "Analyses/Attribute",
                "Analyses/Reduce",
                "Analyses/DetectHeads",
                "Analyses/ScoreInduction",
                "Heads/Atlas",
                "Weights/ListParameters",
                "Weights/Parameter",
                "Weights/Circuits",
                "Weights/CompositionScores",
                "Sessions/List",
                "Sessions/Show",
                "Reports/AttentionPage",
            )
        ]
        self._kinds: list[Callable[[], bytes]] = [
            self._mutated_frame,
            self._mutated_frame,
            self._mutated_request,
            self._mutated_request,
            self._mutated_request,
            self._garbage,
            self._wrong_length,
            self._nested,
            self._amplified,
            self._out_of_order,
            self._cut_off,
            self._extreme,
        ]

    def one(self, call_id: int) -> bytes:
        """Of some kind; `call_id` has not been used."""
        self._call_id = call_id
        return self._chance.choice(self._kinds)()

    def first_words(self) -> bytes:
        """In place of a Hello."""
        chance = self._chance
        hellos = (
            frame.ClientHello(protocol_versions=[chance.getrandbits(32) | 2]),
            frame.ClientHello(protocol_versions=[1], client=b"\xff"),
            frame.ClientHello(protocol_versions=range(2, 900)),
        )
        return chance.choice(
            (
                lambda: framed(frame.ClientFrame(hello=chance.choice(hellos)).SerializeToString()),
                lambda: framed(frame.ClientFrame(call_id=9, hello=hellos[0]).SerializeToString()),
                lambda: framed(chance.randbytes(chance.randint(1, 4096))),
                lambda: struct.pack(">I", chance.choice((0, 4097, 1 << 20, 1 << 31, 0xFFFFFFFF))),
                lambda: b"GET / HTTP/1.1\r\nHost: lensd\r\n\r\n",
                lambda: framed(self._mutate(HELLO[4:])),
            )
        )()

    def _mutated_frame(self) -> bytes:
        return framed(self._mutate(self._chance.choice(self._vectors)))

    def _mutated_request(self) -> bytes:
        request = self._mutate(self._chance.choice(self._vectors))
        start = frame.StartCall(method=self._chance.choice(self._methods), request=request)
        return framed(frame.ClientFrame(call_id=self._call_id, start=start).SerializeToString())

    def _garbage(self) -> bytes:
        return framed(self._chance.randbytes(self._chance.choice((1, 2, 7, 64, 1000))))

    def _wrong_length(self) -> bytes:
        return struct.pack(">I", self._chance.choice((0, MAX_REQUEST_BYTES + 1, 1 << 24, 1 << 31, 0xFFFFFFFF)))

    def _nested(self) -> bytes:
        """Messages in messages, and groups, deeper than any of ours."""
        chance = self._chance
        if chance.random() < 0.5:
            return framed(b"\x0b" * chance.randint(1, 500))
        data = b""
        for _ in range(chance.randint(10, 200)):
            data = bytes([chance.choice((0x0A, 0x12, 0x1A, 0x22))]) + _varint(len(data)) + data
        start = frame.StartCall(method=chance.choice(self._methods), request=data)
        return framed(frame.ClientFrame(call_id=self._call_id, start=start).SerializeToString())

    def _amplified(self) -> bytes:
        """Two bytes each that cost a decoder dozens."""
        unit = self._chance.choice((b"\xf8\x01\x00", b"\x0a\x00", b"\x1a\x00", b"\x08\x00"))
        request = unit * self._chance.choice((100, 2000, 40000))
        start = frame.StartCall(method=self._chance.choice(self._methods), request=request)
        return framed(frame.ClientFrame(call_id=self._call_id, start=start).SerializeToString())

    def _out_of_order(self) -> bytes:
        bodies = (
            frame.ClientFrame(hello=frame.ClientHello(protocol_versions=[1])),
            frame.ClientFrame(call_id=self._call_id, message=b"never started"),
            frame.ClientFrame(call_id=self._call_id, cancel=frame.CancelCall()),
            frame.ClientFrame(start=frame.StartCall(method=b"/lens.v1.Daemon/Status")),
            frame.ClientFrame(call_id=1, start=frame.StartCall(method=b"/lens.v1.Daemon/Status")),
            frame.ClientFrame(call_id=self._call_id, ping=frame.Ping()),
            frame.ClientFrame(call_id=self._call_id),
        )
        return framed(self._chance.choice(bodies).SerializeToString())

    def _cut_off(self) -> bytes:
        whole = framed(self._chance.choice(self._vectors))
        return whole[: self._chance.randint(1, len(whole) - 1)]

    def _extreme(self) -> bytes:
        """Numbers that a request may have, and no sum holds."""
        chance = self._chance
        prompts = [Prompt(tokens=TokenPrompt(ids=[1, 2, 3]))]
        most = chance.choice((HUGE, 2 * HUGE + 1, (1 << 56) - 1, 1 << 55))
        options = GenerationOptions(max_new_tokens=most, temperature=chance.choice((0.0, 1e-300, 1e300)), top_k=most)
        requests: list[tuple[str, Message]] = [
            ("Generate", GenerateRequest(prompts=prompts, unrecorded=True, options=options)),
            ("Run", RunRequest(prompts=prompts * chance.randint(100, 2000), unrecorded=True, top_count=1000)),
            ("Query", QueryRequest(prompts=PassSource(prompts=prompts * 500), hook=b"pattern0")),
        ]
        method, request = chance.choice(requests)
        call = frame.StartCall(
            method=b"/lens.v1.Inference/" + method.encode(), request=request.SerializeToString(), deadline_ms=5
        )
        return framed(frame.ClientFrame(call_id=self._call_id, start=call).SerializeToString())

    def _mutate(self, data: bytes) -> bytes:
        chance = self._chance
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(changed))
            kind = chance.random()
            if kind < 0.4 and at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            elif kind < 0.6 and at < len(changed):
                changed[at] = chance.choice((0, 0x7F, 0x80, 0xFF))
            elif kind < 0.75:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
            elif kind < 0.9:
                del changed[at : at + chance.randint(1, 8)]
            else:
                other = chance.choice(self._vectors)
                changed[at:at] = other[: chance.randint(0, len(other))]
        return bytes(changed) or b"\0"


def _varint(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])

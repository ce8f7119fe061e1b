"""What travels on a socket, as targets of the wire's fuzzer.

wire_targets.py swift FILE     writes the decoders of every frame, request and reply as a Swift list
wire_targets.py seeds FOLDER   writes small good inputs: each vector of Tests/LensWireTests behind its decoder's number
"""

from __future__ import annotations

import json
import re
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
METHODS = ROOT / "Sources" / "LensWire" / "Methods"
PROTOS = ROOT / "Protos" / "lens" / "v1"
VECTORS = ROOT / "Tests" / "LensWireTests" / "vectors" / "messages.json"

# An extension of the table of methods, its type with both parameters, and what it makes.
EXTENSION = re.compile(r"extension ((Unary|Streaming|Bidirectional)Method<.*?>) \{(.*?)\n\}", re.DOTALL)
METHOD = re.compile(r"static var (\w+): Self \{\s*Self\(\s*path: \"([^\"]+)\"", re.DOTALL)
SERVICE = re.compile(r"service (\w+) \{(.*?)\n\}", re.DOTALL)
CALL = re.compile(r"rpc (\w+)\((?:stream )?(\w+)\) returns \((?:stream )?(\w+)\)")
# The fields of a method that decode what goes to the daemon, and what comes from it.
FIELDS = {"Unary": ("request", "reply"), "Streaming": ("request", "event"), "Bidirectional": ("message", "event")}
# A stream of frames, each with its length.
STREAM = 255


def targets() -> list[tuple[str, str]]:
    """The decoders in their order: a Swift expression, and the message that it decodes."""
    messages = {}
    for file in sorted(PROTOS.glob("*.proto")):
        for service, body in SERVICE.findall(file.read_text()):
            for call, request, reply in CALL.findall(body):
                messages[f"/lens.v1.{service}/{call}"] = (request, reply)
    found = [("Coding<ClientFrame>.clientFrame", "ClientFrame"), ("Coding<ServerFrame>.serverFrame", "ServerFrame")]
    table = "".join(file.read_text() for file in sorted(METHODS.glob("*.swift")))
    for kind, shape, body in EXTENSION.findall(table):
        for name, path in METHOD.findall(body):
            found += [(f"{kind}.{name}.{field}", messages[path][side]) for side, field in enumerate(FIELDS[shape])]
    return found


def swift() -> str:
    """The list that WireFuzzer.swift is compiled with."""
    lines = [f"    {{ try roundTrip({expression}, $0) }}," for expression, _ in targets()]
    imports = ["import LensCore", "import LensWire", ""]
    head = "let decoders: [@Sendable (UnsafeRawBufferPointer) throws -> Void] = ["
    return "\n".join([*imports, head, *lines, "]", ""])


def seeds() -> list[bytes]:
    """Each vector for each decoder of its message, the client's frames also as a stream."""
    vectors = json.loads(VECTORS.read_text())
    inputs = []
    for number, (_, message) in enumerate(targets()):
        inputs += [
            bytes([number]) + bytes.fromhex(vector["hex"])
            for vector in vectors
            if vector["message"] == f"lens.v1.{message}"
        ]
    frames = [bytes.fromhex(vector["hex"]) for vector in vectors if vector["message"] == "lens.v1.ClientFrame"]
    inputs.append(bytes([STREAM]) + b"".join(struct.pack(">I", len(frame)) + frame for frame in frames))
    return inputs


def main() -> None:
    """Writes what is asked for."""
    what, place = sys.argv[1], Path(sys.argv[2])
    if what == "swift":
        place.write_text(swift())
        return
    place.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds()):
        (place / f"{number:03}").write_bytes(data)


if __name__ == "__main__":
    main()

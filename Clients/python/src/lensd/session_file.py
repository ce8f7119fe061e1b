"""The file that holds a session: a zip with a manifest, a JSON file per run and chosen activations."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lensd._proto.sessions_pb2 import ExportEvent, SessionFilePart, SessionSummary
from lensd.errors import Internal, InvalidArgument, Unimplemented

FORMAT = "lensd session"
SCHEMA = 1
MANIFEST = "manifest.json"
# Of one message.
PART_BYTES = 512 << 10
# What a manifest or a run may take in memory.
MAX_ENTRY_BYTES = 48 << 20

if TYPE_CHECKING:
    from typing_extensions import Self

Tensor = tuple[str, npt.NDArray[Any]]


def write(
    path: Path,
    events: Iterator[ExportEvent],
    tensors: Callable[[str], list[Tensor]] | None,
    on_progress: Callable[[int, int], object] | None,
) -> None:
    """Writes what an export sends; `tensors` gives a run's activations. What is not finished leaves nothing behind."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        # Nobody else is to read what may be nobody else's business.
        with (
            open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
        ):
            _write(archive, events, tensors, on_progress)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _write(
    archive: zipfile.ZipFile,
    events: Iterator[ExportEvent],
    tensors: Callable[[str], list[Tensor]] | None,
    on_progress: Callable[[int, int], object] | None,
) -> None:
    first = next(events, None)
    if first is None or not first.HasField("session"):
        raise Internal("the daemon exported no session")
    runs: list[dict[str, str]] = []
    text = bytearray()
    for event in events:
        text += event.part.json
        if not event.part.last:
            continue
        run = json.loads(text)
        entry = {"id": run["id"], "file": f"runs/{len(runs) + 1:06}-{run['id']}.json"}
        archive.writestr(entry["file"], bytes(text))
        if tensors is not None and not run["hooked"]:
            entry["activations"] = f"activations/{run['id']}.safetensors"
            archive.writestr(entry["activations"], _safetensors(tensors(run["id"])))
        runs.append(entry)
        text.clear()
        if on_progress is not None:
            on_progress(len(runs), first.session.run_count)
    manifest = {
        "format": FORMAT,
        "schema": SCHEMA,
        "lensd_version": first.session.lensd_version.decode(),
        "session": _session(first.session.session),
        "runs": runs,
    }
    archive.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False))


def _session(session: SessionSummary) -> dict[str, object]:
    return {
        "name": session.name.decode(),
        "id": session.id.decode(),
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "runs": session.run_count,
        "owner": session.owner,
        "owner_name": session.owner_name.decode() or None,
        "note": session.note.decode(),
    }


def _safetensors(tensors: list[Tensor]) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    values = []
    end = 0
    for name, tensor in tensors:
        dtype = "F32" if tensor.dtype.kind == "f" else "I32"
        data = np.ascontiguousarray(tensor, "<f4" if dtype == "F32" else "<i4").tobytes()
        begin, end = end, end + 4 * math.prod(tensor.shape)
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
        values.append(data)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(values)


class Reader:
    """A file to import: nobody knows who wrote it. Raises `InvalidArgument` for what is no session's file."""

    def __init__(self, path: Path) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise InvalidArgument(f"{path} is no session's file: {error}") from error
        try:
            self._read_manifest(path)
        except BaseException:
            self._archive.close()
            raise

    def _read_manifest(self, path: Path) -> None:
        try:
            manifest = json.loads(self._entry(MANIFEST))
            if manifest["format"] != FORMAT:
                raise InvalidArgument(f"{path} is no session's file: its format is another")
            if manifest["schema"] != SCHEMA:
                raise Unimplemented(f"{path} has schema {manifest['schema']!r}; this client reads {SCHEMA}")
            self.name = str(manifest["session"]["name"])
            self.note = str(manifest["session"]["note"])
            self._files = [str(run["file"]) for run in manifest["runs"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidArgument(f"{path} is no session's file: its {MANIFEST} is not as it should be") from error

    def parts(self) -> Iterator[SessionFilePart]:
        """The JSON of each run, oldest first, in parts."""
        for name in self._files:
            text = self._entry(name)
            for start in range(0, max(len(text), 1), PART_BYTES):
                yield SessionFilePart(json=text[start : start + PART_BYTES], last=start + PART_BYTES >= len(text))

    def _entry(self, name: str) -> bytes:
        try:
            with self._archive.open(name) as entry:
                # Entries may be compressed, and say what they like of their size.
                text = entry.read(MAX_ENTRY_BYTES + 1)
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise InvalidArgument(f"the file's entry {name!r} is missing or damaged") from error
        if len(text) > MAX_ENTRY_BYTES:
            raise InvalidArgument(f"the file's entry {name!r} has more than {MAX_ENTRY_BYTES} bytes")
        return text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._archive.close()

"""What a user holds: a connected client."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from lensd._proto.daemon_pb2 import DaemonStatusRequest
from lensd._proto.models_pb2 import ListModelsRequest, ModelDescription
from lensd.activations import Pass
from lensd.arrays import Array, ArrayKind, Arrays
from lensd.channel import Channel
from lensd.errors import InvalidArgument, NotFound
from lensd.model import Model
from lensd.stubs import Stubs


@dataclass(frozen=True)
class DaemonStatus:
    """The daemon that answered; sizes in bytes."""

    socket: str
    version: str
    protocol_version: int
    blas: str
    sqlite: str
    uptime_seconds: float
    process_id: int
    resident_bytes: int
    models: list[str]
    queued_jobs: int
    running_jobs: int
    cache_bytes: int
    cache_capacity_bytes: int
    threads: int
    connections: int


class Client:
    """A connection to a daemon. Use it in a `with` block, or `close` it, or let it go; safe from several threads.

    A forked child may go on with its parent's client: it gets a connection of its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        arrays: ArrayKind = "numpy",
        session: str | None = None,
        timeout: float | None = None,
    ) -> None:
        """See `lensd.connect`."""
        self._arrays = Arrays(arrays)
        self.session = session if session is not None else os.environ.get("LENSD_SESSION") or None
        self._channel = Channel(path, timeout)
        # The layer below: a typed stub per service.
        self.stubs = Stubs(self._channel)

    @property
    def path(self) -> str:
        """The socket that answered."""
        return self._channel.path

    def model(self, name: str | None = None, processing: bool | None = None) -> Model:
        """One model by name; without a name `$LENSD_MODEL`, else the daemon's default.

        `name@raw` or `processing=False` is the checkpoint's own weights. Raises `NotFound` that lists what is resident.
        """
        name = name if name is not None else os.environ.get("LENSD_MODEL")
        wanted, at, form = (name or "").partition("@")
        if form not in ("", "raw") or (at and not form) or (form == "raw" and processing):
            raise InvalidArgument(f"a model is NAME or NAME@raw; received {name!r} with processing={processing}")
        descriptions = self._descriptions()
        for description in descriptions:
            if description.name.decode() == wanted or (not wanted and description.is_default):
                is_raw = form == "raw" or processing is False
                return Model(self.stubs, self._arrays, description, is_raw, self.session)
        resident = ", ".join(each.name.decode() for each in descriptions) or "none"
        raise NotFound(f"no model {wanted!r} is resident; there are: {resident}")

    def models(self) -> list[str]:
        """The names of the resident models."""
        return [description.name.decode() for description in self._descriptions()]

    def query(self, run: str, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """One activation of a recorded run: `[batch, …]` with `.lengths`.

        `run` is an id, a unique prefix of one, or `"last"`; `hook` a name or short form; `index` NumPy's basic indexing
        on the shape without batch (`np.s_[3, -1]`), done by the daemon; `prompts` picks some prompts of the run.
        """
        return Pass(self.stubs.inference, self._arrays, run).read(hook, index, prompts)

    def status(self) -> DaemonStatus:
        """Which daemon answers, what is resident, memory, queue, versions."""
        reply = self.stubs.daemon.status(DaemonStatusRequest())
        return DaemonStatus(
            socket=self.path,
            version=reply.lensd_version.decode(),
            protocol_version=reply.protocol_version,
            blas=reply.blas.decode(),
            sqlite=reply.sqlite.decode(),
            uptime_seconds=reply.uptime_seconds,
            process_id=reply.process_id,
            resident_bytes=reply.resident_bytes,
            models=[model.name.decode() for model in reply.models],
            queued_jobs=reply.queued_jobs,
            running_jobs=reply.running_jobs,
            cache_bytes=reply.cache_bytes,
            cache_capacity_bytes=reply.cache_capacity_bytes,
            threads=reply.threads,
            connections=reply.connections,
        )

    def close(self) -> None:
        """Hangs up. Calls in flight end with `Unavailable`, later ones with `FailedPrecondition`."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.path})"

    def _descriptions(self) -> Sequence[ModelDescription]:
        return self.stubs.models.list(ListModelsRequest()).models


def connect(
    path: str | os.PathLike[str] | None = None,
    arrays: ArrayKind = "numpy",
    session: str | None = None,
    timeout: float | None = None,
) -> Client:
    """Connects to a daemon.

    `path` is its socket; else `$LENSD_SOCKET`, else the first that answers of `$XDG_RUNTIME_DIR/lensd/lensd.sock` and
    `/run/lensd/lensd.sock`. `arrays` is what values come as, `"numpy"` or `"torch"`. Passes are recorded in `session`
    (else `$LENSD_SESSION`), by name; without one they leave no trace. `timeout` bounds every call, in seconds; without
    it a call with one reply has 60 s, a stream as long as it takes.

    Raises `Unavailable` that names the sockets that were tried.
    """
    return Client(path, arrays, session, timeout)

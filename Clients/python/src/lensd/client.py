"""What a user holds: a connected client."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, overload

from lensd._proto import models_pb2
from lensd._proto.daemon_pb2 import DaemonStatusReply, DaemonStatusRequest, UsageRequest
from lensd.activations import Pass
from lensd.arrays import Array, ArrayKind, Arrays
from lensd.channel import Channel
from lensd.errors import Internal, InvalidArgument, NotFound
from lensd.methods import DESCRIBE, LIST_MODELS, LOAD, RENAME, STATUS, UNLOAD, USAGE
from lensd.model import Model
from lensd.model_states import ModelState, read_states
from lensd.questions import asked
from lensd.retry import DEFAULT_RETRY, Retry
from lensd.session_info import Findings, Sessions
from lensd.session_questions import listed, searched
from lensd.sessions import Session, import_session
from lensd.usage import SharedAmounts, read_amounts

Kind = TypeVar("Kind", bound=Model)


@dataclass(frozen=True)
class DaemonStatus:
    """The daemon that answered; sizes in bytes.

    Of what waits, what is cached, who is connected and which weights are in memory it tells you your own part, and its
    administrator the whole.
    """

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
    model_states: list[ModelState]
    weight_bytes: int  # Of memory that the weights take now,
    weight_budget_bytes: int  # and that all weights may take.
    own: SharedAmounts  # What you have,
    quota: SharedAmounts  # and may have at most.

    @classmethod
    def of(cls, reply: DaemonStatusReply, socket: str) -> DaemonStatus:
        """What a daemon says of itself."""
        return cls(
            socket=socket,
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
            model_states=read_states(reply.model_states),
            weight_bytes=reply.weight_bytes,
            weight_budget_bytes=reply.weight_budget_bytes,
            own=read_amounts(reply.own),
            quota=read_amounts(reply.quota),
        )


class ModelChoice:
    """Which model a user means: `name`, else `$LENSD_MODEL`, else the daemon's default."""

    def __init__(self, name: str | None, processing: bool | None) -> None:
        """Raises `InvalidArgument` for what is no NAME or NAME@raw."""
        name = name if name is not None else os.environ.get("LENSD_MODEL")
        self._wanted, at, form = (name or "").partition("@")
        if form not in ("", "raw") or (at and not form) or (form == "raw" and processing):
            raise InvalidArgument(f"a model is NAME or NAME@raw; received {name!r} with processing={processing}")
        self.is_raw = form == "raw" or processing is False

    def among(self, listed: models_pb2.ListModelsReply) -> models_pb2.ModelDescription | bytes:
        """Its description, or the name of one that is to be described yet. Raises `NotFound` where there is none."""
        for description in listed.models:
            if self._is_meant(description):
                return description
        for state in listed.states:
            if self._is_meant(state):
                return state.name
        resident = ", ".join(each.name.decode() for each in listed.models) or "none"
        raise NotFound(f"no model {self._wanted!r} is resident; there are: {resident}")

    def _is_meant(self, model: models_pb2.ModelDescription | models_pb2.ModelState) -> bool:
        return model.name.decode() == self._wanted or (not self._wanted and model.is_default)


class Client:
    """A connection to a daemon. Use it in a `with` block, or `close` it, or let it go; safe from several threads.

    A forked child may go on with its parent's client, and clients and models may be pickled for other processes: each
    process has a connection of its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        arrays: ArrayKind = "numpy",
        session: str | None = None,
        timeout: float | None = None,
        retry: Retry | None = DEFAULT_RETRY,
    ) -> None:
        """See `lensd.connect`."""
        self._arrays = Arrays(arrays)
        self.session_name = session if session is not None else os.environ.get("LENSD_SESSION") or None
        # The layer below: calls of `lensd.methods`, messages in and messages out.
        self.channel = Channel(path, timeout, retry)

    @property
    def path(self) -> str:
        """The socket that answered."""
        return self.channel.path

    @overload
    def model(self, name: str | None = None, processing: bool | None = None) -> Model: ...

    @overload
    def model(self, name: str | None = None, processing: bool | None = None, *, kind: type[Kind]) -> Kind: ...

    def model(self, name: str | None = None, processing: bool | None = None, *, kind: type[Model] = Model) -> Model:
        """One model by name; without a name `$LENSD_MODEL`, else the daemon's default.

        `name@raw` or `processing=False` is the checkpoint's own weights. A model that the daemon knows and has not in
        memory is loaded, which may take a while. `kind` is the class that it comes as.

        Raises `NotFound` that lists what is resident.
        """
        choice = ModelChoice(name, processing)
        found = choice.among(self._list())
        if isinstance(found, bytes):
            found = self.channel.unary(DESCRIBE, models_pb2.DescribeModelRequest(model=found)).model
        return kind(self.channel, self._arrays, found, choice.is_raw, self.session_name)

    def models(self) -> list[str]:
        """The names of the resident models."""
        return [description.name.decode() for description in self._list().models]

    def model_states(self) -> list[ModelState]:
        """Every model that you may use, resident or not."""
        return read_states(self._list().states)

    def load_model(self, name: str, on_progress: Callable[[int, int], object] | None = None) -> Model:
        """Has the daemon read a model into memory: one that it is configured with, or a folder of its `models`.

        For its administrator (root, or the user it runs as). `on_progress` learns bytes read and bytes in all.
        Raises `NotFound`, `PermissionDenied`, `ResourceExhausted` where there is no room, and what is wrong with the
        files.
        """
        loaded = None
        for event in self.channel.stream(LOAD, models_pb2.LoadModelRequest(name=name.encode())):
            if event.HasField("model"):
                loaded = event.model
            elif on_progress is not None:
                on_progress(event.progress.done_bytes, event.progress.total_bytes)
        if loaded is None:
            raise Internal("the daemon ended the load without a model")
        return self._model(loaded, is_raw=False)

    def unload_model(self, name: str) -> bool:
        """Takes a model out of the daemon's memory; whether passes still hold it, which go on. For its administrator.

        Nobody gets the model until it is loaded again.
        """
        return self.channel.unary(UNLOAD, models_pb2.UnloadModelRequest(name=name.encode())).in_use

    def rename_model(self, name: str, new_name: str) -> None:
        """Gives a model another name, under which recorded runs find it too. For the daemon's administrator."""
        self.channel.unary(RENAME, models_pb2.RenameModelRequest(name=name.encode(), new_name=new_name.encode()))

    def query(self, run: str, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """One activation of a recorded run: `[batch, …]` with `.lengths`.

        `run` is an id, a unique prefix of one, or `"last"`; `hook` a name or short form; `index` NumPy's basic indexing
        on the shape without batch (`np.s_[3, -1]`), done by the daemon; `prompts` picks some prompts of the run.
        """
        return Pass(self.channel, self._arrays, run).read(hook, index, prompts)

    def sessions(self) -> Sessions:
        """Your sessions, last used first, then those that others share with you."""
        return asked(listed(), self.channel)

    def session(self, name: str | None = None) -> Session:
        """A session by its name, or `OWNER/NAME` of another user's; without a name the client's own, else `default`.

        It need not exist: a recorded pass makes it, or `Session.create`.
        """
        return Session(self.channel, self._arrays, name or self.session_name or "default")

    def search_sessions(self, text: str, limit: int = 100) -> Findings:
        """Sessions and at most `limit` runs with a text in their name, note or first prompt's beginning.

        Looks through all that you may read; the letters a to z count in either case.
        """
        return asked(searched(text, limit), self.channel)

    def import_session(self, path: str | os.PathLike[str], name: str | None = None) -> Session:
        """Makes a session of a file that `Session.export` or `lensctl sessions export` wrote.

        Its runs are marked as imported. Raises `AlreadyExists`, and `InvalidArgument` for what is wrong with the file,
        of which nothing stays then.
        """
        return self.session(import_session(self.channel, Path(path), name).name)

    def status(self) -> DaemonStatus:
        """Which daemon answers, what is resident, memory, queue, versions."""
        return DaemonStatus.of(self.channel.unary(STATUS, DaemonStatusRequest()), self.path)

    def usage(self) -> dict[int, SharedAmounts]:
        """What every user has, by uid, of those who have anything. For the daemon's administrator."""
        reply = self.channel.unary(USAGE, UsageRequest())
        return {user.user_id: read_amounts(user.amounts) for user in reply.users}

    def close(self) -> None:
        """Hangs up. Calls in flight end with `Unavailable`, later ones with `FailedPrecondition`."""
        self.channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.path})"

    def _list(self) -> models_pb2.ListModelsReply:
        return self.channel.unary(LIST_MODELS, models_pb2.ListModelsRequest())

    def _model(self, description: models_pb2.ModelDescription, is_raw: bool) -> Model:
        return Model(self.channel, self._arrays, description, is_raw, self.session_name)


def connect(
    path: str | os.PathLike[str] | None = None,
    arrays: ArrayKind = "numpy",
    session: str | None = None,
    timeout: float | None = None,
    retry: Retry | None = DEFAULT_RETRY,
) -> Client:
    """Connects to a daemon.

    `path` is its socket; else `$LENSD_SOCKET`, else the first that answers of `$XDG_RUNTIME_DIR/lensd/lensd.sock` and
    `/run/lensd/lensd.sock`. `arrays` is what values come as, `"numpy"` or `"torch"`. Passes are recorded in `session`
    (else `$LENSD_SESSION`), by name; without one they leave no trace. `timeout` bounds every call, in seconds; without
    it a call with one reply has 60 s, a stream as long as it takes. `retry` says how calls are tried again while the
    daemon restarts or is busy; with `None` they fail at once.

    Raises `Unavailable` that names the sockets that were tried.
    """
    return Client(path, arrays, session, timeout, retry)

"""What a task holds: a connected client."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lensd import methods
from lensd._proto import models_pb2
from lensd._proto.daemon_pb2 import DaemonStatusRequest, UsageRequest
from lensd.aio.cache import Pass
from lensd.aio.channel import Channel
from lensd.aio.model import Model
from lensd.aio.session import Session
from lensd.arrays import Array, ArrayKind, Arrays
from lensd.client import DaemonStatus, ModelChoice
from lensd.errors import Internal
from lensd.model_states import ModelState, read_states
from lensd.questions import awaited
from lensd.retry import DEFAULT_RETRY, Retry
from lensd.session_info import Findings, Sessions
from lensd.session_questions import listed, searched
from lensd.usage import SharedAmounts, read_amounts

if TYPE_CHECKING:
    from typing_extensions import Self


class Client:
    """A connection to a daemon, for the tasks of one event loop. Use it in an `async with` block, or `close` it."""

    def __init__(self, channel: Channel, arrays: Arrays, session: str | None) -> None:
        """Use `lensd.aio.connect`."""
        self.session_name = session
        self._arrays = arrays
        self._channel = channel

    @property
    def path(self) -> str:
        """The socket that answered."""
        return self._channel.path

    async def model(self, name: str | None = None, processing: bool | None = None) -> Model:
        """One model by name; without a name `$LENSD_MODEL`, else the daemon's default.

        `name@raw` or `processing=False` is the checkpoint's own weights. A model that the daemon knows and has not in
        memory is loaded, which may take a while. Raises `NotFound` that lists what is resident.
        """
        choice = ModelChoice(name, processing)
        found = choice.among(await self._list())
        if isinstance(found, bytes):
            reply = await self._channel.unary(methods.DESCRIBE, models_pb2.DescribeModelRequest(model=found))
            found = reply.model
        return Model(self._channel, self._arrays, found, choice.is_raw, self.session_name)

    async def models(self) -> list[str]:
        """The names of the resident models."""
        return [description.name.decode() for description in (await self._list()).models]

    async def model_states(self) -> list[ModelState]:
        """Every model that you may use, resident or not."""
        return read_states((await self._list()).states)

    async def load_model(self, name: str, on_progress: Callable[[int, int], object] | None = None) -> Model:
        """Has the daemon read a model into memory. For its administrator; see `lensd.Client.load_model`."""
        loaded = None
        async with self._channel.stream(methods.LOAD, models_pb2.LoadModelRequest(name=name.encode())) as events:
            async for event in events:
                if event.HasField("model"):
                    loaded = event.model
                elif on_progress is not None:
                    on_progress(event.progress.done_bytes, event.progress.total_bytes)
        if loaded is None:
            raise Internal("the daemon ended the load without a model")
        return Model(self._channel, self._arrays, loaded, False, self.session_name)

    async def unload_model(self, name: str) -> bool:
        """Takes a model out of the daemon's memory; whether passes still hold it. For its administrator."""
        reply = await self._channel.unary(methods.UNLOAD, models_pb2.UnloadModelRequest(name=name.encode()))
        return reply.in_use

    async def rename_model(self, name: str, new_name: str) -> None:
        """Gives a model another name. For the daemon's administrator."""
        request = models_pb2.RenameModelRequest(name=name.encode(), new_name=new_name.encode())
        await self._channel.unary(methods.RENAME, request)

    async def query(self, run: str, hook: str, index: Any = None, prompts: Sequence[int] | None = None) -> Array:
        """One activation of a recorded run: `[batch, …]` with `.lengths`; see `lensd.Client.query`."""
        return await Pass(self._channel, self._arrays, run).read(hook, index, prompts)

    async def sessions(self) -> Sessions:
        """Your sessions, last used first, then those that others share with you."""
        return await awaited(listed(), self._channel)

    def session(self, name: str | None = None) -> Session:
        """A session by its name, or `OWNER/NAME` of another user's; without a name the client's own, else `default`."""
        return Session(self._channel, self._arrays, name or self.session_name or "default")

    async def search_sessions(self, text: str, limit: int = 100) -> Findings:
        """Sessions and at most `limit` runs with a text in their name, note or first prompt's beginning."""
        return await awaited(searched(text, limit), self._channel)

    async def status(self) -> DaemonStatus:
        """Which daemon answers, what is resident, memory, queue, versions."""
        return DaemonStatus.of(await self._channel.unary(methods.STATUS, DaemonStatusRequest()), self.path)

    async def usage(self) -> dict[int, SharedAmounts]:
        """What every user has, by uid, of those who have anything. For the daemon's administrator."""
        reply = await self._channel.unary(methods.USAGE, UsageRequest())
        return {user.user_id: read_amounts(user.amounts) for user in reply.users}

    async def close(self) -> None:
        """Hangs up. Calls in flight end with `Unavailable`, later ones with `FailedPrecondition`."""
        self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Client({self.path})"

    async def _list(self) -> models_pb2.ListModelsReply:
        return await self._channel.unary(methods.LIST_MODELS, models_pb2.ListModelsRequest())


async def connect(
    path: str | os.PathLike[str] | None = None,
    arrays: ArrayKind = "numpy",
    session: str | None = None,
    timeout: float | None = None,
    retry: Retry | None = DEFAULT_RETRY,
) -> Client:
    """Connects to a daemon from the running event loop; everything is meant as in `lensd.connect`.

    With `arrays="torch"` results are plain tensors, no part of torch's graph. Raises `Unavailable` that names the
    sockets that were tried.
    """
    made = Arrays(arrays)
    channel = await Channel.open(None if path is None else os.fspath(path), timeout, retry)
    return Client(channel, made, session if session is not None else os.environ.get("LENSD_SESSION") or None)

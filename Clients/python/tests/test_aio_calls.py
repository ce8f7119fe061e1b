"""The asyncio client against a server that speaks real frames by a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_server import REPLY, Peer, chunk, hang_up, serving

import lensd
import lensd.aio.connection
import lensd.call_state
from lensd import methods
from lensd._proto.daemon_pb2 import DaemonStatusReply, DaemonStatusRequest
from lensd._proto.frame_pb2 import ServerFrame, ServerHello
from lensd._proto.inference_pb2 import QueryEvent, QueryRequest, TensorHeader
from lensd._proto.models_pb2 import UnloadModelRequest
from lensd._proto.reports_pb2 import AttentionPageRequest
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd.activations import IncomingTensors
from lensd.aio.channel import Channel
from lensd.retry import Retry

QUICK = Retry(seconds=5, first_delay=0.01, max_delay=0.05)
Work = Callable[[Channel], Coroutine[Any, Any, Any]]


def run(path: str, work: Work, retry: Retry | None = None, timeout: float | None = None) -> Any:
    async def main() -> Any:
        channel = await Channel.open(path, timeout, retry)
        try:
            return await asyncio.wait_for(work(channel), 20)
        finally:
            channel.close()

    return asyncio.run(main())


async def status(channel: Channel) -> DaemonStatusReply:
    return await channel.unary(methods.STATUS, DaemonStatusRequest())


async def pages(channel: Channel) -> list[bytes]:
    return [page.html async for page in channel.stream(methods.ATTENTION_PAGE, AttentionPageRequest())]


def lose_the_call(peer: Peer) -> None:
    peer.expect("start")


def answer(peer: Peer) -> None:
    peer.answer(peer.expect("start").call_id, REPLY)


def test_a_call(path: Path) -> None:
    def script(peer: Peer) -> None:
        call = peer.expect("start")
        assert call.start.deadline_ms == 2500
        peer.heartbeat(call.call_id)
        peer.answer(call.call_id, REPLY)
        peer.status(peer.expect("start").call_id, 5, "no such thing")
        assert peer.read() is None

    async def work(channel: Channel) -> None:
        assert (await status(channel)).threads == 2
        with pytest.raises(lensd.NotFound, match="no such thing"):
            await status(channel)

    with serving(path, script) as at:
        run(at, work, timeout=2.5)


def test_calls_are_told_apart_whatever_their_order(path: Path) -> None:
    count = 16

    def script(peer: Peer) -> None:
        ids = [peer.expect("start").call_id for _ in range(count)]
        for call_id in reversed(ids):
            peer.answer(call_id, DaemonStatusReply(threads=call_id).SerializeToString())

    async def work(channel: Channel) -> None:
        replies = await asyncio.gather(*(status(channel) for _ in range(count)))
        assert [reply.threads for reply in replies] == list(range(1, count + 1))

    with serving(path, script) as at:
        run(at, work)


def refuse(peer: Peer) -> None:
    peer.read()
    peer.status(0, 7, "uid 65534 is refused")


def refuse_at_once(peer: Peer) -> None:
    peer.status(0, 8, "a user may have 1 connections", 100)


def speak_a_later_version(peer: Peer) -> None:
    peer.read()
    peer.send(ServerFrame(hello=ServerHello(protocol_version=9)))


def speak_http(peer: Peer) -> None:
    peer.read()
    peer.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (hang_up, lensd.Unavailable, "hung up on a Hello"),
        (refuse, lensd.PermissionDenied, "65534"),
        (refuse_at_once, lensd.ResourceExhausted, "1 connections"),
        (speak_a_later_version, lensd.Unavailable, "version 9; this client knows 1"),
        (speak_http, lensd.Internal, "announced 1213486160"),
    ],
)
def test_servers_that_are_no_lensd(
    path: Path, script: Callable[[Peer], None], error: type[lensd.LensError], message: str
) -> None:
    with serving(path, script, greets=False) as at, pytest.raises(error, match=message):
        run(at, status)


def test_nobody_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(lensd.Unavailable, match=r"no daemon answers at .*lensctl up"):
        run(str(tmp_path / "absent"), status)
    with pytest.raises(lensd.InvalidArgument, match="1 to 107 bytes; received 200"):
        run("x" * 200, status)
    monkeypatch.delenv("LENSD_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("lensd.channel.MACHINE_SOCKET", str(tmp_path / "machine"))
    with pytest.raises(lensd.Unavailable, match=r"lensd/lensd\.sock.*machine.*lensctl up"):
        asyncio.run(lensd.aio.connect())


def test_a_silent_server(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.aio.connection, "HELLO_SECONDS", 0.2)

    def script(peer: Peer) -> None:
        peer.expect("hello")
        assert peer.read() is None

    with serving(path, script, greets=False) as at, pytest.raises(lensd.Unavailable, match="did not answer a Hello"):
        run(at, status)


def truncate(peer: Peer) -> None:
    peer.expect("start")
    peer.raw(b"\0\0\1\0" + b"half")


def garble(peer: Peer) -> None:
    peer.expect("start")
    peer.raw(b"\0\0\0\4\xff\xff\xff\xff")


@pytest.mark.parametrize(
    ("ending", "error", "message"),
    [
        (lose_the_call, lensd.Unavailable, "closed the connection"),
        (truncate, lensd.Unavailable, "after 4 of 256 bytes"),
        (garble, lensd.Internal, "does not parse"),
    ],
)
def test_a_lost_connection(
    path: Path, ending: Callable[[Peer], None], error: type[lensd.LensError], message: str
) -> None:
    with serving(path, ending) as at, pytest.raises(error, match=message):
        run(at, status)


def test_what_is_tried_again(path: Path) -> None:
    ids: list[bytes] = []

    def note(peer: Peer) -> None:
        ids.append(peer.expect("start").start.request_id)

    def note_and_answer(peer: Peer) -> None:
        call = peer.expect("start")
        ids.append(call.start.request_id)
        peer.answer(call.call_id, RunReply(run_id=b"ab").SerializeToString())
        peer.status(peer.expect("start").call_id, 8, "full", 100)
        answer(peer)
        peer.expect("start")

    async def work(channel: Channel) -> None:
        assert (await channel.unary(methods.RUN, RunRequest())).run_id == b"ab"
        assert (await status(channel)).threads == 2
        with pytest.raises(lensd.Unavailable, match="may have been carried out"):
            await channel.unary(methods.UNLOAD, UnloadModelRequest())

    with serving(path, note, note, note_and_answer) as at:
        run(at, work, QUICK)
    assert len(set(ids)) == 1
    assert len(ids) == 3
    assert len(ids[0]) == 16


def test_a_daemon_that_stays_away(path: Path) -> None:
    async def work(channel: Channel) -> None:
        path.unlink()
        with pytest.raises(lensd.Unavailable, match=r"no daemon answers.*tried \d+ times"):
            await status(channel)

    with serving(path, lose_the_call) as at:
        run(at, work, Retry(seconds=0.3, first_delay=0.01, max_delay=0.1))


def test_closing_ends_the_waiting(path: Path) -> None:
    async def work(channel: Channel) -> None:
        waiting = asyncio.create_task(status(channel))
        await asyncio.sleep(0.1)
        channel.close()
        with pytest.raises(lensd.FailedPrecondition, match="this client was closed"):
            await waiting

    with serving(path, lose_the_call) as at:
        run(at, work, Retry(seconds=60, first_delay=30, max_delay=30))


def begin_a_page(peer: Peer) -> None:
    peer.message(peer.expect("start").call_id, chunk(b"half of "))


def finish_a_page(peer: Peer) -> None:
    call_id = peer.expect("start").call_id
    peer.message(call_id, chunk(b"a"))
    peer.message(call_id, chunk(b"ll"))
    peer.status(call_id)


def test_streams(path: Path) -> None:
    async def work(channel: Channel) -> None:
        assert await pages(channel) == [b"a", b"ll"]
        async with channel.stream(methods.ATTENTION_PAGE, AttentionPageRequest()) as stream:
            assert b"".join([page.html for page in await stream.whole()]) == b"all"
        with pytest.raises(lensd.Unavailable):
            await pages(channel)

    with serving(path, lose_the_call, finish_a_page, begin_a_page, finish_a_page, begin_a_page) as at:
        run(at, work, QUICK)


def test_cancelling_tells_the_daemon(path: Path) -> None:
    def script(peer: Peer) -> None:
        first = peer.expect("start").call_id
        assert peer.expect("cancel").call_id == first
        peer.status(first, 1, "cancelled")
        answer(peer)

    async def work(channel: Channel) -> None:
        task = asyncio.create_task(status(channel))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await status(channel)).threads == 2

    with serving(path, script) as at:
        run(at, work)


def test_time_limits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call_state, "GRACE_SECONDS", 0.1)

    def script(peer: Peer) -> None:
        assert peer.expect("start").start.deadline_ms == 100
        peer.expect("cancel")

    with serving(path, script) as at, pytest.raises(lensd.DeadlineExceeded, match=r"longer than 0\.1 s"):
        run(at, status, timeout=0.1)


@pytest.mark.parametrize("count", [0, 100, 1 << 20])
def test_values_come_whole(path: Path, count: int) -> None:
    """Small ones in messages, large ones straight into their array; of half an answer nothing is left."""
    data = np.arange(count, dtype="<f4")

    def script(peer: Peer, part: int) -> None:
        call_id = peer.expect("start").call_id
        header = TensorHeader(hook=b"z", element_type=b"F32", shape=[count])
        peer.message(call_id, QueryEvent(header=header).SerializeToString())
        for start in range(0, part, 1 << 18):
            values = data[start : min(start + (1 << 18), part)].tobytes()
            peer.message(call_id, QueryEvent(values=values).SerializeToString())
        if part == count:
            peer.status(call_id)

    async def work(channel: Channel) -> None:
        incoming = IncomingTensors()
        await channel.deliver(methods.QUERY, QueryRequest(), incoming)
        ((_, values),) = incoming.tensors()
        assert np.array_equal(values, data)

    scripts: list[Callable[[Peer], None]] = [lambda peer: script(peer, count)]
    if count:
        scripts.insert(0, lambda peer: script(peer, count // 2))
    with serving(path, *scripts) as at:
        run(at, work, QUICK)


def test_requests_wait_while_the_socket_is_full(path: Path) -> None:
    """A daemon that does not read holds back its callers, not the event loop."""
    count, size = 8, 1 << 19

    def script(peer: Peer) -> None:
        peer.expect("start")
        ready.wait(10)
        for call_id in range(2, count + 2):
            assert len(peer.expect("start").start.request) > size
            peer.answer(call_id, chunk(b"x"))
        peer.answer(1, REPLY)

    async def work(channel: Channel) -> None:
        first = asyncio.create_task(status(channel))
        await asyncio.sleep(0.05)
        request = AttentionPageRequest(title=b"t" * size)
        tasks = [asyncio.create_task(channel.stream(methods.ATTENTION_PAGE, request).whole()) for _ in range(count)]
        await asyncio.sleep(0.2)
        transport = channel._connection._transport
        assert transport is not None
        assert transport.get_write_buffer_size() < 2 * size
        ready.set()
        for task in tasks:
            assert [page.html for page in await task] == [b"x"]
        assert (await first).threads == 2

    import threading

    ready = threading.Event()
    with serving(path, script) as at:
        run(at, work)

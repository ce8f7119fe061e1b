"""Calls against a server that speaks real frames by a script."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from scripted_server import REPLY, Peer, chunk, page, serving, status

import lensd
import lensd.call_state
import lensd.connection
from lensd._proto.daemon_pb2 import DaemonStatusReply
from lensd._proto.reports_pb2 import AttentionPageRequest
from lensd.channel import Channel
from lensd.methods import ATTENTION_PAGE, STATUS


def test_unary_call(path: Path) -> None:
    def script(peer: Peer) -> None:
        call = peer.expect("start")
        assert call.call_id == 1
        assert call.start.method == STATUS.path.encode()
        assert call.start.deadline_ms == 0
        assert call.start.window > 0
        peer.heartbeat(1)
        peer.answer(1, REPLY)
        assert peer.expect("start").start.deadline_ms == 2500
        peer.answer(2, REPLY)
        assert peer.read() is None

    with serving(path, script) as at:
        channel = Channel(at)
        assert channel.server == "scripted/1"
        assert status(channel).threads == 2
        assert status(channel, timeout=2.5).threads == 2
        channel.close()


def test_error_status(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.status(peer.expect("start").call_id, 5, "no such thing")

    with serving(path, script) as at, pytest.raises(lensd.NotFound, match="no such thing"):
        status(Channel(at))


@pytest.mark.parametrize("messages", [0, 2])
def test_unary_call_has_one_reply(path: Path, messages: int) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        for _ in range(messages):
            peer.message(call_id, REPLY)
        peer.status(call_id)

    with serving(path, script) as at, pytest.raises(lensd.Internal, match=f"received {messages}"):
        status(Channel(at))


def test_reply_that_does_not_parse(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.answer(peer.expect("start").call_id, b"\xff\xff")

    with serving(path, script) as at, pytest.raises(lensd.Internal, match="2 bytes that are no DaemonStatusReply"):
        status(Channel(at))


def test_calls_are_told_apart_whatever_their_order(path: Path) -> None:
    count = 16

    def script(peer: Peer) -> None:
        ids = [peer.expect("start").call_id for _ in range(count)]
        assert sorted(ids) == list(range(1, count + 1))
        for call_id in reversed(ids):
            peer.answer(call_id, DaemonStatusReply(threads=call_id).SerializeToString())

    with serving(path, script) as at, ThreadPoolExecutor(count) as pool:
        channel = Channel(at)
        replies = [pool.submit(status, channel) for _ in range(count)]
        assert sorted(reply.result(10).threads for reply in replies) == list(range(1, count + 1))


def test_late_frames_of_ended_calls_are_ignored(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.answer(peer.expect("start").call_id, REPLY)
        peer.expect("start")
        peer.message(1, b"late")
        peer.heartbeat(1)
        peer.status(1, 13, "late")
        peer.answer(2, REPLY)

    with serving(path, script) as at:
        channel = Channel(at)
        assert status(channel).threads == 2
        assert status(channel).threads == 2


def test_frame_for_a_call_that_was_never_made(path: Path) -> None:
    def script(peer: Peer) -> None:
        peer.expect("start")
        peer.status(77)

    with serving(path, script) as at, pytest.raises(lensd.Internal, match="call 77, which was never made"):
        status(Channel(at))


def test_request_over_the_daemons_limit_keeps_the_connection(path: Path) -> None:
    def script(peer: Peer) -> None:
        call = peer.expect("start")
        assert call.start.request == b""
        peer.answer(call.call_id, REPLY)

    with serving(path, script) as at:
        channel = Channel(at)
        with pytest.raises(lensd.ResourceExhausted, match="at most 1048576 bytes"):
            channel.unary(ATTENTION_PAGE, AttentionPageRequest(title=b"x" * (1 << 20)))
        assert status(channel).threads == 2


def test_daemon_that_misses_the_deadline(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call_state, "GRACE_SECONDS", 0.1)

    def script(peer: Peer) -> None:
        assert peer.expect("start").start.deadline_ms == 100
        peer.expect("cancel")

    with serving(path, script) as at, pytest.raises(lensd.DeadlineExceeded, match=r"longer than 0\.1 s"):
        status(Channel(at, timeout=0.1))


def test_silent_stream_is_given_up_and_heartbeats_keep_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lensd.call_state, "SILENCE_SECONDS", 0.4)

    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        for _ in range(6):
            time.sleep(0.15)
            peer.heartbeat(call_id)
        peer.message(call_id, chunk(b"late, but alive"))
        peer.expect("cancel")

    with serving(path, script) as at:
        stream = iter(page(Channel(at)))
        assert next(stream).html == b"late, but alive"
        with pytest.raises(lensd.Unavailable, match=r"silent for 0\.4 s"):
            next(stream)

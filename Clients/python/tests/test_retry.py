"""What is tried again after a failure and what is not, against a scripted server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message
from scripted_server import REPLY, Peer, chunk, hang_up, page, serving, status

import lensd
from lensd._proto import models_pb2, sessions_pb2
from lensd._proto.daemon_pb2 import DaemonStatusReply, DaemonStatusRequest
from lensd._proto.generation_pb2 import (
    GeneratedBatch,
    GeneratedTokens,
    GenerateEvent,
    GenerateRequest,
    Generation,
    GenerationEnd,
)
from lensd._proto.hooks_pb2 import HookedRunMessage
from lensd._proto.inference_pb2 import QueryEvent, QueryRequest, TensorHeader
from lensd._proto.reports_pb2 import PageChunk
from lensd._proto.run_pb2 import RunReply, RunRequest
from lensd.activations import IncomingTensors
from lensd.channel import Channel
from lensd.generation import GenerationStream
from lensd.generation_news import GenerationNews
from lensd.methods import ATTENTION_PAGE, DELETE_SESSION, GENERATE, QUERY, RUN, RUN_HOOKED, UNLOAD, Method
from lensd.retry import MOST_LOSSES, Retry, Safety, Tries, safety_of

QUICK = Retry(seconds=5, first_delay=0.01, max_delay=0.05)
UNAVAILABLE, EXHAUSTED = 14, 8


def lose_the_call(peer: Peer) -> None:
    peer.expect("start")


def answer(peer: Peer) -> None:
    peer.answer(peer.expect("start").call_id, REPLY)


def ending(code: int, retry_after_ms: int = 0) -> Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        peer.status(peer.expect("start").call_id, code, "as the script says", retry_after_ms)

    return script


# What is safe.


def test_safety_is_that_of_the_protos() -> None:
    always = ["Daemon/Status", "Models/List", "Models/Describe", "Inference/Tokenize", "Inference/Query"]
    always += ["Weights/ListParameters", "Weights/Parameter", "Weights/Circuits", "Weights/CompositionScores"]
    always += ["Inference/ScoreHeads", "Sessions/List", "Sessions/Show", "Reports/AttentionPage"]
    by_id = ["Inference/Run", "Inference/Sweep", "Inference/Generate"]
    by_id += [f"Sessions/{name}" for name in ("Create", "Rename", "Delete", "Share", "Unshare", "SetNote", "Import")]
    never = ["Inference/RunHooked", "Inference/GenerateHooked", "Inference/Gradient", "Sessions/Replay"]
    never += ["Models/Load", "Models/Unload", "Models/Rename", "Nothing/Known", "Inference/Unknown"]
    for methods, safety in ((always, Safety.ALWAYS), (by_id, Safety.BY_REQUEST_ID), (never, Safety.NEVER)):
        assert {method: safety_of(f"/lens.v1.{method}") for method in methods} == dict.fromkeys(methods, safety)


def test_a_reading_call_is_made_again(path: Path) -> None:
    with serving(path, lose_the_call, hang_up, ending(UNAVAILABLE), answer) as at:
        assert status(Channel(at, retry=QUICK)).threads == 2


def test_a_draining_daemon_is_waited_for(path: Path) -> None:
    def drain(peer: Peer) -> None:
        peer.status(peer.expect("start").call_id, UNAVAILABLE, "the daemon is shutting down and takes no new calls")
        peer.status(0, UNAVAILABLE, "the daemon is shutting down")

    with serving(path, drain, answer) as at:
        assert status(Channel(at, retry=QUICK)).threads == 2


def test_without_a_retry_nothing_is(path: Path) -> None:
    with serving(path, lose_the_call) as at, pytest.raises(lensd.Unavailable, match="closed the connection"):
        status(Channel(at))


@pytest.mark.parametrize("code", [code for code in lensd.StatusCode if code not in (0, UNAVAILABLE)])
def test_other_endings_are_final(path: Path, code: lensd.StatusCode) -> None:
    with serving(path, ending(code)) as at, pytest.raises(lensd.LensError) as caught:
        status(Channel(at, retry=QUICK))
    assert caught.value.code == code


def test_every_try_of_a_writing_call_has_the_same_request_id(path: Path) -> None:
    ids: list[bytes] = []

    def note(peer: Peer) -> None:
        ids.append(peer.expect("start").start.request_id)

    def note_and_answer(peer: Peer) -> None:
        call = peer.expect("start")
        ids.append(call.start.request_id)
        peer.answer(call.call_id, RunReply(run_id=b"ab").SerializeToString())

    def two(peer: Peer) -> None:
        note_and_answer(peer)
        note_and_answer(peer)
        assert peer.expect("start").start.request_id == b""

    with serving(path, note, note, two) as at:
        channel = Channel(at, retry=QUICK)
        assert channel.unary(RUN, RunRequest()).run_id == b"ab"
        assert channel.unary(RUN, RunRequest()).run_id == b"ab"
        other = Method("/lens.v1.Daemon/Other", DaemonStatusRequest, DaemonStatusReply)
        with pytest.raises(lensd.Unavailable):
            channel.unary(other, DaemonStatusRequest())
    assert len(ids) == 4
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert len(ids[0]) == 16


def delete(channel: Channel) -> sessions_pb2.DeleteSessionReply:
    return channel.unary(DELETE_SESSION, sessions_pb2.DeleteSessionRequest(name=b"x"))


def test_other_writing_calls_are_not_made_again(path: Path) -> None:
    with serving(path, lose_the_call) as at:
        channel = Channel(at, retry=QUICK)
        with pytest.raises(lensd.Unavailable, match="may have been carried out, so it was not tried again"):
            channel.unary(UNLOAD, models_pb2.UnloadModelRequest(name=b"x"))


def test_hooked_calls_are_not_made_again(path: Path) -> None:
    def script(peer: Peer) -> None:
        assert peer.expect("start").start.request_id == b""

    with serving(path, script) as at:
        exchange = Channel(at, retry=QUICK).exchange(RUN_HOOKED, HookedRunMessage())
        with pytest.raises(lensd.Unavailable, match="not tried again"):
            list(exchange)


def test_every_call_waits_for_a_daemon_to_connect_to(path: Path) -> None:
    """A daemon that cannot have heard of a call is safe for any."""

    def deleted(peer: Peer) -> None:
        call = peer.expect("start")
        peer.answer(call.call_id, sessions_pb2.DeleteSessionReply(run_count=3).SerializeToString())

    with serving(path, hang_up) as at:
        channel = Channel(at, retry=QUICK)
    path.unlink()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(delete, channel)
        time.sleep(0.2)
        with serving(path, deleted):
            assert waiting.result(10).run_count == 3


# For how long.


def test_a_busy_daemon_is_asked_again_when_it_says(path: Path) -> None:
    def script(peer: Peer) -> None:
        for wait in (150, 50):
            peer.status(peer.expect("start").call_id, EXHAUSTED, "the queue is full", wait)
        answer(peer)

    with serving(path, script) as at:
        started = time.monotonic()
        assert status(Channel(at, retry=QUICK)).threads == 2
        assert 0.2 <= time.monotonic() - started < 3


def test_a_busy_daemon_is_not_waited_for_past_the_deadline(path: Path) -> None:
    with serving(path, ending(EXHAUSTED, retry_after_ms=60_000)) as at:
        started = time.monotonic()
        with pytest.raises(lensd.ResourceExhausted, match="as the script says") as caught:
            status(Channel(at, timeout=5, retry=QUICK))
        assert time.monotonic() - started < 1
    assert caught.value.retry_after == 60


def test_later_tries_have_what_is_left_of_the_deadline(path: Path) -> None:
    def script(peer: Peer) -> None:
        call = peer.expect("start")
        assert call.start.deadline_ms == 2000
        peer.status(call.call_id, EXHAUSTED, "", 300)
        call = peer.expect("start")
        assert call.start.deadline_ms <= 1700
        peer.answer(call.call_id, REPLY)

    with serving(path, script) as at:
        assert status(Channel(at, timeout=2, retry=QUICK)).threads == 2


def test_a_daemon_that_stays_away(path: Path) -> None:
    with serving(path, hang_up) as at:
        channel = Channel(at, retry=Retry(seconds=0.4, first_delay=0.01, max_delay=0.1))
    path.unlink()
    started = time.monotonic()
    with pytest.raises(
        lensd.Unavailable, match=rf"no daemon answers at {path}.*lensctl up.*tried \d+ times in 0\.\d s"
    ):
        status(channel)
    assert time.monotonic() - started < 2


def test_closing_ends_the_waiting(path: Path) -> None:
    with serving(path, hang_up) as at:
        channel = Channel(at, retry=Retry(seconds=60, first_delay=30, max_delay=30))
    path.unlink()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(status, channel)
        time.sleep(0.1)
        channel.close()
        with pytest.raises(lensd.FailedPrecondition, match="this client was closed"):
            waiting.result(5)


def test_delays_grow_and_are_jittered() -> None:
    retry = Retry(first_delay=0.1, max_delay=1)
    for failures, longest in ((1, 0.1), (2, 0.2), (3, 0.4), (4, 0.8), (5, 1), (2000, 1)):
        delays = {retry.delay(failures) for _ in range(50)}
        assert len(delays) > 40
        assert longest / 2 <= min(delays)
        assert max(delays) <= longest
    for wrong in (Retry, lambda **given: Retry(**given)):
        with pytest.raises(lensd.InvalidArgument):
            wrong(first_delay=0)
    with pytest.raises(lensd.InvalidArgument):
        Retry(seconds=-1)


def test_a_failure_long_after_another_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("lensd.retry.time.monotonic", lambda: now[0])
    tries = Tries(Retry(seconds=10), "/lens.v1.Inference/Sweep", None, True)
    lost = lensd.Unavailable("lost", 0.0)
    for _ in range(5):
        tries.begin()
        now[0] += 300
        tries.delay_after(lost, was_sent=True)
        now[0] += 9
        tries.delay_after(lost, was_sent=False)
    now[0] += 2
    with pytest.raises(lensd.Unavailable, match="tried 3 times"):
        tries.delay_after(lost, was_sent=False)


def test_a_call_that_ends_every_daemon_is_given_up(path: Path) -> None:
    scripts = [lose_the_call] * MOST_LOSSES
    with serving(path, *scripts) as at, pytest.raises(lensd.Unavailable, match="8 times during this call"):
        status(Channel(at, retry=QUICK))


# Streams.


def test_a_stream_of_which_nothing_was_taken_starts_over(path: Path) -> None:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        peer.message(call_id, chunk(b"a"))
        peer.message(call_id, chunk(b"b"))
        peer.status(call_id)

    with serving(path, lose_the_call, script) as at:
        assert [each.html for each in page(Channel(at, retry=QUICK))] == [b"a", b"b"]


def begin_a_page(peer: Peer) -> None:
    call_id = peer.expect("start").call_id
    peer.message(call_id, chunk(b"half of "))


def finish_a_page(peer: Peer) -> None:
    peer.answer(peer.expect("start").call_id, chunk(b"all"))


def test_what_was_taken_is_not_given_twice(path: Path) -> None:
    with serving(path, begin_a_page) as at:
        stream = iter(page(Channel(at, retry=QUICK)))
        assert next(stream).html == b"half of "
        with pytest.raises(lensd.Unavailable):
            next(stream)


def test_a_whole_is_made_of_one_try(path: Path) -> None:
    with serving(path, begin_a_page, begin_a_page, finish_a_page) as at, page(Channel(at, retry=QUICK)) as stream:
        assert stream.whole(lambda chunks: b"".join(each.html for each in chunks)) == b"all"


def test_what_a_reader_raises_is_not_tried_again(path: Path) -> None:
    mine = lensd.Unavailable("of my own", 0.0)

    def read(chunks: Iterator[PageChunk]) -> None:
        raise mine

    def script(peer: Peer) -> None:
        peer.message(peer.expect("start").call_id, chunk(b"a"))
        peer.expect("cancel")

    with (
        serving(path, script) as at,
        pytest.raises(lensd.Unavailable) as caught,
        page(Channel(at, retry=QUICK)) as stream,
    ):
        stream.whole(read)
    assert caught.value is mine


def test_half_an_activation_is_fetched_again(path: Path) -> None:
    count = 100_000

    def script(values: int, peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        header = TensorHeader(hook=b"z", element_type=b"F32", shape=[count])
        peer.message(call_id, QueryEvent(header=header).SerializeToString())
        data = np.arange(count, dtype="<f4")[:values].tobytes()
        peer.message(call_id, QueryEvent(values=data).SerializeToString())
        if values == count:
            peer.status(call_id)

    with serving(path, lambda peer: script(count // 2, peer), lambda peer: script(count, peer)) as at:
        incoming = IncomingTensors()
        Channel(at, retry=QUICK).deliver(QUERY, QueryRequest(), incoming)
        ((_, values),) = incoming.tensors()
        assert (values == np.arange(count)).all()


# Generations go on where they were.


def tokens(ids: list[int], text: str) -> GenerateEvent:
    made: list[Any] = [{"id": number, "text": str(number).encode()} for number in ids]
    batch = GeneratedTokens(prompt_index=0, tokens=made, logprobs=[-1.0] * len(ids), text=text.encode())
    return GenerateEvent(tokens=GeneratedBatch(prompts=[batch]))


END = [GenerateEvent(result=Generation(text=b"abcd")), GenerateEvent(end=GenerationEnd())]


def generating(*events: Message, ends: bool = True) -> Callable[[Peer], None]:
    def script(peer: Peer) -> None:
        call_id = peer.expect("start").call_id
        for event in events:
            peer.message(call_id, event.SerializeToString())
        if ends:
            peer.status(call_id)

    return script


def generated(channel: Channel) -> list[tuple[int, str]]:
    stream = channel.stream(GENERATE, GenerateRequest())
    finished: list[Any] = []

    def finish(results: Any, end: GenerationEnd) -> Any:
        finished.append(results)

    taken = GenerationStream(stream, finish)
    news = [(token.id, token.text) for token in taken]
    assert [len(results) for results in finished] == [1]
    return news


def test_a_generation_goes_on_behind_what_was_given_out(path: Path) -> None:
    first = generating(tokens([1, 2], "a"), tokens([3], "b"), ends=False)
    # As a daemon tells a recorded one: at once.
    second = generating(tokens([1, 2, 3, 4, 5], "abcd"), *END)
    with serving(path, first, second) as at:
        assert generated(Channel(at, retry=QUICK)) == [(1, ""), (2, "a"), (3, "b"), (4, ""), (5, "cd")]


def test_a_generation_told_in_other_pieces(path: Path) -> None:
    first = generating(tokens([1, 2, 3], "ab"), ends=False)
    second = generating(tokens([1], ""), tokens([2], ""), ends=False)
    third = generating(tokens([1], "a"), tokens([2, 3], "bc"), tokens([4], "d"), *END)
    with serving(path, first, second, third) as at:
        assert generated(Channel(at, retry=QUICK)) == [(1, ""), (2, ""), (3, "ab"), (4, "cd")]


@pytest.mark.parametrize("other", [tokens([1, 9], "a"), tokens([1, 2], "x")], ids=["token", "text"])
def test_a_generation_that_goes_on_otherwise_is_an_error(path: Path, other: GenerateEvent) -> None:
    with (
        serving(path, generating(tokens([1, 2], "a"), ends=False), generating(other, ends=False)) as at,
        pytest.raises(lensd.Aborted, match="continues the text otherwise"),
    ):
        generated(Channel(at, retry=QUICK))


def test_generations_of_several_prompts() -> None:
    news = GenerationNews()

    def give(*parts: tuple[int, list[int], str]) -> list[tuple[int, int, str]]:
        batches = []
        for prompt, ids, text in parts:
            (batch,) = tokens(ids, text).tokens.prompts
            batch.prompt_index = prompt
            batches.append(batch)
        event = GenerateEvent(tokens=GeneratedBatch(prompts=batches))
        return [(token.prompt, token.id, token.text) for token in news.take(event)]

    assert give((0, [1], "a"), (1, [7], "x")) == [(0, 1, "a"), (1, 7, "x")]
    news.start_over()
    assert give((1, [7, 8], "xy"), (0, [1], "a")) == [(1, 8, "y")]
    assert give((0, [2], "b")) == [(0, 2, "b")]


# Several at once.


def test_all_threads_get_over_a_loss(path: Path) -> None:
    count = 8
    lost = threading.Event()

    def lose_all(peer: Peer) -> None:
        for _ in range(count):
            peer.expect("start")
        lost.set()

    def answer_all(peer: Peer) -> None:
        for _ in range(count):
            answer(peer)

    with serving(path, lose_all, answer_all) as at, ThreadPoolExecutor(count) as pool:
        channel = Channel(at, retry=QUICK)
        waiting = [pool.submit(status, channel) for _ in range(count)]
        assert [each.result(10).threads for each in waiting] == [2] * count
    assert lost.is_set()


def test_the_method_of_the_scripts_is_safe() -> None:
    assert safety_of(ATTENTION_PAGE.path) is Safety.ALWAYS

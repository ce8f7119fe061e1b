"""The asyncio client against a daemon: the same answers as the blocking one, and cancellation."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import assert_close, assert_same_loss, sequence, tensors

import lensd
import lensd.aio

TINY = MODELS["tiny"]
SEQ7, SEQ24, SEQ48 = (sequence(TINY, seq) for seq in ("seq7", "seq24", "seq48"))
TEXTS = ["ab", "abcdef"]


def run(daemon: Daemon, work: Callable[[lensd.aio.Model], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    """What `work` returns for the model `tiny`, in a loop of its own."""

    async def main() -> Any:
        async with await lensd.aio.connect(daemon.socket, **options) as client:
            return await asyncio.wait_for(work(await client.model("tiny")), 20)

    return asyncio.run(main())


def test_losses_logits_and_activations(daemon: Daemon) -> None:
    expected = tensors(TINY)

    async def work(model: lensd.aio.Model) -> None:
        output = await model(SEQ7, return_type="both")
        assert_close(output.logits[0], expected["processed/seq7/logits"])
        assert_same_loss(output.loss, expected["processed/seq7/loss"])
        logits, cache = await model.run_with_cache(SEQ24)
        assert_close(logits[0], expected["processed/seq24/logits"])
        assert_close((await cache["pattern", 0])[0], expected["processed/seq24/blocks.0.attn.hook_pattern"])
        assert await cache["z0"] is await cache["blocks.0.attn.hook_z"]
        z, pattern = await cache.fetch(["z0", "pattern0"])
        assert z is await cache["z", 0]
        assert_close(await cache.slice("pattern0", np.s_[3, -1]), pattern[:, 3, -1])
        assert "z0" in cache
        assert len(cache.keys()) == len(cache) == len(list(cache))
        assert (await model([SEQ7, SEQ24], return_type="loss", loss_per_token=True)).lengths.tolist() == [6, 23]

    run(daemon, work)


def test_the_same_as_the_blocking_client(daemon: Daemon, model: lensd.Model) -> None:
    metric = lensd.metrics.kl()

    async def work(aio: lensd.aio.Model) -> None:
        assert repr(aio) == repr(model)
        assert (aio.cfg, aio.fingerprint) == (model.cfg, model.fingerprint)
        assert str(await aio.describe()) == str(model.describe())
        tokens = await aio.to_tokens(TEXTS)
        assert np.array_equal(tokens, model.to_tokens(TEXTS))
        assert tokens.lengths.tolist() == model.to_tokens(TEXTS).lengths.tolist()
        assert await aio.to_str_tokens("ab") == model.to_str_tokens("ab")
        assert await aio.to_string(tokens) == model.to_string(tokens)
        assert await aio.to_string([]) == ""
        assert await aio.to_single_token("a") == model.to_single_token("a")
        edits = [lensd.zero("z0", head=8)]
        edited = await aio.run_with_interventions(SEQ7, edits, "loss")
        assert edited == model.run_with_interventions(SEQ7, edits, "loss")
        _, cache = await aio.run_with_cache(TEXTS, names_filter="z0", remove_batch_dim=False)
        _, own = model.run_with_cache(TEXTS, names_filter="z0")
        assert np.array_equal(await cache["z0"], own["z0"])
        with pytest.raises(lensd.NotFound, match="names_filter"):
            await cache["pattern0"]
        patched = [lensd.patch("z0", (await aio.run_with_cache(SEQ7))[1])]
        assert np.isfinite(await aio.run_with_interventions(SEQ24[:7], patched, "loss"))
        steps: list[tuple[int, int]] = []
        sweep = await aio.ablate_heads(SEQ24, progress=lambda done, total: steps.append((done, total)))
        assert np.array_equal(sweep.delta, model.ablate_heads(SEQ24).delta)
        assert steps[-1][0] == steps[-1][1]
        assert np.allclose(
            (await aio.sweep(SEQ24, lensd.zero("mlp_out"), "layer", metric)).value,
            model.sweep(SEQ24, lensd.zero("mlp_out"), "layer", metric).value,
        )
        logit = lensd.metrics.logit("a")
        assert (await aio.sweep(SEQ24, lensd.zero("z"), metrics=logit))["logit"].metric.tokens == (
            model.to_single_token("a"),
        )
        scores = await aio.head_scores(SEQ24)
        assert np.array_equal(scores.to_self, model.head_scores(SEQ24).to_self)
        assert "<html" in (await aio.attention_html(SEQ7, with_ablation=False)).html

    run(daemon, work)


def test_what_is_asked_of_both_is_written_once(daemon: Daemon, model: lensd.Model) -> None:
    phases: list[str] = []

    async def work(aio: lensd.aio.Model) -> None:
        edits = [lensd.zero("z0", head=8)]
        for name, arguments, options in (
            ("why_attends", (SEQ7, 0, 3), {"interventions": edits}),
            ("logit_lens", (SEQ7,), {"tokens": "a"}),
            ("logit_attribution", (SEQ7, "a", "b"), {"by": "head"}),
            ("induction_scores", (5, 2), {}),
            ("circuit", (0, 3), {"tokens": "a"}),
            ("composition_scores", ("K",), {}),
        ):
            expected = getattr(model, name)(*arguments, **options)
            # As texts, in which NaN is itself.
            assert str((await getattr(aio, name)(*arguments, **options)).to_dict()) == str(expected.to_dict())
        (norms,) = await aio.reduce(SEQ7, "resid_post", "norm")
        assert np.array_equal(norms[0].values, model.reduce(SEQ7, "resid_post", "norm")[0][0].values)
        found = await aio.detect_heads(SEQ24)
        assert np.array_equal(found["induction_head"], model.detect_heads(SEQ24)["induction_head"])
        atlas = await aio.head_atlas(SEQ24, progress=lambda phase, done, total: phases.append(phase))
        assert [head.delta for head in atlas] == [head.delta for head in model.head_atlas(SEQ24)]
        assert set(phases) <= {"patterns", "repeats", "pairs", "copying", "ablation"}
        assert (await aio.run(TEXTS)).str_tokens == model.run(TEXTS).str_tokens
        with pytest.raises(lensd.InvalidArgument, match="one token"):
            await aio.logit_lens(SEQ7, tokens="abc")

    run(daemon, work)
    for name in ("why_attends", "sweep", "head_atlas", "describe"):
        assert getattr(lensd.aio.Model, name) is getattr(lensd.Model, name)
    shown = inspect.signature(lensd.Model.why_attends)
    assert shown.return_annotation == "ScoreSplit"
    assert list(shown.parameters)[:4] == ["self", "input", "layer", "head"]


def test_progress_cancels_what_it_raises_in(daemon: Daemon) -> None:
    def stop(*_: Any) -> None:
        raise ZeroDivisionError

    async def work(model: lensd.aio.Model) -> None:
        with pytest.raises(ZeroDivisionError):
            await model.ablate_heads(SEQ24, progress=stop)
        with pytest.raises(ZeroDivisionError):
            await model.head_atlas(SEQ24, progress=stop)
        assert np.isfinite(await model(SEQ7, return_type="loss"))

    run(daemon, work)


def test_texts(daemon: Daemon, model: lensd.Model) -> None:
    async def work(aio: lensd.aio.Model) -> None:
        expected = model.generate("ab", 12, seed=3, stop_at_eos=False)
        assert await aio.generate("ab", 12, seed=3, stop_at_eos=False) == expected
        whole = await aio.generation(TEXTS, 6, seed=3, stop_at_eos=False)
        assert whole.text == model.generation(TEXTS, 6, seed=3, stop_at_eos=False).text
        assert (await whole.cache["z0"]).shape[0] == 2
        stream = aio.generate_stream("ab", 12, seed=3, stop_at_eos=False)
        with pytest.raises(lensd.FailedPrecondition, match="before its last token"):
            _ = stream.result
        text = "".join([token.text async for token in stream])
        assert "ab" + text == expected
        assert stream.result.tokens.shape[1] == len(model.to_tokens("ab")[0]) + 12

    run(daemon, work)


def test_many_tasks_at_once(daemon: Daemon) -> None:
    expected = tensors(TINY)
    threads = threading.active_count()

    async def work(model: lensd.aio.Model) -> None:
        async def one(at: int) -> None:
            seq = ("seq2", "seq7", "seq24", "seq48")[at % 4]
            logits, cache = await model.run_with_cache(sequence(TINY, seq))
            assert_close(logits[0], expected[f"processed/{seq}/logits"])
            assert_close((await cache["pattern0"])[0], expected[f"processed/{seq}/blocks.0.attn.hook_pattern"])

        await asyncio.gather(*(one(at) for at in range(60)))
        # One socket, and no thread at all.
        assert threading.active_count() <= threads

    run(daemon, work)


def test_sessions_models_and_status(daemon: Daemon) -> None:
    async def main() -> None:
        async with await lensd.aio.connect(daemon.socket, session="aio") as client:
            assert client.path == daemon.socket
            assert await client.models() == list(MODELS)
            assert {state.name for state in await client.model_states()} == set(MODELS)
            assert (await client.status()).process_id == daemon.process.pid
            with pytest.raises(lensd.NotFound, match="nobody"):
                await client.model("nobody")
            with pytest.raises(lensd.InvalidArgument):
                await client.model("tiny@cooked")
            model = await client.model("tiny@raw")
            _, cache = await model.run_with_cache(SEQ7, None)
            sweep = await model.ablate_heads(SEQ7)
            assert cache.run_id is not None
            assert np.array_equal(await client.query(cache.run_id, "z0"), await cache["z0"])
            session = client.session("aio")
            assert [each.id for each in await session.runs()] == [sweep.run_id, cache.run_id]
            assert [each.id for each in await session.runs(limit=1)] == [sweep.run_id]
            await session.note("looked at", run=cache.run_id)
            assert [each.id for each in (await client.search_sessions("looked")).runs] == [cache.run_id]
            assert (await session.info()).run_count == 2
            assert [each.outcome for each in await session.replay()] == ["same", "same"]
            assert cache.run_id[:12] in await session.report("markdown")
            await session.rename("asyncio")
            assert "asyncio" in [each.name for each in await client.sessions()]
            assert await session.grants() == []
            assert await session.delete() == 2
            with pytest.raises(lensd.NotFound):
                await session.info()
            assert (await (await session.create("anew")).info()).note == "anew"
        with pytest.raises(lensd.FailedPrecondition, match="closed"):
            await client.status()

    asyncio.run(main())


def cancelled_calls(daemon: Daemon, method: str) -> int:
    return sum(method in line and "CANCELLED" in line for line in daemon.log().splitlines())


async def becomes_true(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.01)


async def sweep_for_ever(model: lensd.aio.Model) -> None:
    while True:
        await model.ablate_heads([SEQ48] * 300)


async def generate_for_ever(model: lensd.aio.Model) -> None:
    while True:
        async for _ in model.generate_stream([SEQ48[:2]] * 600, 40, stop_at_eos=False):
            pass


@pytest.mark.parametrize("work", [sweep_for_ever, generate_for_ever])
def test_cancelling_a_task_cancels_in_the_daemon(
    own_daemon: Daemon, work: Callable[[lensd.aio.Model], Coroutine[Any, Any, None]]
) -> None:
    async def cancel(model: lensd.aio.Model) -> None:
        # A call may be done in the daemon at the very moment that it is cancelled here.
        for _ in range(5):
            task = asyncio.create_task(work(model))
            others = asyncio.create_task(model(SEQ7, return_type="loss"))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert np.isfinite(await others)
            await asyncio.sleep(0.2)
        assert 3 <= cancelled_calls(own_daemon, "Inference/") <= 5
        # The connection goes on.
        assert np.isfinite(await model(SEQ7, return_type="loss"))

    run(own_daemon, cancel)


def test_a_time_limit_of_the_callers(own_daemon: Daemon) -> None:
    async def work(model: lensd.aio.Model) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(sweep_for_ever(model), 0.3)
        await becomes_true(lambda: cancelled_calls(own_daemon, "Sweep") == 1)

    run(own_daemon, work)


def test_a_timeout_of_the_clients(own_daemon: Daemon) -> None:
    async def work(model: lensd.aio.Model) -> None:
        with pytest.raises(lensd.DeadlineExceeded):
            await model.ablate_heads([SEQ48] * 3000)

    run(own_daemon, work, timeout=0.2)


def test_leaving_a_stream_ends_it(own_daemon: Daemon) -> None:
    async def work(model: lensd.aio.Model) -> None:
        async for _ in model.generate_stream([SEQ48[:2]] * 600, 40, stop_at_eos=False):
            break
        gc.collect()
        await becomes_true(lambda: cancelled_calls(own_daemon, "Generate") == 1)
        async with model.generate_stream([SEQ48[:2]] * 600, 40, stop_at_eos=False) as stream:
            await stream.__anext__()
        await becomes_true(lambda: cancelled_calls(own_daemon, "Generate") == 2)

    run(own_daemon, work)


def test_two_loops_do_not_share_a_client(daemon: Daemon) -> None:
    async def connected() -> lensd.aio.Client:
        return await lensd.aio.connect(daemon.socket)

    async def ask(client: lensd.aio.Client) -> None:
        await client.status()

    loop = asyncio.new_event_loop()
    try:
        client = loop.run_until_complete(connected())
        with pytest.raises(lensd.FailedPrecondition, match="another event loop"):
            asyncio.run(ask(client))
        loop.run_until_complete(ask(client))
        loop.run_until_complete(client.close())
    finally:
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_an_unreferenced_client_hangs_up(own_daemon: Daemon) -> None:
    async def main() -> None:
        async with await lensd.aio.connect(own_daemon.socket) as observer:
            client = await lensd.aio.connect(own_daemon.socket)
            assert (await observer.status()).connections == 2
            del client
            gc.collect()
            give_up_at = time.monotonic() + 5
            while (await observer.status()).connections > 1:
                assert time.monotonic() < give_up_at
                await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_daemon_that_is_killed_and_restarted(own_daemon: Daemon) -> None:
    deaths = 5

    async def main() -> None:
        patient = lensd.Retry(seconds=30, first_delay=0.01, max_delay=0.2)
        acknowledged: list[str] = []
        async with await lensd.aio.connect(own_daemon.socket, session="kept", retry=patient) as client:
            model = await client.model("tiny")
            over = False

            async def record(task: int) -> None:
                at = 0
                while not over:
                    at += 1
                    _, cache = await model.run_with_cache([task, at % 50, at // 50 % 50], None)
                    assert cache.run_id is not None
                    acknowledged.append(cache.run_id)

            working = [asyncio.create_task(record(task)) for task in range(3)]
            for _ in range(deaths):
                await asyncio.sleep(0.1)
                await asyncio.to_thread(own_daemon.kill)
                await asyncio.to_thread(own_daemon.restart)
            over = True
            await asyncio.wait_for(asyncio.gather(*working), 60)
            kept = await client.session("kept").info()
        assert len(set(acknowledged)) == len(acknowledged) == kept.run_count

    asyncio.run(main())

"""A daemon that is killed and restarted in the middle of its clients' work: nothing is lost, nothing is doubled."""

from __future__ import annotations

import itertools
import random
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import FIXTURES, assert_close, sequence, tensors

import lensd
from lensd._proto.sessions_pb2 import ShowSessionRequest
from lensd.methods import SHOW_SESSION

TINY = MODELS["tiny"]
PATIENT = lensd.Retry(seconds=30, first_delay=0.01, max_delay=0.2)


@contextmanager
def dying(daemon: Daemon, times: int, seed: int) -> Iterator[threading.Event]:
    """Kills the daemon at random moments of the block, and restarts it a little later; gives what says that is over."""
    generator = random.Random(seed)
    over = threading.Event()

    def kill() -> None:
        try:
            for _ in range(times):
                time.sleep(generator.uniform(0.02, 0.2))
                daemon.kill()
                time.sleep(generator.uniform(0, 0.1))
                daemon.restart()
        finally:
            over.set()

    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(kill)
        yield over
        killing.result(60)


def test_no_recorded_run_is_lost_or_doubled(own_daemon: Daemon) -> None:
    acknowledged: list[str] = []

    def record(client: lensd.Client, thread: int, over: threading.Event) -> None:
        model = client.model("tiny")
        for at in itertools.count():
            if over.is_set():
                return
            tokens = [1 + thread, at % 50, at // 50 % 50]
            loss, cache = model.run_with_cache(tokens, return_type="loss")
            assert np.isfinite(loss)
            assert cache.run_id is not None
            acknowledged.append(cache.run_id)
            if at % 10 == 0:
                sweep = model.ablate_heads(tokens)
                assert sweep.run_id is not None
                acknowledged.append(sweep.run_id)

    with lensd.connect(own_daemon.socket, session="kept", retry=PATIENT) as client:
        with dying(own_daemon, 8, seed=5) as over, ThreadPoolExecutor(3) as pool:
            for each in [pool.submit(record, client, thread, over) for thread in range(3)]:
                each.result(120)
        shown = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"kept"))
    # One recorded run for each call, however often it was made. The newest 1000 are shown.
    assert len(set(acknowledged)) == len(acknowledged) == shown.session.run_count
    assert {run.id.decode() for run in shown.runs} <= set(acknowledged)


def test_answers_are_right_whenever_they_come(own_daemon: Daemon) -> None:
    expected = tensors(TINY)
    with lensd.connect(own_daemon.socket, retry=PATIENT) as client:
        model = client.model("tiny")
        with dying(own_daemon, 5, seed=6) as over:
            for seq in itertools.cycle(("seq2", "seq7", "seq24", "seq48")):
                if over.is_set():
                    break
                logits, cache = model.run_with_cache(sequence(TINY, seq))
                assert_close(logits[0], expected[f"processed/{seq}/logits"])
                assert_close(cache["pattern0"][0], expected[f"processed/{seq}/blocks.0.attn.hook_pattern"])


def test_a_generation_outlives_its_daemon(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket, session="texts", retry=PATIENT) as client:
        model = client.model("tiny")
        taken: list[int] = []
        with model.generate_stream([1, 2], 40, stop_at_eos=False, seed=3) as stream:
            for token in stream:
                taken.append(token.id)
                if len(taken) == 2:
                    own_daemon.kill()
                    own_daemon.restart()
        assert stream.result.tokens[0].tolist() == [1, 2, *taken]
        assert model.generate([1, 2], 40, stop_at_eos=False, seed=3, return_type="tokens")[0].tolist() == [1, 2, *taken]
        shown = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"texts"))
        assert [run.id.decode() for run in shown.runs][-1] == stream.result.run_id


def test_other_weights_under_the_name_never_answer_for_the_old(tmp_path: Path) -> None:
    """A handle on a pass from before a restart says so, instead of reading from another model."""
    served = tmp_path / "model"
    shutil.copytree(FIXTURES / TINY, served)
    daemon = Daemon(tmp_path, {"changing": served})
    try:
        with lensd.connect(daemon.socket, session="before", retry=PATIENT) as client:
            model = client.model("changing")
            _, cache = model.run_with_cache([1, 2, 3])
            kept = cache["z0"]
            daemon.kill()
            shutil.rmtree(served)
            shutil.copytree(FIXTURES / MODELS["untied"], served)
            daemon.restart()
            assert cache["z0"] is kept
            for ask in (
                lambda: cache["pattern0"],
                lambda: model([1, 2, 3], return_type="loss"),
                lambda: model.ablate_heads([1, 2, 3]),
                lambda: model.generation([1, 2, 3], 2),
                lambda: client.query(cache.run_id or "", "pattern0"),
            ):
                with pytest.raises(lensd.FailedPrecondition):
                    ask()
            assert client.model("changing").fingerprint != model.fingerprint
    finally:
        daemon.stop()

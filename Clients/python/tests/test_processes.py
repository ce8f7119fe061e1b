"""One client for several processes: forked, spawned, and those of a pool."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import sequence

import lensd

TINY = MODELS["tiny"]
SEQUENCES = ("seq2", "seq7", "seq24", "seq48")

# Python 3.12 and newer warn of forks beside threads; a child may go on with a client all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def loss_of(model: lensd.Model, seq: str) -> tuple[int, float]:
    return os.getpid(), float(model(sequence(TINY, seq), return_type="loss"))


def tokens_and_lengths(model: lensd.Model) -> Any:
    return model(["ab", "abcdef"], return_type="logits")


def read(cache: lensd.ActivationCache, name: str) -> Any:
    return cache[name]


def ask_for_nothing(model: lensd.Model) -> None:
    model([10**6])


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes(daemon: Daemon, method: str) -> None:
    with lensd.connect(daemon.socket) as client:
        model = client.model("tiny")
        expected = {seq: loss_of(model, seq)[1] for seq in SEQUENCES}
        _, cache = model.run_with_cache(sequence(TINY, "seq7"))
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            found = list(pool.map(loss_of, [model] * 8, SEQUENCES * 2))
            assert [loss for _, loss in found] == [pytest.approx(expected[seq]) for seq in SEQUENCES * 2]
            assert os.getpid() not in {process for process, _ in found}
            logits = pool.submit(tokens_and_lengths, model).result(60)
            assert np.array_equal(pool.submit(read, cache, "pattern0").result(60), cache["pattern0"])
            with pytest.raises(lensd.InvalidArgument, match="1000000"):
                pool.submit(ask_for_nothing, model).result(60)
        own = tokens_and_lengths(model)
        assert np.allclose(logits, own)
        assert logits.lengths.tolist() == own.lengths.tolist()
        # This process's connection is where it was.
        assert loss_of(model, "seq7")[1] == expected["seq7"]


def test_a_copy_in_this_process_shares_the_connection(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, session="s", timeout=30) as client:
        model = pickle.loads(pickle.dumps(client.model("tiny")))
        again = pickle.loads(pickle.dumps(client))
        assert again.session_name == "s"
        assert again.channel is model._channel is client.channel
        assert len(model.hook_dict) == len(client.model("tiny").hook_dict)
    with pytest.raises(lensd.FailedPrecondition, match="this client was closed"):
        model([1, 2])
    with pytest.raises(lensd.FailedPrecondition, match="this client was closed"):
        pickle.dumps(client)


def test_hook_functions_stay_here(client: lensd.Client) -> None:
    model = client.model("tiny")
    with model.hooks([("z0", lambda value, hook: None)]), pytest.raises(lensd.FailedPrecondition, match="pickled"):
        pickle.dumps(model)
    assert pickle.loads(pickle.dumps(model)).name == "tiny"


def test_padded_arrays_travel_with_their_lengths(client: lensd.Client) -> None:
    tokens = client.model("tiny").to_tokens(["ab", "abcdef"])
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copied = pickle.loads(pickle.dumps(tokens, protocol))
        assert np.array_equal(copied, tokens)
        assert copied.lengths.tolist() == tokens.lengths.tolist()


def test_forks_while_threads_are_at_work(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket) as client, ThreadPoolExecutor(4) as pool:
        model = client.model("tiny")
        expected = loss_of(model, "seq24")[1]
        stop = threading.Event()

        def work() -> int:
            count = 0
            while not stop.is_set():
                assert loss_of(model, "seq24")[1] == pytest.approx(expected)
                count += 1
            return count

        working = [pool.submit(work) for _ in range(4)]
        children = []
        for _ in range(12):
            process = os.fork()
            if process == 0:
                try:
                    os._exit(0 if abs(loss_of(model, "seq24")[1] - expected) < 1e-4 else 1)
                except BaseException:
                    os._exit(2)
            children.append(process)
        try:
            assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 12
        finally:
            stop.set()
        assert all(each.result(30) > 0 for each in working)


def test_a_script_that_never_closes_its_client_ends_quietly(daemon: Daemon) -> None:
    script = "import sys, lensd; model = lensd.connect(sys.argv[1]).model('tiny'); model([1, 2]); print('ran')"
    ran = subprocess.run([sys.executable, "-c", script, daemon.socket], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("ran\n", "")

"""Recorded passes."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import sequence

import lensd
from lensd._proto.sessions_pb2 import DeleteSessionRequest, ListSessionsRequest, ShowSessionRequest

IDS = sequence(MODELS["tiny"], "seq24")


def test_without_a_session_nothing_is_recorded(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket) as client:
        model = client.model()
        _, cache = model.run_with_cache(IDS, return_type="both")
        assert cache.run_id is None
        assert model.ablate_heads(IDS).run_id is None
        assert not client.stubs.sessions.list(ListSessionsRequest()).sessions


def test_recorded_passes(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, session="notebook") as client:
        model = client.model("tiny")
        logits, cache = model.run_with_cache(IDS)
        assert cache.run_id is not None
        assert len(cache.run_id) == 32
        np.testing.assert_allclose(client.query(cache.run_id, "logits"), logits, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(client.query(cache.run_id[:12], "z0"), cache["z0"], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            client.query("last", "pattern0", np.s_[3]), cache["pattern0"][:, 3], rtol=1e-5, atol=1e-5
        )
        sweep = model.ablate_heads(IDS)
        runs = client.stubs.sessions.show(ShowSessionRequest(name=b"notebook")).runs
        assert [run.id.decode() for run in runs] == [sweep.run_id, cache.run_id]
        client.stubs.sessions.delete(DeleteSessionRequest(name=b"notebook"))
        with pytest.raises(lensd.NotFound):
            client.query(cache.run_id, "z0")


def test_some_prompts_of_a_run(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, session="some") as client:
        _, cache = client.model("tiny").run_with_cache([[1, 2], IDS, [3]])
        assert cache.run_id is not None
        values = client.query(cache.run_id, "z0", prompts=[2, 0])
        assert values.shape[0] == 2
        assert sorted(values.lengths.tolist()) == [1, 2]
        with pytest.raises(lensd.InvalidArgument):
            client.query(cache.run_id, "z0", prompts=[3])


def test_session_of_the_environment(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSD_SESSION", "environment")
    with lensd.connect(daemon.socket) as client:
        assert client.session == "environment"
        _, cache = client.model().run_with_cache(IDS, return_type=None)
        assert cache.run_id is not None


def test_a_run_survives_kill_9(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket, session="crash") as client:
        _, cache = client.model("tiny").run_with_cache(IDS, interventions=[lensd.zero("z0", head=3)])
        before = cache["resid_post0"]
        own_daemon.kill()
        own_daemon.restart()
        assert cache.run_id is not None
        np.testing.assert_allclose(client.query(cache.run_id, "resid_post0"), before, rtol=1e-5, atol=1e-5)
        # The cache goes on as well.
        assert not cache["z0"][:, :, 3].any()

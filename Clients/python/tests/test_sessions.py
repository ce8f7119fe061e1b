"""Recorded passes."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from conftest import MODELS, Daemon
from reference import sequence

import lensd
from lensd._proto.sessions_pb2 import DeleteSessionRequest, ListSessionsRequest, ShowSessionRequest
from lensd.methods import DELETE_SESSION, LIST_SESSIONS, SHOW_SESSION

IDS = sequence(MODELS["tiny"], "seq24")


def test_without_a_session_nothing_is_recorded(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket) as client:
        model = client.model()
        _, cache = model.run_with_cache(IDS, return_type="both")
        assert cache.run_id is None
        assert model.ablate_heads(IDS).run_id is None
        assert not client.channel.unary(LIST_SESSIONS, ListSessionsRequest()).sessions


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
        runs = client.channel.unary(SHOW_SESSION, ShowSessionRequest(name=b"notebook")).runs
        assert [run.id.decode() for run in runs] == [sweep.run_id, cache.run_id]
        client.channel.unary(DELETE_SESSION, DeleteSessionRequest(name=b"notebook"))
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
        assert client.session_name == "environment"
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


def test_names_notes_and_search(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket, session="ioi") as client:
        session = client.session("empty").create("nothing yet")
        assert session.info().note == "nothing yet"
        with pytest.raises(lensd.AlreadyExists):
            session.create()
        _, cache = client.model("tiny").run_with_cache(IDS)
        sweep = client.model("tiny").ablate_heads(IDS)
        assert cache.run_id is not None
        ioi = client.session()
        assert ioi.name == "ioi"
        ioi.note("head 8 again", run=cache.run_id)
        ioi.note("indirect objects")
        runs = ioi.runs()
        assert [run.id for run in runs] == [sweep.run_id, cache.run_id]
        assert [run.note for run in runs] == ["", "head 8 again"]
        strongest = sweep.delta.flatten()[np.argmax(np.abs(sweep.delta))]
        assert runs[0].effects[0][1] == pytest.approx(float(strongest), abs=1e-6)
        assert ioi.runs(limit=1) == runs[:1]
        np.testing.assert_allclose(ioi.query("last", "z0"), cache["z0"], rtol=1e-5, atol=1e-5)
        found = client.search_sessions("HEAD 8")
        assert [run.id for run in found.runs] == [cache.run_id]
        assert [each.name for each in client.search_sessions("indirect").sessions] == ["ioi"]
        assert ioi.rename("names").name == "names"
        assert {each.name for each in client.sessions()} == {"names", "empty"}
        assert ioi.delete() == 2
        with pytest.raises(lensd.NotFound):
            ioi.runs()


def test_sharing(own_daemon: Daemon) -> None:
    with lensd.connect(own_daemon.socket) as client:
        session = client.session("shared").create()
        assert [grant.uid for grant in session.share(48200)] == [48200]
        assert client.sessions()[0].shared_with == 1
        assert session.grants() == session.share("48200")
        assert session.unshare(48200) == []
        with pytest.raises(lensd.InvalidArgument, match="no user of this machine"):
            session.share("nobody-of-this-name")


def test_export_and_import(own_daemon: Daemon, tmp_path: Path) -> None:
    with lensd.connect(own_daemon.socket, session="out") as client:
        model = client.model("tiny")
        _, cache = model.run_with_cache([[1, 2], IDS], "both", interventions=[lensd.zero("z0", head=3)])
        model.ablate_heads(IDS)
        seen: list[tuple[int, int]] = []
        path = client.session("out").export(
            tmp_path / "out.zip", ["pattern0", "tokens"], on_progress=lambda *done: seen.append(done)
        )
        assert seen == [(1, 2), (2, 2)]
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            run = json.loads(archive.read(manifest["runs"][0]["file"]))
            assert run["recipe"]["tokens"][1] == list(IDS)
            (tmp_path / "run.safetensors").write_bytes(archive.read(manifest["runs"][0]["activations"]))
        tensors = safetensors.numpy.load_file(tmp_path / "run.safetensors")
        np.testing.assert_allclose(tensors["blocks.0.attn.hook_pattern.1"], cache["pattern0"][1], atol=1e-6)
        copy = client.import_session(path, "in")
        first, second = client.session("out").runs(), copy.runs()
        assert all(run.imported for run in second)
        assert [dataclasses.replace(run, id="", session="", imported=False) for run in second] == [
            dataclasses.replace(run, id="", session="") for run in first
        ]
        np.testing.assert_allclose(copy.query(second[1].id, "z0"), cache["z0"], rtol=1e-5, atol=1e-5)
        with pytest.raises(lensd.AlreadyExists):
            client.import_session(path, "in")
        assert "<table>" in copy.report()
        assert copy.report("markdown").startswith("# Session in\n")
        outcomes = [run.outcome for run in copy.replay(into="again")]
        assert outcomes == ["same", "same"]
        assert len(client.session("again").runs()) == 2


def test_what_is_no_session_file_is_refused(own_daemon: Daemon, tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    run = {"schema": 1}
    session = {"name": "bad", "note": ""}
    manifest: dict[str, Any] = {"format": "lensd session", "schema": 1, "session": session, "runs": [{"file": "r"}]}
    with lensd.connect(own_daemon.socket) as client:
        path.write_bytes(b"no zip")
        with pytest.raises(lensd.InvalidArgument, match="no session's file"):
            client.import_session(path)
        bad: list[dict[str, Any]] = [
            {"manifest.json": {"format": "other"}},
            {"manifest.json": manifest},
            {"manifest.json": manifest | {"runs": 3}},
            {"manifest.json": manifest, "r": run},
            {"manifest.json": manifest, "r": [1]},
        ]
        for entries in bad:
            with zipfile.ZipFile(path, "w") as archive:
                for name, value in entries.items():
                    archive.writestr(name, json.dumps(value))
            with pytest.raises(lensd.InvalidArgument):
                client.import_session(path)
        # Nothing of it stays.
        assert client.sessions() == []

"""Several models: loaded, unloaded and renamed while others work, within a budget of memory, for some users only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lensd
import numpy as np
import pytest

from daemon import BINARY, FIXTURES, TINY, Daemon, copy_model
from test_model_folders import CASES

OTHER, THIRD = 4711, 4712
LOCAL = FIXTURES / "gpt-neo-3l-local"
LENSCTL = BINARY.with_name("lensctl")
TOKENS = [1, 2, 3, 4]


def add(daemon: Daemon, name: str, source: Path = TINY) -> Path:
    """Puts a model into the state folder."""
    (daemon.state / "models").mkdir(mode=0o700, exist_ok=True)
    return copy_model(daemon.state / "models" / name, source)


def states(client: lensd.Client) -> dict[str, str]:
    return {state.name: state.residency for state in client.model_states()}


def loss(client: lensd.Client, name: str) -> float:
    return float(client.model(name)(TOKENS, return_type="loss"))


def wait_until(holds: Callable[[], bool], seconds: float = 10) -> None:
    give_up_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


# Loading and unloading.


def test_a_model_comes_and_goes(daemon: Daemon) -> None:
    add(daemon, "local", LOCAL)
    with daemon.connect() as client:
        assert client.models() == ["tiny"]
        assert states(client) == {"tiny": "resident", "local": "known"}
        progress: list[tuple[int, int]] = []
        model = client.load_model("local", lambda done, total: progress.append((done, total)))
        assert model.cfg.n_layers == 3
        assert progress[-1][0] == progress[-1][1] > 0
        expected = loss(client, "local")
        # The engine lets go of a pass a moment after its answer.
        time.sleep(0.1)
        assert client.unload_model("local") is False
        with pytest.raises(lensd.FailedPrecondition, match="unloaded model 'local'"):
            client.model("local")
        with pytest.raises(lensd.FailedPrecondition, match="unloaded model 'local'"):
            model(TOKENS)
        client.load_model("local")
        assert loss(client, "local") == expected
        for name in ("absent", "tiny2"):
            with pytest.raises(lensd.NotFound, match=name):
                client.load_model(name)
        for name in ("..", "a/b", "/etc", "A", ""):
            with pytest.raises(lensd.InvalidArgument, match="1 to 64"):
                client.load_model(name)


def test_a_known_model_is_loaded_when_somebody_asks(daemon: Daemon) -> None:
    add(daemon, "local", LOCAL)
    with daemon.connect() as client:
        assert client.model("local@raw").cfg.n_layers == 3
        assert states(client) == {"tiny": "resident", "local": "resident"}
        state = next(state for state in client.model_states() if state.name == "local")
        assert state.weight_bytes > 0
        assert state.load_seconds > 0


def test_runs_find_a_renamed_model(daemon: Daemon) -> None:
    add(daemon, "old", LOCAL)
    with daemon.connect(session="s") as client:
        model = client.model("old")
        model.run_with_cache(TOKENS)
        expected = client.query("last", "resid_post2")
        client.rename_model("old", "new")
        assert not (daemon.state / "models" / "old").exists()
        np.testing.assert_array_equal(client.query("last", "resid_post2"), expected)
        with pytest.raises(lensd.NotFound, match="'old'"):
            model(TOKENS)
        with pytest.raises(lensd.AlreadyExists):
            client.rename_model("new", "tiny")
        # Another model under the name: the run is not of that one, and its own is found all the same.
        add(daemon, "old")
        client.load_model("old")
        np.testing.assert_array_equal(client.query("last", "resid_post2"), expected)
        # Its own replaced by another.
        client.unload_model("new")
        shutil.rmtree(daemon.state / "models" / "new")
        add(daemon, "new")
        client.load_model("new")
        with pytest.raises(lensd.FailedPrecondition, match=model.fingerprint[:12]):
            client.query("last", "resid_post2")


def test_a_pass_outlives_its_model(daemon: Daemon) -> None:
    add(daemon, "local", LOCAL)
    with daemon.connect() as client:
        model = client.model("local")
        expected = float(model(TOKENS, return_type="loss"))
        in_use: list[bool] = []

        def unload(value: np.ndarray, hook: object) -> None:
            del value, hook
            in_use.append(client.unload_model("local"))
            assert states(client)["local"] == "known"
            # It is nobody's, and its memory is taken all the same.
            assert client.status().weight_bytes > own

        own = client.status().weight_bytes - model.parameter_count * 4
        got = model.run_with_hooks(TOKENS, return_type="loss", fwd_hooks=[("blocks.1.attn.hook_z", unload)])
        assert in_use == [True]
        assert float(got) == pytest.approx(expected, abs=1e-6)
        wait_until(lambda: client.status().weight_bytes == own)


# The budget.


@pytest.fixture
def tight(folder: Path) -> Iterator[Daemon]:
    """Room for two and a half models."""
    models = [argument for name in ("a", "b", "c") for argument in ("--model", f"{name}={TINY}")]
    daemon = Daemon(folder, *models, "--memory", "720K").start()
    yield daemon
    assert daemon.stop() == 0, daemon.log()


def test_the_longest_unused_makes_room(tight: Daemon) -> None:
    with tight.connect() as client:
        # The third did not fit beside the others.
        assert states(client) == {"a": "resident", "b": "resident", "c": "known"}
        expected = loss(client, "a")
        for name in ("c", "b", "c", "a", "b"):
            assert loss(client, name) == expected
            assert client.status().weight_bytes <= client.status().weight_budget_bytes == 720 << 10
        assert states(client) == {"a": "resident", "b": "resident", "c": "known"}


def test_no_room_is_said_with_figures(tight: Daemon) -> None:
    add(tight, "large", LOCAL)
    with tight.connect() as client, tight.connect() as other:
        refused: list[str] = []

        def ask(value: np.ndarray, hook: object) -> None:
            del value, hook
            # The default model stays, and 'b' is in use by this very run.
            with pytest.raises(lensd.ResourceExhausted) as error:
                loss(other, "c")
            refused.append(str(error.value))

        client.model("b").run_with_hooks(TOKENS, fwd_hooks=[("z0", ask)])
        assert "needs" in refused[0]
        assert "of the budget of 1 MiB" in refused[0]
        assert loss(other, "c") > 0


def test_a_model_that_cannot_fit_does_not_start(folder: Path) -> None:
    done = subprocess.run(
        [BINARY, "--socket", folder / "k", "--state", folder / "s", "--model", f"tiny={TINY}", "--memory", "100K"],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 65
    assert "needs 1 MiB" in done.stderr


# Bad folders.


def test_a_broken_model_of_the_configuration_is_held_back(folder: Path) -> None:
    daemon = Daemon(folder, "--model", f"tiny={TINY}", "--model", f"broken={folder / 'nothing'}").start()
    try:
        with daemon.connect() as client:
            assert states(client) == {"tiny": "resident", "broken": "known"}
            with pytest.raises(lensd.FailedPrecondition, match="could not be loaded"):
                client.model("broken")
        assert "cannot serve the model" in daemon.log()
    finally:
        assert daemon.stop() == 0, daemon.log()


def test_bad_folders_hurt_nobody(daemon: Daemon) -> None:
    """Each spoilt folder is a named error, while another client works and gets the same numbers."""
    stop = threading.Event()
    losses: set[float] = set()

    def work() -> None:
        with daemon.connect() as client:
            while not stop.is_set():
                losses.add(loss(client, "tiny"))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with daemon.connect() as client:
            for spoil, _ in CASES:
                spoil(add(daemon, spoil.__name__.replace("_", "-")))
                started = time.monotonic()
                with pytest.raises(lensd.LensError) as error:
                    client.load_model(spoil.__name__.replace("_", "-"))
                assert error.value.code.name in (
                    "INVALID_ARGUMENT", "NOT_FOUND", "PERMISSION_DENIED", "UNIMPLEMENTED", "DATA_LOSS",
                )  # fmt: skip
                assert time.monotonic() - started < 5
            assert client.models() == ["tiny"]
            # Nor are they tried again and again.
            with pytest.raises(lensd.FailedPrecondition, match="could not be loaded"):
                client.model("truncated")
    finally:
        stop.set()
        worker.join()
    assert len(losses) == 1


# Rights.

ASK = """
import json, sys
import lensd, lensd.methods
socket, *questions = sys.argv[1:]
answers = []
with lensd.connect(socket) as client:
    for question in questions:
        try:
            answers.append(eval(question))
        except lensd.LensError as error:
            answers.append([error.code.name, str(error)])
print(json.dumps(answers))
"""


# Calls about a model `{name}`: how, which, and the request.
PROMPT = "lensd._proto.common_pb2.Prompt(tokens=lensd._proto.common_pb2.TokenPrompt(ids=[1, 2, 3]))"
MODEL = "model={name!r}.encode()"
OPTIONS = "options=lensd._proto.generation_pb2.GenerationOptions(max_new_tokens=1)"
MESSAGES = {"model": MODEL, "prompt": PROMPT, "subject": f"{MODEL}, prompts=[{PROMPT}]", "options": OPTIONS}
PASS = f"lensd._proto.analyses_pb2.AnalyzedPass(prompts=lensd._proto.inference_pb2.PassSource({MESSAGES['subject']}))"
# `pass` is a word of Python's own.
MESSAGES["analyzed"] = f"**{{{{'pass': {PASS}}}}}"
CALLS = [
    ("unary", "DESCRIBE", "models_pb2.DescribeModelRequest({model})"),
    ("unary", "TOKENIZE", "inference_pb2.TokenizeRequest({subject})"),
    ("unary", "RUN", "run_pb2.RunRequest({subject})"),
    ("unary", "SCORE_HEADS", "inference_pb2.ScoreHeadsRequest({subject})"),
    (
        "stream",
        "QUERY",
        "inference_pb2.QueryRequest(prompts=lensd._proto.inference_pb2.PassSource({subject}), hook=b'z0')",
    ),
    ("stream", "SWEEP", "sweeps_pb2.SweepRequest({subject})"),
    ("stream", "GENERATE", "generation_pb2.GenerateRequest({subject}, {options})"),
    (
        "exchange",
        "RUN_HOOKED",
        "hooks_pb2.HookedRunMessage(start=lensd._proto.hooks_pb2.HookedRunRequest("
        "run=lensd._proto.run_pb2.RunRequest({subject})))",
    ),
    (
        "exchange",
        "GRADIENT",
        "gradients_pb2.GradientMessage(start=lensd._proto.gradients_pb2.GradientRequest({subject}))",
    ),
    (
        "exchange",
        "GENERATE_HOOKED",
        "generation_pb2.HookedGenerateMessage(start=lensd._proto.generation_pb2.HookedGenerateRequest("
        "generation=lensd._proto.generation_pb2.GenerateRequest({subject}, {options})))",
    ),
    ("stream", "ATTENTION_PAGE", "reports_pb2.AttentionPageRequest({model}, prompt={prompt})"),
    ("unary", "LIST_PARAMETERS", "weights_pb2.ListParametersRequest({model})"),
    ("stream", "PARAMETER", "weights_pb2.ParameterRequest({model}, name=b'W_E')"),
    ("stream", "CIRCUITS", "weights_pb2.CircuitRequest({model}, kind=1)"),
    ("stream", "COMPOSITION_SCORES", "weights_pb2.CompositionRequest({model}, kind=1)"),
    ("stream", "HEAD_ATLAS", "heads_pb2.HeadAtlasRequest({model})"),
    ("unary", "SPLIT_SCORE", "analyses_pb2.SplitScoreRequest({analyzed})"),
    ("unary", "LOGIT_LENS", "analyses_pb2.LogitLensRequest({analyzed})"),
    ("unary", "ATTRIBUTE", "analyses_pb2.AttributeRequest({analyzed})"),
    ("unary", "REDUCE", "analyses_pb2.ReduceRequest({analyzed})"),
    ("unary", "DETECT_HEADS", "analyses_pb2.DetectHeadsRequest({analyzed})"),
    ("unary", "SCORE_INDUCTION", "analyses_pb2.ScoreInductionRequest({model})"),
]


def ask(daemon: Daemon, uid: int, *questions: str, groups: str = "--clear-groups") -> list:
    """What another user is answered."""
    prefix = ["setpriv", f"--reuid={uid}", f"--regid={uid}", groups]
    done = subprocess.run(
        [*prefix, sys.executable, "-c", ASK, str(daemon.socket), *questions],
        capture_output=True, text=True, check=False, env=daemon.env | {"HOME": str(daemon.folder)},
    )  # fmt: skip
    if done.returncode != 0 and "ModuleNotFoundError" in done.stderr:
        pytest.skip(f"uid {uid} may not read this Python")
    assert done.returncode == 0, done.stderr
    answers: list = json.loads(done.stdout)
    return answers


def configure(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "lensd.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


@pytest.mark.skipif(os.geteuid() != 0, reason="several users need root")
def test_who_may_use_which_model(folder: Path) -> None:
    folder.chmod(0o755)
    file = configure(
        folder,
        f"""
        socket_mode = "0666"

        [[model]]
        name = "open"
        path = "{TINY}"

        [[model]]
        name = "closed"
        path = "{LOCAL}"
        users = [{OTHER}]
        groups = [4800]
        default = true
        """,
    )
    daemon = Daemon(folder, "--config", str(file)).start()
    try:
        everything = [
            "client.models()",
            "client.model().name",
            "float(client.model('closed')([1, 2, 3], return_type='loss'))",
        ]
        expected = ask(daemon, OTHER, *everything)
        assert expected[:2] == [["closed", "open"], "closed"]
        assert ask(daemon, THIRD, *everything, groups="--groups=4800,7") == expected
        assert ask(daemon, THIRD, *everything)[:2] == [["open"], "open"]

        # To everybody else it is as if it were not there, whatever they call.
        calls = [
            "client.model({name!r}).name",
            *(
                f"list(client.channel.{how}(lensd.methods.{method}, lensd._proto.{message.format(**MESSAGES)}))"
                for how, method, message in CALLS
            ),
        ]
        closed = ask(daemon, THIRD, *(call.format(name="closed") for call in calls))
        absent = ask(daemon, THIRD, *(call.format(name="absent") for call in calls))
        assert json.loads(json.dumps(closed).replace("closed", "absent")) == absent
        assert [answer[0] for answer in absent] == ["NOT_FOUND"] * len(calls)
        assert ask(daemon, THIRD, "[state.name for state in client.model_states()]") == [["open"]]

        # Nor may they administrate; root, who runs this, sees and may everything.
        for call in ("load_model('open')", "unload_model('open')", "rename_model('open', 'x')", "load_model('closed')"):
            answer = ask(daemon, THIRD, f"client.{call}")[0]
            assert answer[0] == "PERMISSION_DENIED"
            assert str(THIRD) in answer[1]
        with daemon.connect() as client:
            assert client.models() == ["closed", "open"]
            client.unload_model("open")
        assert ask(daemon, THIRD, "client.model('open').name")[0][0] == "FAILED_PRECONDITION"
    finally:
        assert daemon.stop() == 0, daemon.log()


# Configuration.


def check(folder: Path, text: str, *flags: str, mode: int = 0o600) -> subprocess.CompletedProcess[str]:
    file = configure(folder, text, mode)
    places = ["--socket", str(folder / "k"), "--state", str(folder / "s")]
    return subprocess.run(
        [BINARY, *places, "--config", file, "--check-config", *flags],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip


def test_a_configuration_is_shown(folder: Path) -> None:
    done = check(
        folder,
        f"""
        socket = "/nowhere/lensd.sock"
        threads = 3
        memory = "1.5G"
        cache = "64M"
        cache_scope = "per-user"
        metrics = "/nowhere/lensd.prom"
        [quota]
        connections = 7
        cached = "1G"
        [retention]
        days = 30
        [[model]]
        name = "one"
        path = "{TINY}"
        users = ["root", 12]
        pinned = true
        [[model]]
        name = "two"
        path = "/b"
        default = true
        """,
        "--threads",
        "2",
        "--model",
        "one=/a",
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.splitlines()
    for line in ("threads = 2", 'memory = "1536M"', 'cache = "64M"', f'socket = "{folder}/k"', "users = [0, 12]"):
        assert line in shown
    for line in ("connections = 7", "calls = 512", 'cached = "1G"', "days = 30", 'cache_scope = "per-user"'):
        assert line in shown
    assert 'metrics = "/nowhere/lensd.prom"' in shown
    # A flag wins over the file and is the default; the file's access list stays with the name.
    assert shown.index('path = "/a"') < shown.index('path = "/b"')
    assert shown.index("default = true") < shown.index('name = "two"')
    # What is shown is a configuration itself.
    again = check(folder, done.stdout)
    assert (again.returncode, again.stdout) == (0, done.stdout)
    assert not (folder / "k").exists()
    assert not (folder / "s").exists()


def test_a_bad_configuration_is_refused_with_its_line(folder: Path) -> None:
    for text, said in [
        ("\nthread = 2", "lensd.toml:2: unknown key 'thread'"),
        ("threads = true", "lensd.toml:1: 'threads' must be a number in 1...1024; received true"),
        ("memory = ", "lensd.toml:1: expected a value"),
    ]:
        done = check(folder, text)
        assert (done.returncode, done.stdout) == (65, "")
        assert said in done.stderr
    done = check(folder, "", mode=0o622)
    assert done.returncode == 77
    assert "must not be writable" in done.stderr
    done = subprocess.run([BINARY, "--config", folder / "absent"], capture_output=True, text=True, check=False)
    assert done.returncode == 65
    assert "absent" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="another owner needs root")
def test_a_strangers_configuration_is_refused(folder: Path) -> None:
    os.chown(configure(folder, ""), OTHER, OTHER)
    done = subprocess.run(
        [BINARY, "--config", folder / "lensd.toml", "--check-config"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 77
    assert f"belongs to uid {OTHER}" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="another group needs root")
def test_the_socket_has_its_group_and_mode(folder: Path) -> None:
    file = configure(folder, f'socket_group = {OTHER}\n[[model]]\nname = "tiny"\npath = "{TINY}"')
    daemon = Daemon(folder, "--config", str(file)).start()
    status = daemon.socket.stat()
    assert (status.st_gid, status.st_mode & 0o777) == (OTHER, 0o660)
    assert daemon.stop() == 0


def test_threads_are_as_many_as_said(folder: Path) -> None:
    counts = {}
    for count in (1, 4):
        (folder / str(count)).mkdir()
        daemon = Daemon(folder / str(count), "--model", f"tiny={TINY}", "--threads", str(count)).start()
        assert daemon.process is not None
        with daemon.connect() as client:
            loss(client, "tiny")
            assert client.status().threads == count
            counts[count] = len(os.listdir(f"/proc/{daemon.process.pid}/task"))
        assert daemon.stop() == 0
    # One of those that compute is there anyway; the runtime's own come and go.
    assert counts[4] - counts[1] in (2, 3, 4)


# Describing.


def test_a_model_is_described(shared: Daemon) -> None:
    with shared.connect() as client:
        model = client.model("tiny")
        description = model.describe()
        names = [name for hook in description.hooks for name in hook.names()]
        assert sorted(names) == sorted(model.hook_dict)
        shapes = {hook.name: hook for hook in description.hooks}
        pattern = shapes["blocks.{l}.attn.hook_pattern"]
        assert pattern.axes == ("n_heads", "pos", "source_pos")
        assert pattern.shape == (16, None, None)
        assert shapes["blocks.{l}.attn.hook_result"].on_demand
        assert not shapes["blocks.{l}.attn.hook_z"].on_demand
        # The shapes are those of the activations.
        _, cache = model.run_with_cache(TOKENS, names_filter=names)
        for hook in description.hooks:
            expected = tuple(4 if size is None else size for size in hook.shape)
            for name in hook.names():
                assert cache[name].shape[1:] == expected, name
        assert [step.name for step in description.processing] == [
            "fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases",
        ]  # fmt: skip
        assert all(step.applied for step in description.processing)
        raw = client.model("tiny@raw").describe()
        assert not any(step.applied for step in raw.processing)
        assert "blocks.{l}.attn.hook_z [pos, n_heads=16, d_head=4]" in str(description)


def lensctl(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LENSCTL, "--socket", str(daemon.socket), *arguments], capture_output=True, text=True, timeout=30, check=False
    )


def test_at_the_shell(daemon: Daemon) -> None:
    add(daemon, "local", LOCAL)
    loaded = json.loads(lensctl(daemon, "models", "load", "local", "--json").stdout)
    assert loaded["model"]["cfg"]["n_layers"] == 3
    listed = json.loads(lensctl(daemon, "models", "--json").stdout)
    assert [model["name"] for model in listed["models"]] == ["tiny", "local"]
    assert [state["state"] for state in listed["states"]] == ["resident", "resident"]
    described = json.loads(lensctl(daemon, "models", "describe", "local@raw", "--json").stdout)
    assert described["processing"] is False
    assert described["hooks"][-1]["shape"][0] is None
    text = lensctl(daemon, "models", "describe", "local").stdout
    assert "blocks.{l}.attn.hook_attn_scores  [n_heads=4, pos, source_pos]" in text
    assert "hook_result*" in text
    assert lensctl(daemon, "models", "rename", "local", "other").returncode == 0
    unloaded = json.loads(lensctl(daemon, "models", "unload", "other", "--json").stdout)
    assert unloaded == {"schema": 1, "unloaded": "other", "in_use": False}
    assert "not in memory" in lensctl(daemon, "models").stdout
    for arguments, code, said in [
        (("unload", "other"), 1, "not resident"),
        (("load", "absent"), 65, "no model 'absent' is known"),
        (("rename", "tiny", "../x"), 65, "1 to 64"),
        (("describe", "x@y"), 65, "NAME@raw"),
    ]:
        done = lensctl(daemon, "models", *arguments)
        assert said in done.stderr
        assert done.returncode == code, done.stderr

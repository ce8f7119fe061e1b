"""lensctl against a real daemon: what it prints, what it refuses, how it exits."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import math
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lensd
import numpy as np
import pytest

from daemon import BINARY, ROOT, TINY, Daemon, environment

LENSCTL = BINARY.parent / "lensctl"
STORY = "Tom saw the red ball. Tom saw the red cat."
COMMANDS = [
    *["up", "down", "reload", "logs", "status", "top", "doctor", "version", "models", "tokens", "run", "query"],
    *["generate", "attention", "explore", "ablate", "heads", "lens", "attribute", "why", "detect", "reduce"],
    *["circuits", "compose"],
    *["patch", "study", "sessions", "sessions list", "sessions show", "sessions delete", "pull", "models list"],
    *[f"sessions {verb}" for verb in ("create", "rename", "share", "unshare", "note", "search", "export", "import")],
    "sessions replay",
    *[f"models {verb}" for verb in ("describe", "load", "unload", "rename", "import", "verify")],
]


def lensctl(
    *arguments: str | Path,
    daemon: Daemon | None = None,
    stdin: str | bytes = b"",
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Runs lensctl with pipes for all three streams."""
    places = {"LENSD_SOCKET": str(daemon.socket)} if daemon else {}
    return subprocess.run(
        [str(LENSCTL), *map(str, arguments)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=60,
        env=environment({**places, **(env or {})}),
    )


def ask(daemon: Daemon, *arguments: str | Path, stdin: str | bytes = b"", env: Mapping[str, str] | None = None) -> Any:
    """The one JSON object that a command answers with."""
    done = lensctl(*arguments, "--json", daemon=daemon, stdin=stdin, env=env)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1
    return json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def refused(done: subprocess.CompletedProcess[bytes], status: int, *words: str) -> None:
    """Checks a failure: its exit status, and a message that says these words."""
    message = done.stderr.decode()
    assert done.returncode == status, message
    assert message.startswith("lensctl: ")
    for word in words:
        assert word in message
    assert "Fatal error" not in message


def on_terminal(daemon: Daemon, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """What a command shows on a terminal of 80 columns."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    removed = {"NO_COLOR", "COLORTERM", "LC_ALL", "LC_CTYPE"}
    kept = {name: value for name, value in environment().items() if name not in removed}
    places = {"LENSD_SOCKET": str(daemon.socket), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    output = b""
    with subprocess.Popen(
        [str(LENSCTL), *arguments], stdin=inside, stdout=inside, stderr=inside, env={**kept, **places, **(env or {})}
    ) as process:
        os.close(inside)
        # The terminal's end is an error when the last program that had it open is gone.
        with contextlib.suppress(OSError):
            while chunk := os.read(terminal, 1 << 16):
                output += chunk
        os.close(terminal)
    assert process.returncode == 0, output
    return output.decode().replace("\r\n", "\n")


def unpainted(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


# Run, tokens


def test_run_answers_as_the_contract_says(shared: Daemon) -> None:
    reply = ask(shared, "run", STORY, "--top", "3")
    assert list(reply) == ["schema", "run", "model", "fingerprint", "loss", "tokens", "top"]
    assert reply["schema"] == 1
    assert re.fullmatch("[0-9a-f]{32}", reply["run"])
    assert reply["model"] == "tiny"
    assert re.fullmatch("[0-9a-f]{64}", reply["fingerprint"])
    assert math.isfinite(reply["loss"])
    assert [set(token) for token in reply["tokens"]] == [{"token", "id"}] * len(reply["tokens"])
    assert "".join(token["token"] for token in reply["tokens"][1:]) == STORY
    assert [list(item) for item in reply["top"]] == [["token", "id", "logprob"]] * 3
    assert sorted(reply["top"], key=lambda item: -item["logprob"]) == reply["top"]


def test_a_prompt_comes_from_anywhere(shared: Daemon, folder: Path) -> None:
    by_argument = ask(shared, "run", STORY)
    file = folder / "story.txt"
    file.write_text(STORY + "\n")
    ids = ",".join(str(token["id"]) for token in by_argument["tokens"])
    for other in (
        ask(shared, "run", "--file", file),
        ask(shared, "run", "-", stdin=STORY + "\n"),
        ask(shared, "run", "--ids", ids),
    ):
        assert {**other, "run": ""} == {**by_argument, "run": ""}


def test_one_final_newline_is_dropped_and_no_more(shared: Daemon) -> None:
    bare = ask(shared, "tokens", "Tom\n")["tokens"]
    assert ask(shared, "tokens", "-", stdin="Tom\n\n")["tokens"] == bare
    assert ask(shared, "tokens", "-", stdin="Tom\n")["tokens"] == bare[:-1]
    assert ask(shared, "tokens", "-", stdin="Tom\r\n")["text"].endswith("Tom\r")


def test_without_bos_and_a_single_token(shared: Daemon) -> None:
    with_bos = ask(shared, "run", "a", "--top", "0")
    without = ask(shared, "run", "a", "--no-bos", "--top", "0")
    assert without["tokens"] == with_bos["tokens"][1:]
    assert len(without["tokens"]) == 1
    assert without["loss"] is None
    assert without["top"] == []
    assert b"none" in lensctl("run", "a", "--no-bos", daemon=shared).stdout


def test_tokens_of_nothing(shared: Daemon) -> None:
    assert len(ask(shared, "tokens", "")["tokens"]) == 1
    assert ask(shared, "tokens", "", "--no-bos")["tokens"] == []
    assert ask(shared, "tokens", "--ids", "")["tokens"] == []


@pytest.mark.parametrize(
    "arguments", [["run", ""], ["run", "-"], ["run", "--ids", ""], ["ablate", ""], ["attention", ""]]
)
def test_nothing_cannot_be_run(shared: Daemon, arguments: list[str]) -> None:
    refused(lensctl(*arguments, daemon=shared), 65, "at least one")


def test_global_options_stand_before_the_command_or_after_it(shared: Daemon) -> None:
    before = lensctl("--json", "--model", "tiny@raw", "--session", "place", "run", "a", daemon=shared)
    after = lensctl("run", "a", "--session", "place", "--json", "--model", "tiny@raw", daemon=shared)
    first, second = json.loads(before.stdout), json.loads(after.stdout)
    assert first["model"] == second["model"] == "tiny@raw"
    assert {**first, "run": ""} == {**second, "run": ""}
    runs = ask(shared, "sessions", "show", "place")["runs"]
    assert [run["run"] for run in runs] == [second["run"], first["run"]]


def test_the_environment_names_session_and_model(shared: Daemon) -> None:
    env = {"LENSD_SESSION": "from-environment", "LENSD_MODEL": "tiny@raw"}
    reply = ask(shared, "run", "a", env=env)
    assert reply["model"] == "tiny@raw"
    assert ask(shared, "sessions", "show", env=env)["session"]["name"] == "from-environment"
    assert ask(shared, "run", "a", "--model", "tiny", env=env)["model"] == "tiny"


# Query


@pytest.fixture(scope="module")
def story(shared: Daemon) -> dict[str, Any]:
    return ask(shared, "run", STORY)


def test_query_slices_as_numpy_does(shared: Daemon, story: dict[str, Any]) -> None:
    run = story["run"]
    whole = ask(shared, "query", run, "blocks.0.attn.hook_pattern")
    count = len(story["tokens"])
    assert whole["shape"] == [16, count, count]
    assert whole["dtype"] == "float32"
    assert whole["tokens"] == story["tokens"]
    array = np.array(whole["data"], dtype=np.float32)
    np.testing.assert_allclose(array.sum(-1), 1, atol=1e-5)
    for hook, options, expected in [
        ("blocks.0.attn.hook_pattern[3, :, :]", [], array[3]),
        ("pattern0[..., -1]", [], array[..., -1]),
        ("pattern0[::-2, 1:3]", [], array[::-2, 1:3]),
        ("pattern0[3, -1, 0]", [], array[3, -1, 0]),
        ("attn0", ["--head", "3"], array[3]),
        ("pattern-1", ["--head", "-1", "--pos", "2"], array[-1, 2]),
    ]:
        part = ask(shared, "query", run[:12], hook, *options)
        assert part["run"] == run
        assert part["hook"] == "blocks.0.attn.hook_pattern"
        assert part["shape"] == list(expected.shape)
        np.testing.assert_array_equal(np.array(part["data"], dtype=np.float32), expected)


def test_query_writes_numpy_files(shared: Daemon, story: dict[str, Any], folder: Path) -> None:
    for hook in ["resid_post0", "z0[0]", "pattern0[3, 2, 1]", "hook_tokens", "z0[0:0]"]:
        data = ask(shared, "query", story["run"], hook)
        file = folder / "values.npy"
        reply = ask(shared, "query", story["run"], hook, "--out", file)
        assert reply["file"] == str(file)
        assert "data" not in reply
        array = np.load(file, allow_pickle=False)
        assert array.dtype == np.dtype("<i4" if hook == "hook_tokens" else "<f4")
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, np.array(data["data"], dtype=array.dtype).reshape(data["shape"]))
    assert [path.name for path in folder.iterdir()] == ["values.npy"]


def test_query_of_tokens_and_of_masked_scores(shared: Daemon, story: dict[str, Any]) -> None:
    ids = [token["id"] for token in story["tokens"]]
    tokens = ask(shared, "query", story["run"], "hook_tokens")
    assert tokens["dtype"] == "int32"
    assert tokens["data"] == ids
    assert all(type(value) is int for value in tokens["data"])
    scores = ask(shared, "query", story["run"], "attn_scores0[0, 0]")["data"]
    assert scores[0] is not None
    assert scores[1:] == [None] * (len(ids) - 1)
    assert b"-inf" in lensctl("query", story["run"], "attn_scores0[0]", daemon=shared).stdout


def test_last_is_the_last_run(shared: Daemon) -> None:
    reply = ask(shared, "run", "cat")
    assert ask(shared, "query", "last", "resid_pre0")["tokens"] == reply["tokens"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["last", "pattern7"], ["no hook point 'pattern7'", "near names", "blocks.0.attn.hook_pattern"]),
        (["last", "pattern0[16]"], ["16", "axis 0"]),
        (["last", "pattern0[1,2,3,4]"], ["4 entries"]),
        (["last", "pattern0[::0]"], ["step"]),
        (["last", "pattern0[a]"], ["'a'"]),
        (["last", "pattern0[1"], ["']'"]),
        (["last", "pattern0", "--head", "16"], ["16"]),
        (["last", "resid_pre0", "--head", "1"], ["no axis of heads"]),
        (["last", "pattern0[0]", "--head", "1"], ["both"]),
        (["last", "pattern0", "--prompt", "5"], ["5"]),
        (["last", "pattern0", "--out", "/nowhere/x.npy"], ["/nowhere/x.npy"]),
        (["0123456789abcdef", "pattern0"], ["0123456789abcdef"]),
    ],
)
@pytest.mark.usefixtures("story")
def test_queries_that_are_refused(shared: Daemon, arguments: list[str], words: list[str]) -> None:
    refused(lensctl("query", *arguments, daemon=shared), 65, *words)


# Attention, ablation, study


def test_attention_of_all_heads_and_of_one(shared: Daemon, folder: Path) -> None:
    page = folder / "page.html"
    reply = ask(shared, "attention", STORY, "--html", page)
    count = len(reply["tokens"])
    assert [(head["layer"], head["head"]) for head in reply["heads"]] == [(0, head) for head in range(16)]
    patterns = np.array([head["pattern"] for head in reply["heads"]])
    assert patterns.shape == (16, count, count)
    np.testing.assert_allclose(patterns.sum(-1), 1, atol=1e-5)
    assert np.array_equal(np.tril(patterns), patterns)
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert 'src="http' not in text
    one = ask(shared, "attention", STORY, "--head", "-1")["heads"]
    assert [(head["layer"], head["head"]) for head in one] == [(0, 15)]
    np.testing.assert_array_equal(np.array(one[0]["pattern"]), patterns[15])
    refused(lensctl("attention", STORY, "--head", "16", daemon=shared), 65, "head", "0...15", "16")
    refused(lensctl("attention", STORY, "--layer", "1", daemon=shared), 65, "layer", "0...0", "1")


def test_a_prompt_with_a_script_is_only_text(shared: Daemon, folder: Path) -> None:
    page = folder / "page.html"
    ask(shared, "ablate", "<script>alert(1)</script>", "--html", page)
    assert "<script>alert" not in page.read_text()


def test_ablate_answers_as_the_contract_says(shared: Daemon, story: dict[str, Any], folder: Path) -> None:
    table, page = folder / "heads.csv", folder / "page.html"
    reply = ask(shared, "ablate", STORY, "--csv", table, "--html", page)
    for key in ("schema", "model", "fingerprint", "kind", "hook", "tokens", "baseline_loss", "heads"):
        assert key in reply
    assert (reply["schema"], reply["kind"], reply["hook"]) == (1, "zero", "z")
    assert reply["tokens"] == story["tokens"]
    assert reply["baseline_loss"] == pytest.approx(story["loss"], abs=1e-5)
    assert [list(head) for head in reply["heads"]] == [["layer", "head", "loss", "delta", "standard_error"]] * 16
    for head in reply["heads"]:
        assert head["loss"] - reply["baseline_loss"] == pytest.approx(head["delta"], abs=1e-9)
        assert head["standard_error"] > 0
    with table.open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert rows == reply["heads"]
    assert page.stat().st_size > 10_000
    mean = ask(shared, "ablate", STORY, "--kind", "mean")
    assert mean["kind"] == "mean"
    assert mean["baseline_loss"] == reply["baseline_loss"]
    assert all(one["delta"] != other["delta"] for one, other in zip(mean["heads"], reply["heads"], strict=True))


def test_a_corpus_is_pooled_over_its_predictions(shared: Daemon, folder: Path) -> None:
    words = STORY.split()
    prompts = [" ".join(words[: 1 + index % len(words)]) for index in range(70)]
    plain, lines = folder / "corpus.txt", folder / "corpus.jsonl"
    plain.write_text("\n\n".join(prompts) + "\n")
    lines.write_text("".join(json.dumps({"text": prompt, "n": 1}) + "\n" for prompt in prompts))
    reply = ask(shared, "ablate", "--corpus", plain)
    again = ask(shared, "ablate", "--corpus", lines)
    assert [len(tokens) for tokens in reply["tokens"]] == [len(tokens) for tokens in again["tokens"]]
    assert len(reply["tokens"]) == 70

    singles = [ask(shared, "ablate", prompt) for prompt in prompts[: len(words)]]
    singles = [singles[index % len(words)] for index in range(70)]
    counts = np.array([len(single["tokens"]) - 1 for single in singles])
    assert reply["predictions"] == counts.sum()
    total = counts.sum()
    for head in range(16):
        deltas = np.array([single["heads"][head]["delta"] for single in singles])
        errors = np.array([single["heads"][head]["standard_error"] or 0 for single in singles])
        mean = (counts * deltas).sum() / total
        squares = (errors**2 * counts * (counts - 1)).sum() + (counts * (deltas - mean) ** 2).sum()
        assert reply["heads"][head]["delta"] == pytest.approx(mean, abs=1e-5)
        expected = math.sqrt(squares / (total - 1) / total)
        assert reply["heads"][head]["standard_error"] == pytest.approx(expected, rel=1e-3)
        assert again["heads"][head]["delta"] == pytest.approx(reply["heads"][head]["delta"], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"\n \n", ["holds no prompt"]),
        ("bad.jsonl", b'{"text": "a"}\n{"txt": "b"}\n', ["line 2", '{"text":']),
        ("latin.txt", b"\xff\xfe", ["UTF-8"]),
        ("long.txt", b"Tom\n" + b"the " * 5000 + b"\n", ["prompt"]),
    ],
)
def test_a_bad_corpus(shared: Daemon, folder: Path, name: str, content: bytes, words: list[str]) -> None:
    (folder / name).write_bytes(content)
    refused(lensctl("ablate", "--corpus", folder / name, daemon=shared), 65, *words)


def test_nothing_is_predicted_by_a_single_token(shared: Daemon) -> None:
    reply = ask(shared, "ablate", "a", "--no-bos")
    assert reply["baseline_loss"] is None
    assert {head["delta"] for head in reply["heads"]} == {None}
    done = lensctl("ablate", "a", "--no-bos", daemon=shared)
    assert done.returncode == 0
    assert b"nothing" in done.stdout


def test_study_closes_with_a_table_of_heads(shared: Daemon, folder: Path) -> None:
    page = folder / "study.html"
    reply = ask(shared, "study", STORY, "--html", page)
    assert len(reply["heads"]) == 16
    assert reply["html"] == str(page)
    for head in reply["heads"]:
        assert set(head["kinds"]) <= {
            "self",
            "previous",
            "first token",
            "duplicate",
            "induction",
            "positional",
            "semantic",
            "broad",
            f"distance {head['scores']['distance']}",
        }
        assert 0 <= head["scores"]["self"] <= 1
    assert page.read_text().startswith("<!DOCTYPE html>")
    text = lensctl("study", STORY, daemon=shared).stdout.decode()
    table = text[text.index("Heads\n") :]
    for head in range(16):
        assert re.search(rf"L0H{head} .*[+-]\d+\.\d+ +\+- \d+\.\d+", table)


def test_heads_are_classified_with_their_evidence(shared: Daemon, folder: Path) -> None:
    page = folder / "atlas.html"
    corpus = folder / "stories.jsonl"
    corpus.write_text("".join(json.dumps({"text": text}) + "\n" for text in (STORY, "a cat saw Tom", STORY * 2)))
    reply = ask(shared, "heads", "--corpus", corpus, "--limit", "2", "--pairs", "2", "--html", page)
    assert (reply["schema"], reply["prompts"], reply["kind"], reply["built_in_corpus"]) == (1, 2, "zero", False)
    sweep = ask(shared, "ablate", "--corpus", two_lines(folder))
    assert [head["delta"] for head in reply["heads"]] == pytest.approx([head["delta"] for head in sweep["heads"]])
    for head in reply["heads"]:
        assert head["position"] + head["tokens"] + head["context"] == pytest.approx(1)
        assert len(head["pairs"]) <= 2
        assert all(finding["why"] and 0 < finding["score"] <= 1.001 for finding in head["kinds"])
        assert 3 <= len(head["by_distance"]) <= 18
    assert page.read_text().count("<article ") == 16


def two_lines(folder: Path) -> Path:
    path = folder / "two.txt"
    path.write_text(f"{STORY}\na cat saw Tom\n")
    return path


def test_one_heads_evidence_is_shown(shared: Daemon) -> None:
    card = lensctl("heads", "--kind", "none", "--head", "3", STORY, daemon=shared).stdout.decode()
    assert "L0H3" in card
    assert "L0H4" not in card
    assert "nats from even attention" in card
    assert "loss without it" not in card
    refused(lensctl("heads", "--kind", "none", "--head", "99", STORY, daemon=shared), 65, "head 99")
    refused(lensctl("heads", "--corpus", "x.txt", STORY, daemon=shared), 64, "one place")


# Sessions, status, version


def test_sessions_are_listed_shown_and_deleted(daemon: Daemon) -> None:
    assert ask(daemon, "sessions")["sessions"] == []
    ask(daemon, "run", "a", "--session", "one")
    ask(daemon, "ablate", "a", "--session", "one")
    ask(daemon, "run", "a")
    names = {session["name"]: session["runs"] for session in ask(daemon, "sessions", "list")["sessions"]}
    assert names == {"one": 2, "default": 1}
    assert [run["kind"] for run in ask(daemon, "sessions", "show", "one")["runs"]] == ["sweep", "run"]
    assert ask(daemon, "sessions", "delete", "one") == {"schema": 1, "deleted": "one", "runs": 2}
    refused(lensctl("sessions", "show", "one", daemon=daemon), 65, "'one'")
    refused(lensctl("sessions", "delete", "one", daemon=daemon), 65, "'one'")


def test_a_run_with_hook_functions_says_so(daemon: Daemon) -> None:
    with lensd.connect(daemon.socket, session="hooked") as client:
        client.model().run_with_hooks("a", "loss", [("z0", lambda value, **_: value * 0)])
    (run,) = ask(daemon, "sessions", "show", "hooked")["runs"]
    assert (run["kind"], run["hooked"]) == ("run", True)
    assert "run with hooks" in unpainted(on_terminal(daemon, "sessions", "show", "hooked"))
    refused(lensctl("query", run["run"], "z0", daemon=daemon), 1, "a hook function took part")


def test_status_models_and_version_say_who_answered(shared: Daemon) -> None:
    status = ask(shared, "status")
    assert shared.process is not None
    assert (status["socket"], status["pid"]) == (str(shared.socket), shared.process.pid)
    assert [model["name"] for model in status["models"]] == ["tiny"]
    model = ask(shared, "models")["models"][0]
    assert (model["cfg"]["n_layers"], model["cfg"]["n_heads"], model["is_default"]) == (1, 16, True)
    version = ask(shared, "version")
    assert version["lensctl"] == version["lensd"] == "0.1.0"
    for command in ("status", "models", "version"):
        assert lensctl(command, daemon=shared).returncode == 0
    assert lensctl("--version").stdout == b"lensctl 0.1.0\n"


# Failures


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "a", "b"],
        ["run", "--bogus"],
        ["bogus"],
        ["query", "last"],
        ["run", "a", "--top", "x"],
        ["run", "a", "--top", "-1"],
        ["run", "a", "--ids", "1"],
        ["ablate"],
        ["ablate", "a", "--corpus", "b"],
        ["ablate", "a", "--kind", "half"],
        ["logs", "--follow", "--json"],
        ["sessions", "delete"],
    ],
)
def test_bad_usage(arguments: list[str]) -> None:
    refused(lensctl(*arguments), 64, "Usage: lensctl")
    done = lensctl(*arguments, "--json")
    assert done.returncode == 64
    assert json.loads(done.stdout)["error"]["code"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "a", "--model", "absent"], "NOT_FOUND", ["'absent'", "tiny"]),
        (["run", "a", "--model", "tiny@cooked"], "INVALID_ARGUMENT", ["NAME@raw", "tiny@cooked"]),
        (["run", "the " * 3000], "INVALID_ARGUMENT", ["context length"]),
        (["run", "--ids", "1,999999"], "INVALID_ARGUMENT", ["999999"]),
        (["run", "--ids", "1,-2"], "INVALID_ARGUMENT", ["-2"]),
        (["run", "--file", "/absent"], "INVALID_ARGUMENT", ["/absent"]),
        (["attention", "a", "--html", "/absent/page.html"], "INVALID_ARGUMENT", ["/absent/page.html"]),
        (["run", "a", "--session", "x" * 65], "INVALID_ARGUMENT", ["64"]),
    ],
)
def test_bad_input(shared: Daemon, arguments: list[str], code: str, words: list[str]) -> None:
    refused(lensctl(*arguments, daemon=shared), 65, *words)
    done = lensctl("--json", *arguments, daemon=shared)
    error = json.loads(done.stdout)
    assert list(error) == ["error"]
    assert list(error["error"]) == ["code", "message"]
    assert error["error"]["code"] == code
    assert all(word in error["error"]["message"] for word in words)


def test_text_that_is_not_utf8_is_refused(shared: Daemon) -> None:
    refused(lensctl("run", "-", daemon=shared, stdin=b"a\xff"), 65, "UTF-8")


def test_without_a_daemon_all_that_was_tried_is_named(folder: Path) -> None:
    done = lensctl("run", "a", env={"XDG_RUNTIME_DIR": str(folder)})
    refused(done, 69, f"{folder}/lensd/lensd.sock", "/run/lensd/lensd.sock", "lensctl up")
    done = lensctl("run", "a", "--json", "--socket", folder / "x.sock", env={"XDG_RUNTIME_DIR": str(folder)})
    assert done.returncode == 69
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "UNAVAILABLE"
    assert f"{folder}/x.sock" in error["message"]
    done = lensctl("version", "--socket", folder / "x.sock")
    assert (done.returncode, done.stdout) == (69, b"lensctl 0.1.0\n")


@pytest.fixture
def endless(folder: Path) -> Path:
    """A corpus that keeps the daemon busy for long: no line of it was asked before."""
    corpus = folder / "corpus.txt"
    corpus.write_text("".join(f"{number} {STORY} {STORY}\n" for number in range(20_000)))
    return corpus


def waiting(daemon: Daemon, corpus: Path) -> subprocess.Popen[bytes]:
    """A client whose sweep is under way."""
    client = subprocess.Popen(
        [str(LENSCTL), "--json", "ablate", "--corpus", str(corpus)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment({"LENSD_SOCKET": str(daemon.socket)}),
    )
    give_up_at = time.monotonic() + 10
    while ask(daemon, "status")["running_jobs"] == 0:
        assert client.poll() is None
        assert time.monotonic() < give_up_at
    return client


def test_control_c_cancels_on_the_daemon(daemon: Daemon, endless: Path) -> None:
    client = waiting(daemon, endless)
    client.send_signal(signal.SIGINT)
    client.communicate(timeout=5)
    assert client.returncode == 130
    give_up_at = time.monotonic() + 5
    # The engine lets go a moment before the call's line is written.
    while ask(daemon, "status")["running_jobs"] > 0 or "CANCELLED" not in daemon.log():
        assert time.monotonic() < give_up_at


def test_a_daemon_that_dies_under_a_waiting_client(daemon: Daemon, endless: Path) -> None:
    client = waiting(daemon, endless)
    daemon.kill()
    out, message = client.communicate(timeout=5)
    assert client.returncode == 69
    assert json.loads(out)["error"]["code"] == "UNAVAILABLE"
    assert message.startswith(b"lensctl: ")


def test_a_reader_that_has_seen_enough(shared: Daemon, story: dict[str, Any]) -> None:
    command = f"'{LENSCTL}' query {story['run']} resid_post0 --json | head -c 10"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, env=environment({"LENSD_SOCKET": str(shared.socket)}), timeout=30
    )
    assert (done.returncode, done.stderr) == (0, b"")


# One's own daemon


@pytest.fixture
def own(folder: Path) -> Any:
    """Places for `lensctl up`; whatever it started is stopped afterwards."""
    env = {"XDG_RUNTIME_DIR": str(folder / "run"), "LENSD_STATE": str(folder / "own")}
    (folder / "run").mkdir(mode=0o700)
    yield env
    lensctl("down", env=env)


MODEL = ["--", "--model", f"tiny={TINY}"]


def test_up_logs_down(own: dict[str, str], folder: Path) -> None:
    socket = folder / "run" / "lensd" / "lensd.sock"
    done = lensctl("up", "--json", *MODEL, env=own)
    assert done.returncode == 0, done.stderr
    up = json.loads(done.stdout)
    assert (up["socket"], up["log"], up["started"]) == (str(socket), str(folder / "own" / "lensd.log"), True)
    pid = up["pid"]
    # In a session of its own: a Ctrl-C in the terminal of `up` does not reach it.
    assert os.getsid(pid) == pid
    assert json.loads(lensctl("status", "--json", env=own).stdout)["pid"] == pid
    again = json.loads(lensctl("up", "--json", env=own).stdout)
    assert (again["pid"], again["started"]) == (pid, False)
    log = json.loads(lensctl("logs", "--json", "-n", "500", env=own).stdout)
    assert any("ready" in line for line in log["lines"])
    assert len(lensctl("logs", "-n", "2", env=own).stdout.splitlines()) == 2
    down = json.loads(lensctl("down", "--json", env=own).stdout)
    assert (down["pid"], down["stopped"]) == (pid, True)
    assert not socket.exists()
    assert not Path(f"/proc/{pid}/exe").exists()
    refused(lensctl("down", env=own), 69, str(socket), "lensctl up")


def test_down_stops_only_the_daemon_at_its_socket(own: dict[str, str], daemon: Daemon) -> None:
    assert lensctl("up", *MODEL, env=own).returncode == 0
    assert lensctl("down", env=own).returncode == 0
    assert ask(daemon, "status")["socket"] == str(daemon.socket)


def test_up_shows_why_a_daemon_died(own: dict[str, str], folder: Path) -> None:
    done = lensctl("up", "--", "--model", "x=/absent", env=own)
    refused(done, 65, "exit code 65", str(folder / "own" / "lensd.log"), "/absent")
    done = lensctl("up", "--socket", "/tmp/" + "x" * 200, *MODEL, env=own)
    assert done.returncode in (64, 65)
    assert b"107" in done.stderr
    # What an earlier daemon wrote is not this one's.
    assert b"/absent" not in done.stderr


def test_logs_follow(own: dict[str, str]) -> None:
    refused(lensctl("logs", env=own), 65, "lensctl up")
    assert lensctl("up", *MODEL, env=own).returncode == 0
    with subprocess.Popen(
        [str(LENSCTL), "logs", "-f", "-n", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(own)
    ) as follower:
        time.sleep(0.5)
        assert lensctl("run", "a", env=own).returncode == 0
        assert follower.stdout is not None
        assert b"Inference/Run" in follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        assert follower.wait(5) == 130


# On a terminal and off it


@pytest.mark.parametrize(
    "arguments",
    [["run", STORY], ["attention", STORY], ["attention", STORY, "--head", "3"], ["ablate", STORY], ["study", STORY]],
)
def test_pipes_get_plain_ascii_of_80_columns(shared: Daemon, arguments: list[str]) -> None:
    env = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    out = lensctl(*arguments, daemon=shared, env=env).stdout
    assert out.isascii()
    assert b"\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert out.strip()


def test_terminals_get_colours_and_unicode(shared: Daemon) -> None:
    painted = on_terminal(shared, "attention", STORY)
    assert "▀" in painted
    assert "\x1b[38;5;" in painted
    assert "38;2;" not in painted
    assert all(f"L0H{head}" in painted for head in range(16))
    assert max(map(len, unpainted(painted).splitlines())) <= 80
    assert "\x1b[38;2;" in on_terminal(shared, "attention", STORY, env={"COLORTERM": "truecolor"})
    plain = on_terminal(shared, "attention", STORY, env={"NO_COLOR": "1"})
    assert "\x1b" not in plain
    assert "░" in plain
    assert on_terminal(shared, "run", STORY, env={"LC_ALL": "C", "NO_COLOR": "1"}).isascii()
    assert "█" in on_terminal(shared, "ablate", STORY)
    assert "·the" in on_terminal(shared, "run", STORY)


def test_no_control_character_of_a_prompt_reaches_the_terminal(shared: Daemon) -> None:
    evil = "a\x1b[2J\x07\u202e\x9bb\n"
    for command in ("tokens", "run", "attention", "ablate"):
        shown = on_terminal(shared, command, evil)
        assert not set(unpainted(shown)) & set("\x1b\x07\u202e\x9b")


# The program itself


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_examples(command: str) -> None:
    done = lensctl(*command.split(), "--help")
    assert done.returncode == 0
    assert done.stderr == b""
    text = done.stdout.decode()
    assert "Examples:" in text
    assert f"lensctl {command.split()[0]}" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    done = lensctl("--generate-completion-script", shell)
    assert done.returncode == 0
    assert b"ablate" in done.stdout
    if program := shutil.which(shell):
        assert subprocess.run([program, "-n"], input=done.stdout, capture_output=True).returncode == 0


def test_the_program_starts_without_foundations_tables() -> None:
    """Loading them takes longer than a run."""
    libraries = subprocess.run(["ldd", str(LENSCTL)], capture_output=True, text=True, check=True).stdout
    assert "_FoundationICU" not in libraries
    assert "libFoundation.so" not in libraries


# Generate


def test_generate_answers_as_the_contract_says(shared: Daemon) -> None:
    reply = ask(shared, "generate", STORY, "-n", "6", "--seed", "3", "--ignore-eos")
    assert list(reply) == [
        *["schema", "run", "model", "fingerprint", "text", "finish_reason", "mean_logprob", "seed"],
        *["prompt_tokens", "tokens", "logprobs"],
    ]
    assert (reply["schema"], reply["seed"], reply["finish_reason"]) == (1, 3, "length")
    assert len(reply["tokens"]) == reply["prompt_tokens"] + 6
    assert len(reply["logprobs"]) == 6
    assert math.isclose(reply["mean_logprob"], sum(reply["logprobs"]) / 6, abs_tol=1e-6)
    # The run is that of the final tokens.
    ids = [token["id"] for token in reply["tokens"]]
    query = ask(shared, "query", reply["run"], "hook_tokens")
    assert query["data"] == ids
    again = ask(shared, "run", "--ids", ",".join(map(str, ids[:-1])), "--top", "320")
    logprob = next(item["logprob"] for item in again["top"] if item["id"] == ids[-1])
    assert math.isclose(logprob, reply["logprobs"][-1], abs_tol=1e-4)


def test_generate_writes_the_text(shared: Daemon) -> None:
    options = ["--temperature", "0", "-n", "8", "--ignore-eos"]
    reply = ask(shared, "generate", STORY, *options)
    done = lensctl("generate", STORY, *options, daemon=shared)
    assert done.returncode == 0
    assert done.stdout.decode() == STORY + reply["text"] + ("" if reply["text"].endswith("\n") else "\n")
    assert b"8 tokens, as many as asked for, mean logprob " in done.stderr
    ids = ",".join(str(token["id"]) for token in reply["tokens"][: reply["prompt_tokens"]])
    assert ask(shared, "generate", "--ids", ids, *options)["tokens"] == reply["tokens"]
    stop = reply["text"][3:5]
    stopped = ask(shared, "generate", STORY, *options, "--stop", "never comes", "--stop", stop)
    assert stopped["finish_reason"] == "stop"
    assert stopped["text"] == reply["text"][: reply["text"].index(stop)]


def test_generate_on_a_terminal_shows_no_control_character(shared: Daemon) -> None:
    # Random weights write anything: with this seed some control characters among it.
    reply = ask(shared, "generate", "a", "-n", "40", "--seed", "1", "--ignore-eos")
    assert any(ord(char) < 32 and char != "\n" for char in reply["text"])
    shown = on_terminal(shared, "generate", "a", "-n", "40", "--seed", "1", "--ignore-eos")
    assert not any(ord(char) < 32 and char != "\n" for char in shown)


def test_generate_takes_edits(shared: Daemon) -> None:
    options = ["--temperature", "0", "-n", "6", "--ignore-eos"]
    plain = ask(shared, "generate", STORY, *options)
    edited = ask(shared, "generate", STORY, *options, "--edit", "scale mlp_out0 -2", "--edit", "zero z0 head=3")
    assert edited["logprobs"] != plain["logprobs"]
    mean = lensctl("generate", STORY, *options, "--edit", "mean z0", daemon=shared)
    refused(mean, 65, "changes with each new token")
    refused(lensctl("generate", STORY, "--edit", "zero z0 pos=-1", daemon=shared), 65, "from the front")


def test_generations_are_in_the_session(shared: Daemon) -> None:
    reply = ask(shared, "--session", "texts", "generate", STORY, "-n", "4", "--top-k", "9", "--seed", "2")
    run = ask(shared, "sessions", "show", "texts")["runs"][0]
    assert (run["run"], run["kind"]) == (reply["run"], "generation")
    assert run["detail"] == "4 tokens, temperature 1.0, top-k 9, seed 2"
    assert math.isclose(run["loss"], -reply["mean_logprob"], abs_tol=1e-6)
    shown = lensctl("sessions", "show", "texts", daemon=shared).stdout.decode()
    assert "generation" in shown
    assert "top-k 9" in shown


def test_generate_refuses_what_cannot_be(shared: Daemon) -> None:
    for options, status, words in [
        (["-n", "0"], 64, ["--new-tokens must be 1 or more", "0"]),
        (["-n", "-3"], 64, ["received -3"]),
        (["--temperature", "-1"], 64, ["--temperature must be 0 or more", "-1"]),
        (["--temperature", "nan"], 64, ["--temperature"]),
        (["--top-k", "0"], 64, ["--top-k must be 1 or more", "0"]),
        (["--top-p", "1.5"], 64, ["--top-p must be above 0 and at most 1", "1.5"]),
        (["--top-p", "0"], 64, ["--top-p"]),
        (["--seed", "-1"], 64, ["--seed must be 0 or more"]),
        (["--stop", ""], 64, ["--stop"]),
        (["--stop", "x" * 300], 65, ["256", "300"]),
        (["--model", "nothing"], 65, ["nothing"]),
    ]:
        refused(lensctl("generate", STORY, *options, daemon=shared), status, *words)
    refused(lensctl("generate", daemon=shared), 64, "expected a prompt")
    refused(lensctl("generate", "", daemon=shared), 65, "empty")


def test_interrupted_generations_keep_what_was_printed(folder: Path) -> None:
    daemon = Daemon(folder, "--model", f"tales={ROOT / 'Models' / 'tinytales-1l'}").start()
    try:
        client = subprocess.Popen(
            [str(LENSCTL), "generate", "Once upon", "-n", "500", "--ignore-eos"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment({"LENSD_SOCKET": str(daemon.socket)}),
        )
        assert client.stdout is not None
        printed = b""
        while len(printed) < len("Once upon") + 2:
            printed += os.read(client.stdout.fileno(), 64)
        client.send_signal(signal.SIGINT)
        rest, _ = client.communicate(timeout=5)
        assert client.returncode == 130
        assert printed.startswith(b"Once upon")
        assert (printed + rest).endswith(b"\n")
        give_up_at = time.monotonic() + 5
        while ask(daemon, "status")["running_jobs"] > 0 or "CANCELLED" not in daemon.log():
            assert time.monotonic() < give_up_at
    finally:
        daemon.kill()

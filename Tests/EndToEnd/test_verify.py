"""`lensctl models verify` against what transformers makes of the same folders."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lensd.model_files import fingerprint
from lensd.parity_report import PROMPT, ParityReport, differences

from daemon import BINARY, FIXTURES, ROOT, Daemon, copy_model, environment

LENSCTL = BINARY.parent / "lensctl"
FOLDERS = {"tinytales-1l": ROOT / "Models" / "tinytales-1l", "gpt-neo-3l-local": FIXTURES / "gpt-neo-3l-local"}
HAS_TRANSFORMERS = all(importlib.util.find_spec(each) for each in ("torch", "transformers"))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("verify")
    toy = copy_model(folder / "toy")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (toy / name).unlink()
    served = {**FOLDERS, "toy": toy}
    daemon = Daemon(folder, *(part for name, at in served.items() for part in ("--model", f"{name}={at}"))).start()
    yield daemon
    assert daemon.stop() == 0


def verify(daemon: Daemon, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(LENSCTL), "--socket", str(daemon.socket), "models", "verify", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())


def report(daemon: Daemon, *arguments: str) -> ParityReport:
    done = verify(daemon, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return ParityReport.parse(done.stdout)


@pytest.mark.parametrize("name", FOLDERS)
def test_agrees_with_transformers(daemon: Daemon, name: str) -> None:
    """The references are what `python -m lensd.verify FOLDER --json` printed with transformers 5.23 and torch 2.13."""
    reference = ParityReport.parse((Path(__file__).parent / "verify" / f"{name}.json").read_text())
    found = report(daemon, name)
    assert differences(found, reference) == []
    assert found.fingerprint == reference.fingerprint == fingerprint(FOLDERS[name])
    assert PROMPT.startswith("".join(each.token for each in found.tokens[1:]))
    layers = len(found.forms[0].norms) - 2
    hooks = [f"blocks.{layer}.hook_resid_post" for layer in range(layers)]
    for form in found.forms:
        assert [each.hook for each in form.norms] == ["blocks.0.hook_resid_pre", *hooks, "unembed.hook_out"]
        assert len(form.top) == 10
    assert [form.form for form in found.forms] == ["raw", "processed"]


def test_forms_are_one_function(daemon: Daemon) -> None:
    found = report(daemon, "tinytales-1l")
    raw, processed = found.form("raw"), found.form("processed")
    assert processed.loss == pytest.approx(raw.loss, abs=1e-5)
    assert [each.id for each in processed.top] == [each.id for each in raw.top]
    # Only the logits' offset and the stream's mean are others.
    assert processed.norms[-1].mean != pytest.approx(raw.norms[-1].mean, abs=1)


def test_other_prompts(daemon: Daemon) -> None:
    assert [form.form for form in report(daemon, "tinytales-1l@raw", "--text", "Tom saw").forms] == ["raw"]
    assert [each.id for each in report(daemon, "tinytales-1l", "--ids", "5,7,9").tokens] == [5, 7, 9]
    toy = report(daemon, "toy")
    assert [each.id for each in toy.tokens] == [7 * index + 3 for index in range(16)]
    lines = "\n".join(toy.lines())
    assert verify(daemon, "toy").stdout.split()[:6] == lines.split()[:6]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing"], 65, "no model 'nothing'"),
        (["toy", "--text", "Tom"], 1, "has no tokenizer"),
        (["toy", "--ids", "5,320"], 65, "must be in 0...319; received 320"),
        (["toy", "--ids", ""], 65, "at least one token"),
        (["toy", "--ids", "5", "--text", "x"], 64, "a prompt comes from one place"),
        (["toy", "--model", "toy"], 64, "a model is named once"),
    ],
)
def test_errors(daemon: Daemon, arguments: list[str], code: int, message: str) -> None:
    done = verify(daemon, *arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(not HAS_TRANSFORMERS, reason="needs transformers and torch")
def test_compare(daemon: Daemon) -> None:
    for name, folder in FOLDERS.items():
        text = verify(daemon, name, "--text", "Once upon a time", "--json").stdout
        command = [sys.executable, "-m", "lensd.verify", str(folder), "--compare", "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "agrees" in done.stdout
        spoilt = json.loads(text)
        spoilt["forms"][0]["norms"][1]["last"] *= 1.001
        done = subprocess.run(command, input=json.dumps(spoilt), capture_output=True, text=True, timeout=120)
        assert done.returncode == 1
        assert "differs: blocks.0.hook_resid_post: last norm" in done.stderr

"""Reports survive JSON, and every difference is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reference import FIXTURES, ROOT

import lensd
from lensd.model_files import fingerprint, model_folder
from lensd.parity_report import ParityReport, differences, ids_without_tokenizer

TEXT = (ROOT / "Tests" / "EndToEnd" / "verify" / "gpt-neo-3l-local.json").read_text()
REPORT = ParityReport.parse(TEXT)


def test_json_and_back() -> None:
    assert ParityReport.parse(REPORT.json()) == REPORT
    assert json.loads(REPORT.json()) == json.loads(TEXT)
    assert differences(REPORT, REPORT) == []
    single = json.loads(TEXT)
    single["forms"][0]["loss"] = None
    assert differences(ParityReport.parse(json.dumps(single)), ParityReport.parse(json.dumps(single))) == []
    assert len(differences(ParityReport.parse(json.dumps(single)), REPORT)) == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"model": 1}', '{"error": {"code": "NOT_FOUND"}}'])
def test_no_report(text: str) -> None:
    with pytest.raises(lensd.InvalidArgument, match="expected a report"):
        ParityReport.parse(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda report: report.update(fingerprint="0" * 64), "fingerprint: 0000000000000000…"),
        (lambda report: report["tokens"][3].update(id=1), "tokens: first at position 3"),
        (lambda report: report["tokens"].pop(), "tokens: 31 of them, reference 32"),
        (lambda report: report["forms"][0].update(loss=report["forms"][0]["loss"] + 2e-4), "loss: "),
        (lambda report: report["forms"][0]["top"][4].update(logprob=-3.0), "next token 5: log-probability -3.0"),
        (lambda report: report["forms"][0]["norms"][2].update(mean=1.0), "blocks.1.hook_resid_post: mean norm 1.0"),
        (lambda report: report["forms"][0]["norms"][2].update(last=1.0), "blocks.1.hook_resid_post: last norm 1.0"),
        (lambda report: report["forms"][0]["norms"].pop(), "unembed.hook_out: only in the reference"),
        (lambda report: report["forms"][0]["norms"][0].update(hook="x"), "x: not in the reference"),
    ],
)
def test_differences(change: Callable[[Any], object], message: str) -> None:
    members = json.loads(TEXT)
    change(members)
    found = differences(ParityReport.parse(json.dumps(members)), REPORT)
    assert found
    assert found[0].startswith(message)


def test_near_ties_may_change_places() -> None:
    members = json.loads(TEXT)
    top = members["forms"][0]["top"]
    top[1]["logprob"] = top[0]["logprob"]
    reference = ParityReport.parse(json.dumps(members))
    top[0], top[1] = top[1], top[0]
    assert differences(ParityReport.parse(json.dumps(members)), reference) == []


def test_rounding_is_no_difference() -> None:
    members = json.loads(TEXT)
    members["forms"][0]["loss"] += 5e-6
    for norm in members["forms"][0]["norms"]:
        norm["mean"] *= 1.00005
    assert differences(ParityReport.parse(json.dumps(members)), REPORT) == []


def test_lines_say_everything() -> None:
    lines = list(REPORT.lines())
    assert lines[0] == "model        gpt-neo-3l-local"
    assert any(line.startswith("raw  loss ") for line in lines)
    assert sum("hook_resid_post" in line for line in lines) == 3


def test_prompt_without_a_tokenizer() -> None:
    assert ids_without_tokenizer(11, 4) == [3, 10, 6, 2]
    assert len(ids_without_tokenizer(1, 100)) == 16


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSD_STATE", str(tmp_path))
    folder = tmp_path / "models" / "stories"
    folder.mkdir(parents=True)
    with pytest.raises(lensd.NotFound, match=r"no model at .*stories"):
        model_folder("stories")
    (folder / "config.json").write_text("{}")
    assert model_folder("stories") == folder
    assert model_folder(str(folder)) == folder
    assert fingerprint(folder) == ""
    (folder / "model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0[]")
    with pytest.raises(lensd.InvalidArgument, match="is no safetensors file"):
        fingerprint(folder)
    (folder / "vocab.json").write_text("{}")
    assert fingerprint(folder) == ""


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 64, "the following arguments are required: model"),
        (["x", "--ids", "1", "--text", "y"], 64, "not allowed with"),
        (["/nonexistent"], 65, "no model at /nonexistent"),
        ([str(FIXTURES / "gpt-neo-1l-16h"), "--ids", "5,x"], 65, "whole numbers such as 5,7,9; received '5,x'"),
        ([str(FIXTURES / "gpt-neo-1l-16h"), "--compare", "/nonexistent"], 65, "cannot read the report /nonexistent"),
    ],
)
def test_wrong_uses(arguments: list[str], code: int, message: str) -> None:
    command = [sys.executable, "-m", "lensd.verify", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert done.stdout == ""

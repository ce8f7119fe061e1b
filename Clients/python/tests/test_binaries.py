"""Where the programs are found that come with the platform's wheel."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import lensd
from lensd import binaries


class _Recorded(metadata.PackagePath):
    below: Path

    def locate(self) -> Path:
        return self.below / self


def _recorded(below: Path, name: str) -> _Recorded:
    file = _Recorded(name)
    file.below = below
    return file


def _program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/sh\necho "$0" "$@"\n')
    path.chmod(mode)
    return path


def test_what_was_installed_comes_before_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = _program(tmp_path / "environment/bin/lensctl")
    other = _program(tmp_path / "elsewhere/lensctl")
    monkeypatch.setenv("PATH", str(other.parent))
    assert binaries.find("lensctl") == other
    (tmp_path / "environment/lib").mkdir()
    files = [_recorded(tmp_path / "environment/lib", "../share/bash-completion/completions/lensctl")]
    _program(tmp_path / "environment/share/bash-completion/completions/lensctl")
    files.append(_recorded(tmp_path / "environment/lib", "../bin/lensctl"))
    monkeypatch.setattr(metadata, "files", lambda _: files)
    assert binaries.find("lensctl") == own
    own.chmod(0o644)
    assert binaries.find("lensctl") == other


def test_a_program_that_is_nowhere_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(lensd.NotFound, match=r"no program 'lensctl'.*wheel"):
        binaries.find("lensctl")


def test_the_package_runs_as_lensctl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _program(tmp_path / "lensctl")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    answer = subprocess.run([sys.executable, "-m", "lensd", "run", "a b"], capture_output=True, text=True, check=True)
    assert answer.stdout.split()[1:] == ["run", "a", "b"]
    monkeypatch.setenv("PATH", "/nonexistent")
    missing = subprocess.run([sys.executable, "-m", "lensd"], capture_output=True, text=True, check=False)
    assert missing.returncode == 65
    assert "no program 'lensctl'" in missing.stderr

"""Who learns how far a long call is."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest

import lensd
from lensd.progress import in_notebook, progress_of

TOKENS = [[0, *range(1, 24)]] * 8


def test_a_function_learns_of_every_step(model: lensd.Model) -> None:
    steps: list[tuple[int, int]] = []
    model.ablate_heads(TOKENS, progress=lambda done, total: steps.append((done, total)))
    assert steps == sorted(steps)
    assert {total for _, total in steps} == {16 * len(TOKENS)}
    assert steps[-1][0] == steps[-1][1]


def test_nobody_asks_outside_a_notebook() -> None:
    assert not in_notebook()
    for progress in (None, False):
        with progress_of(progress, "x") as tell:
            assert tell is None


def test_a_notebook_has_a_bar_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tqdm")

    class ZMQInteractiveShell:
        pass

    shell = types.ModuleType("IPython")
    shell.get_ipython = ZMQInteractiveShell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    monkeypatch.setattr("lensd.progress.find_spec", lambda name: None if name == "ipywidgets" else object())
    with progress_of(None, "x") as tell:
        assert tell is not None


def test_a_bar_ends_where_the_work_did(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    pytest.importorskip("tqdm")
    monkeypatch.setattr("lensd.progress._PATIENCE_SECONDS", 0)
    with progress_of(True, "heads", "head") as tell:
        assert tell is not None
        tell(3, 16)
        tell(16, 16)
    assert "heads" in capsys.readouterr().err

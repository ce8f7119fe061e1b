"""A notebook's kernel: what cells show, and the bar that long calls have there."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Daemon

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

pytestmark = pytest.mark.filterwarnings("default")

CELLS = [
    "import lensd, lensd.progress; client = lensd.connect(session='notebook'); model = client.model('tiny'); model",
    "model.run('Tom saw Lily')",
    "model.ablate_heads('Tom saw Lily')",
    "_, cache = model.run_with_cache('Tom saw Lily'); cache",
    "model.head_scores('Tom saw Lily')",
    "model.generation('Tom', max_new_tokens=5)",
    "model.why_attends('Tom saw Lily', 0, 3)",
    "model.why_attends('Tom saw Lily', 0, 3, dest=-1, source=1)",
    "model.logit_lens('Tom saw Lily')",
    "model.logit_attribution('Tom saw Lily', by='head')",
    "model.logit_attribution('Tom saw Lily', pos=[0, 1, 2])",
    "model.detect_heads('Tom saw Lily. Tom saw')",
    "model.induction_scores(length=5, batch=2)",
    "model.reduce('Tom saw Lily', 'pattern', 'entropy')",
    "model.head_atlas('Tom saw Lily')",
    "client.session()",
    "client.sessions()",
]
BAR = "lensd.progress._PATIENCE_SECONDS = 0\nassert lensd.progress.in_notebook()\n_ = model.ablate_heads('Tom saw Max')"


def test_cells_show_their_results(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LENSD_SOCKET", daemon.socket)
    cells = [nbformat.v4.new_code_cell(source) for source in [*CELLS, BAR]]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    for cell in notebook.cells[:-1]:
        results: list[Any] = [output for output in cell.outputs if output.output_type == "execute_result"]
        assert len(results) == 1, cell.source
        page = results[0].data["text/html"]
        assert page.startswith(("<div", "<iframe")), cell.source
        assert "<script" not in page
    assert notebook.cells[-1].outputs, "the bar of a long call"

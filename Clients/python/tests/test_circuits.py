"""Circuits and composition by the daemon, against TransformerLens's references and NumPy on the weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from reference import FIXTURES, assert_close, read_safetensors

import lensd


@pytest.fixture
def local(client: lensd.Client) -> lensd.Model:
    return client.model("local")


@pytest.mark.parametrize("form", ["processed", "raw"])
@pytest.mark.parametrize("kind", ["ov", "qk"])
def test_circuits_are_transformer_lens_s(client: lensd.Client, kind: Literal["ov", "qk"], form: str) -> None:
    model = client.model("local", processing=form == "processed")
    reference = read_safetensors(FIXTURES / "circuits" / "reference.safetensors")
    told: list[tuple[int, int]] = []
    circuits = model.circuits(kind, tokens=[3, 259, 3], top=4, progress=lambda *counts: told.append(counts))
    expected = reference[f"gpt-neo-3l-local/{form}/{kind}/scores"].reshape(-1, 2)
    assert_close(np.array([[each.score, each.bare_score] for each in circuits]), expected)
    rows = reference[f"gpt-neo-3l-local/{form}/{kind}/rows"].reshape(12, -1)
    assert_close(np.array([[entry.value for entry in each.entries] for each in circuits]), rows)
    assert told == sorted(told)
    assert circuits.scores[2, 1] == circuits[2, 1].score


def test_one_head_s_circuit(local: lensd.Model) -> None:
    circuit = local.circuit(1, 2)
    whole = (local.W_E @ local.OV[1, 2] @ local.W_U).AB
    row, column = np.unravel_index(whole.argmax(), whole.shape)
    assert circuit.entries[0][:2] == (local.to_string([int(row)]), local.to_string([int(column)]))
    assert_close(np.array([entry.value for entry in circuit.entries]), np.sort(whole.ravel())[::-1][:10])
    assert_close(np.trace(whole), circuit.eigenvalues.sum().real)
    smallest = local.circuit(1, 2, smallest=True, top=1)
    assert_close(np.array(smallest.entries[0].value), whole.min())
    text = local.to_string([90])
    scores = (local.W_E @ local.QK[1, 2] @ local.W_E.T).AB[90]
    of_row = local.circuit(1, 2, "qk", tokens=text, top=2)
    assert [entry.row for entry in of_row.entries] == [text, text]
    assert_close(np.array([entry.value for entry in of_row.entries]), np.sort(scores)[::-1][:2])
    assert json.loads(json.dumps(circuit.to_dict()))["entries"][0]["value"] == circuit.entries[0].value


@pytest.mark.parametrize("kind", ["Q", "K", "V"])
def test_composition_is_transformer_lens_s(client: lensd.Client, kind: Literal["Q", "K", "V"]) -> None:
    reference = read_safetensors(FIXTURES / "circuits" / "reference.safetensors")
    local = client.model("local")
    told: list[tuple[int, int]] = []
    found = local.composition_scores(kind, progress=lambda *counts: told.append(counts))
    assert_close(found.scores, reference[f"gpt-neo-3l-local/processed/composition/{kind.lower()}"])
    assert_close(found.scores, local.all_composition_scores(kind))
    earlier, later, score = found.strongest(1)[0]
    assert found.scores[earlier][later] == score == found.scores.max()
    assert len(found.strongest(1000)) == 3 * 16
    assert told == sorted(told)


def test_results_show_themselves(local: lensd.Model) -> None:
    circuit, circuits, scores = local.circuit(0, 1), local.circuits("qk"), local.composition_scores("K")
    assert "OV circuit of L0H1" in circuit._repr_html_()
    assert "matching score" in circuits._repr_html_()
    assert "K composition" in scores._repr_html_()
    assert "L0H1" in repr(circuit)
    assert len(repr(circuits).splitlines()) == 13
    assert "L0H" in repr(scores)
    with pytest.raises(IndexError, match="received"):
        circuits[9, 9]


def test_a_model_of_one_layer_composes_nothing(model: lensd.Model) -> None:
    scores = model.composition_scores("V")
    assert not scores.scores.any()
    assert scores.strongest() == []
    assert "one layer" in scores._repr_html_()


def test_wrong_uses_are_told(local: lensd.Model) -> None:
    asking: Any = local
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: asking.circuit(3, 0), "layer"),
        (lambda: asking.circuit(0, -1), "from 0"),
        (lambda: asking.circuit(0, 0, "vo"), "ov, qk"),
        (lambda: asking.circuit(0, 0, top=101), "top_count"),
        (lambda: asking.circuit(0, 0, tokens=280), "token id"),
        (lambda: asking.composition_scores("q"), "Q, K, V"),
    ]
    for wrong, said in cases:
        with pytest.raises(lensd.InvalidArgument, match=said):
            wrong()

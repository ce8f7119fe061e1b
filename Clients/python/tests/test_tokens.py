"""Tokenisation through the client."""

from __future__ import annotations

import json

import numpy as np
import pytest
from reference import FIXTURES

import lensd


@pytest.fixture(scope="module")
def strings() -> list[tuple[str, list[int]]]:
    cases = json.loads((FIXTURES / "tokenizer" / "strings.json").read_text())
    return [(case["text"], case["ids"]["checkpoint"]) for case in cases]


def test_ids_are_those_of_the_tokenizers_library(model: lensd.Model, strings: list[tuple[str, list[int]]]) -> None:
    for start in range(0, len(strings), 50):
        part = strings[start : start + 50]
        tokens = model.to_tokens([text for text, _ in part], prepend_bos=False, truncate=False)
        for row, length, (text, ids) in zip(tokens, tokens.lengths, part, strict=True):
            assert row[:length].tolist() == ids, repr(text)


def test_text_comes_back(model: lensd.Model, strings: list[tuple[str, list[int]]]) -> None:
    rows = [ids for _, ids in strings if ids]
    assert model.to_string(rows) == [text for text, ids in strings if ids]


def test_bos(client: lensd.Client) -> None:
    for case in json.loads((FIXTURES / "tokenizer" / "bos.json").read_text()):
        model = client.model("untied")
        assert model.to_tokens(case["text"], truncate=False).tolist() == [case["special_ids"]]
        assert model.to_tokens(case["text"], prepend_bos=False, truncate=False).tolist() == [case["ids"]]


def test_shape_and_padding(model: lensd.Model) -> None:
    tokens = model.to_tokens("Tom saw Lily.")
    assert (tokens.dtype, tokens.ndim, tokens[0, 0]) == (np.int64, 2, model.bos_token_id)
    batch = model.to_tokens(["Tom saw Lily.", "Tom"])
    assert batch.lengths.tolist() == [tokens.shape[1], 3]
    assert (batch[1, 3:] == model.bos_token_id).all()
    assert model.to_tokens("").tolist() == [[model.bos_token_id]]
    assert model.to_tokens("", prepend_bos=False).shape == (1, 0)


def test_truncation(model: lensd.Model) -> None:
    text = "Tom " * 200
    assert model.to_tokens(text).shape == (1, model.cfg.n_ctx)
    assert model.to_tokens(text, truncate=False).shape[1] > model.cfg.n_ctx


def test_str_tokens(model: lensd.Model) -> None:
    bos = "<|endoftext|>"
    assert model.to_str_tokens("Tom saw") == [bos, "T", "om", " sa", "w"]
    assert model.to_str_tokens("Tom saw", prepend_bos=False) == ["T", "om", " sa", "w"]
    assert model.to_str_tokens(["Tom saw", "a"]) == [[bos, "T", "om", " sa", "w"], [bos, "a"]]
    assert model.to_str_tokens(["a"]) == [[bos, "a"]]
    assert model.to_str_tokens(model.to_tokens("Tom saw")) == [bos, "T", "om", " sa", "w"]
    assert model.to_str_tokens(model.to_tokens(["Tom saw", "a"])) == [[bos, "T", "om", " sa", "w"], [bos, "a"]]
    assert model.to_str_tokens([52, 277]) == ["T", "om"]
    # A character of several bytes that no merge puts together.
    assert "\N{REPLACEMENT CHARACTER}" in model.to_str_tokens("\N{SNOWMAN}", prepend_bos=False)


def test_string(model: lensd.Model) -> None:
    tokens = model.to_tokens(["Tom saw", "\N{SNOWMAN}\n a"], prepend_bos=False)
    assert model.to_string(tokens) == ["Tom saw", "\N{SNOWMAN}\n a"]
    assert model.to_string(tokens[0][:4]) == "Tom saw"
    assert model.to_string(52) == model.to_single_str_token(52) == "T"
    assert model.to_string([]) == ""
    assert model.to_string([[52, 277], [], [295]]) == ["Tom", "", " sa"]
    assert model.to_string(np.zeros((2, 0), int)) == ["", ""]


def test_single_token(model: lensd.Model) -> None:
    assert model.to_single_token(" sa") == 295
    with pytest.raises(lensd.InvalidArgument, match=r"'Tom' is 2: \['T', 'om'\]"):
        model.to_single_token("Tom")
    with pytest.raises(lensd.InvalidArgument, match="is 0"):
        model.to_single_token("")

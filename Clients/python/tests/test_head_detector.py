"""detect_head over NumPy arrays, against TransformerLens's (Tests/Fixtures/heads)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from conftest import MODELS
from reference import FIXTURES

import lensd
from lensd import head_detector

NAMES = {folder: name for name, folder in MODELS.items()}
CASES: list[dict[str, Any]] = [
    case
    for case in json.loads((FIXTURES / "heads" / "reference.json").read_text())
    if case["checkpoint"] in NAMES and len(case["tokens"]) > 2
]


@pytest.mark.parametrize("checkpoint", sorted({case["checkpoint"] for case in CASES}))
def test_detected_heads_are_those_of_transformer_lens(client: lensd.Client, checkpoint: str) -> None:
    model = client.model(NAMES[checkpoint])
    for case in (case for case in CASES if case["checkpoint"] == checkpoint):
        scores = head_detector.detect_head(
            model,
            case["text"],
            case["head"],
            exclude_bos=case["exclude_bos"],
            exclude_current_token=case["exclude_current_token"],
            error_measure=case["error_measure"],
        )
        expected = np.array(case["scores"], float)
        atol = 6e-4 if case["error_measure"] == "abs" else 1e-5  # The one is rounded to three decimals.
        np.testing.assert_allclose(scores, expected, rtol=0, atol=atol, err_msg=str(case))


def test_heads_that_are_left_out_get_minus_one(model: lensd.Model) -> None:
    text = "Tom saw Lily. Tom saw Lily."
    size = len(model.to_str_tokens(text))
    anywhere = np.tril(np.ones((size, size)))
    _, cache = model.run_with_cache(text, remove_batch_dim=True)
    for heads in ([(0, 3)], {0: [3]}):
        scores = head_detector.detect_head(model, text, anywhere, heads=heads, cache=cache)
        assert scores[0, 3] == pytest.approx(1)
        assert (np.delete(scores, 3) == -1).all()
    np.testing.assert_array_equal(
        head_detector.get_previous_token_head_detection_pattern([5, 6, 5]), [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    )
    np.testing.assert_array_equal(
        head_detector.get_induction_head_detection_pattern([[5, 6, 5, 6]]),
        [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
    )


@pytest.mark.parametrize("measure", ["mul", "abs"])
@pytest.mark.parametrize("kind", [*head_detector.HEAD_NAMES, "own"])
def test_the_daemon_compares_as_the_client(model: lensd.Model, kind: Any, measure: Any) -> None:
    text = "Tom saw Lily. Tom saw Lily."
    size = len(model.to_str_tokens(text))
    pattern = np.tril(np.ones((size, size)), -2) if kind == "own" else kind
    _, cache = model.run_with_cache(text, remove_batch_dim=True)
    for options in ({}, {"exclude_bos": True}, {"exclude_current_token": True}, {"heads": {0: (2, 5)}}):
        asked, fetched = (
            head_detector.detect_head(model, text, pattern, error_measure=measure, cache=each, **options)
            for each in (None, cache)
        )
        np.testing.assert_allclose(asked, fetched, atol=1.1e-3 if measure == "abs" else 1e-5)
    with model.hooks(fwd_hooks=[("blocks.0.attn.hook_pattern", lambda value, hook: value * 0 + 1)]):
        under = head_detector.detect_head(model, text, np.eye(size), error_measure="mul")
    np.testing.assert_allclose(under, 1 / size, atol=1e-6)


@pytest.mark.parametrize("pattern", ["cat_head", np.ones((3, 3)), np.tril(np.ones((2, 2)))])
def test_what_is_no_pattern(model: lensd.Model, pattern: Any) -> None:
    with pytest.raises(lensd.InvalidArgument, match="received"):
        head_detector.detect_head(model, "Tom saw Lily.", pattern)
    with pytest.raises(lensd.InvalidArgument, match="one text"):
        head_detector.detect_head(model, ["a b", "c d"], "induction_head", cache=model.run_with_cache("a b")[1])

"""TransformerLens's demos: the same cells on a served model and in TransformerLens give the same."""

from __future__ import annotations

from typing import Any

import lensd.transformer_lens as served_lens
import pytest
import torch
import transformer_lens

from cells import DEMOS
from conftest import assert_same, pair_of


@pytest.mark.parametrize("name", ["tales", "local"])
@pytest.mark.parametrize("demo", DEMOS)
def test_a_demo(demo: str, name: str) -> None:
    pair = pair_of(name)
    with torch.no_grad():
        ours: Any = DEMOS[demo](served_lens, pair.ours)
        theirs: Any = DEMOS[demo](transformer_lens, pair.theirs)
    assert_same(ours, theirs, demo, atol=1e-3 if demo == "factored_matrices" else 1e-4)


@pytest.mark.parametrize("demo", ["induction_scores", "activation_patching"])
def test_a_demo_without_words(demo: str) -> None:
    pair = pair_of("gpt2")
    with torch.no_grad():
        assert_same(DEMOS[demo](served_lens, pair.ours), DEMOS[demo](transformer_lens, pair.theirs), demo)

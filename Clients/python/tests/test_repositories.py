"""TransformerLens's names lead to the repositories that TransformerLens takes them from."""

from __future__ import annotations

import pytest

import lensd
from lensd.model_names import ALIASES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tiny-stories-1L-21M", "roneneldan/TinyStories-1Layer-21M"),
        ("gpt2-small", "gpt2"),
        ("GPT2", "gpt2"),
        ("pythia-70m", "EleutherAI/pythia-70m"),
        ("EleutherAI/pythia-19m", "EleutherAI/pythia-70m"),
        ("llama-2-7B", "meta-llama/Llama-2-7b-hf"),
        ("Somebody/a_model.v2-x", "Somebody/a_model.v2-x"),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert lensd.repository(name) == expected


@pytest.mark.parametrize("name", ["", "gpt3", "a/b/c", "../x", "a/..", "a b/c", "mixtral", "bert-base-cased", "/x"])
def test_unknown_names(name: str) -> None:
    with pytest.raises(lensd.NotFound, match="is neither OWNER/NAME nor a name of TransformerLens"):
        lensd.repository(name)


def test_near_names_are_said() -> None:
    with pytest.raises(lensd.NotFound, match=r"near it: .*tiny-stories-1l-21m"):
        lensd.repository("tinystories-1L-21M")


def test_no_name_stands_for_two() -> None:
    names = [name for official, aliases in ALIASES.items() for name in {each.lower() for each in (official, *aliases)}]
    assert len(names) >= 400
    assert len(set(names)) == len(names)


def test_the_table_is_transformer_lens_s() -> None:
    supported = pytest.importorskip("transformer_lens.supported_models")
    for official, aliases in ALIASES.items():
        assert official in supported.OFFICIAL_MODEL_NAMES
        assert set(aliases) == set(supported.MODEL_ALIASES.get(official, ()))

"""Names of hook points: TransformerLens's rules, its spellings, near names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reference import described

import lensd
from lensd.hook_names import resolve, resolve_key

POINTS = [*described("gpt-neo-3l-local")["hooks"], "unembed.hook_out"]
# What TransformerLens 3.9's get_act_name gives: [[arguments, result], …].
TABLE = json.loads((Path(__file__).parent / "get_act_name.json").read_text())


def test_table_is_large() -> None:
    assert len(TABLE) > 800


@pytest.mark.parametrize(("arguments", "expected"), TABLE, ids=lambda value: str(value))
def test_get_act_name_agrees_with_transformer_lens(arguments: list[Any], expected: str) -> None:
    assert lensd.get_act_name(*arguments) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("blocks.1.attn.hook_z", "blocks.1.attn.hook_z"),
        ("hook_embed", "hook_embed"),
        ("embed", "hook_embed"),
        ("scale", "ln_final.hook_scale"),
        ("pattern0", "blocks.0.attn.hook_pattern"),
        ("k2", "blocks.2.attn.hook_k"),
        ("pre1", "blocks.1.mlp.hook_pre"),
        ("scale2ln1", "blocks.2.ln1.hook_scale"),
        ("normalized0ln2", "blocks.0.ln2.hook_normalized"),
        ("attn1", "blocks.1.attn.hook_pattern"),
        ("resid_post2", "blocks.2.hook_resid_post"),
        ("resid_post-1", "blocks.2.hook_resid_post"),
        ("z-3", "blocks.0.attn.hook_z"),
        ("blocks.1.hook_in", "blocks.1.hook_resid_pre"),
        ("in1", "blocks.1.hook_resid_pre"),
        ("out1", "blocks.1.hook_resid_post"),
        ("blocks.0.attn.hook_out", "blocks.0.hook_attn_out"),
        ("blocks.0.mlp.hook_out", "blocks.0.hook_mlp_out"),
        ("embed.hook_out", "hook_embed"),
        ("unembed.hook_out", "unembed.hook_out"),
        ("logits", "unembed.hook_out"),
    ],
)
def test_strings(given: str, expected: str) -> None:
    assert resolve(given, POINTS, 3) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("z", 1), "blocks.1.attn.hook_z"),
        (("z", -1), "blocks.2.attn.hook_z"),
        (("resid_post", -3), "blocks.0.hook_resid_post"),
        (("scale", 0, "ln2"), "blocks.0.ln2.hook_scale"),
        (("k", 2, "a"), "blocks.2.attn.hook_k"),
        (("in", 0), "blocks.0.hook_resid_pre"),
        (("embed",), "hook_embed"),
        (("embed", None), "hook_embed"),
        (("normalized", None, None), "ln_final.hook_normalized"),
    ],
)
def test_tuples(given: tuple[Any, ...], expected: str) -> None:
    assert resolve_key(given, POINTS, 3) == expected


@pytest.mark.parametrize(
    "given",
    [
        "",
        "blocks.3.attn.hook_z",
        "blocks.0.attn.hook_zz",
        "z3",
        "z-4",
        "pattern",
        "scale0",
        "q0.5",
        "Z0",
        "blocks",
        "é",
    ],
)
def test_unknown_names_list_near_ones(given: str) -> None:
    with pytest.raises(lensd.NotFound, match=r"near names: [a-z]"):
        resolve(given, POINTS, 3)


def test_nearest_name_is_listed() -> None:
    with pytest.raises(
        lensd.NotFound, match=r"no hook point blocks\.0\.attn\.hook_patern .* blocks\.0\.attn\.hook_pattern"
    ):
        resolve("blocks.0.attn.hook_patern", POINTS, 3)


@pytest.mark.parametrize(
    "given", [("z", 3), ("z", -4), ("zz", 0), ("scale", 0, "ln3"), ("z", "a"), (), (1, 2), ("z", True), 5]
)
def test_unknown_tuples(given: Any) -> None:
    with pytest.raises(lensd.NotFound):
        resolve_key(given, POINTS, 3)

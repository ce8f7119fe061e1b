"""Interventions as values, and as messages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lensd
from lensd.intervention_messages import intervention_messages


def message(edit: lensd.Intervention) -> Any:
    return intervention_messages([edit], "tiny")[0]


def test_a_head_may_be_one_several_or_all() -> None:
    assert lensd.zero("z0").head is None
    assert lensd.zero("z0", head=3) == lensd.Intervention("z0", "zero", head=3)
    assert lensd.mean("z0", head=[1, -2]) == lensd.Intervention("z0", "mean", head=(1, -2))
    assert lensd.mean("z0", head=np.arange(2)).head == (0, 1)
    assert lensd.mean("z0", head=np.int64(2)).head == 2
    assert lensd.mean("z0", head=range(1, 7, 3)).head == (1, 4)


def test_the_other_axes() -> None:
    found = message(lensd.zero("pattern", layer=[0, 2], head=-1, pos=slice(1, None, 2), source=0, prompt=[1]))
    assert list(found.layers.list.indices) == [0, 2]
    assert found.heads.index == -1
    assert (found.positions.range.start, found.positions.range.step) == (1, 2)
    assert not found.positions.range.HasField("stop")
    assert found.sources.index == 0
    assert list(found.prompts.list.indices) == [1]
    assert not found.HasField("components")
    assert message(lensd.zero("z0", pos=0)).HasField("positions")


def test_no_head_is_not_every_head() -> None:
    with pytest.raises(lensd.InvalidArgument, match="head names at least one"):
        lensd.zero("z0", head=[])


@pytest.mark.parametrize("head", [1.0, "1", [0.5], True, [[1]]])
def test_other_types_are_no_index(head: Any) -> None:
    with pytest.raises(TypeError):
        lensd.zero("z0", head=head)


def test_unknown_words() -> None:
    with pytest.raises(TypeError, match="zero has no heads; the words are layer, prompt, head"):
        lensd.zero("z0", heads=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (2, []),
        (0.5, []),
        (np.float64(1), []),
        ([1, 2], [2]),
        (np.ones((2, 3), np.float16), [2, 3]),
        (np.ones((3, 2)).T, [2, 3]),
    ],
)
def test_values(value: Any, shape: list[int]) -> None:
    found = message(lensd.set_to("resid_pre0", value, pos=-1)).operand
    assert list(found.shape) == shape
    np.testing.assert_array_equal(np.frombuffer(found.values, "<f4").reshape(shape), np.asarray(value))


def test_torch_values() -> None:
    torch = pytest.importorskip("torch")
    value = torch.arange(6, dtype=torch.bfloat16).reshape(2, 3).requires_grad_()
    found = message(lensd.add("resid_pre0", value)).operand
    assert list(found.shape) == [2, 3]
    assert np.frombuffer(found.values, "<f4").tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("value", ["dir.npy", None, [], [1, [2]], np.ones(2, bool), np.ones(2, complex), [None]])
def test_what_is_no_value(value: Any) -> None:
    with pytest.raises(lensd.InvalidArgument, match="set takes a number or an array of numbers"):
        message(lensd.set_to("z0", value))


def test_nan_is_refused() -> None:
    with pytest.raises(lensd.InvalidArgument, match="NaN"):
        message(lensd.project("resid_pre0", [0.0, float("nan")]))
    with pytest.raises(lensd.InvalidArgument, match="finite"):
        message(lensd.scale("z0", float("inf")))


def test_values_that_do_not_fit_a_request() -> None:
    half = np.zeros((300, 512))
    assert message(lensd.set_to("resid_pre0", half))
    with pytest.raises(lensd.InvalidArgument, match=r"1048576 in all: patch from a recorded run.*hook function"):
        intervention_messages([lensd.set_to("resid_pre0", half), lensd.add("resid_post0", half)], "tiny")


def test_origins() -> None:
    found = message(lensd.patch("z0", ["Tom", "Lily"], from_prompt=1, from_pos=[3, 1], pos=[0, 1], prepend_bos=False))
    assert [prompt.text.text for prompt in found.source.prompts.prompts] == [b"Tom", b"Lily"]
    assert found.source.prompts.prompts[0].text.no_bos
    assert found.source.prompt == 1
    assert list(found.source.positions.list.indices) == [3, 1]
    found = message(lensd.patch("z0", [5, 6]))
    assert list(found.source.prompts.prompts[0].tokens.ids) == [5, 6]
    assert not found.source.HasField("prompt")
    assert message(lensd.mean("z0", from_run="last")).source.run == b"last"
    assert not message(lensd.mean("z0")).HasField("source")


def test_a_patch_has_one_origin() -> None:
    with pytest.raises(lensd.InvalidArgument, match="expected origin"):
        lensd.patch("z0")
    with pytest.raises(lensd.InvalidArgument, match="one of them"):
        lensd.mean("z0", over="Tom", from_run="last")
    with pytest.raises(lensd.InvalidArgument, match="from 0; received -1"):
        lensd.patch("z0", "Tom", from_prompt=-1)


def test_what_is_no_intervention() -> None:
    with pytest.raises(lensd.InvalidArgument, match=r"lensd\.zero"):
        intervention_messages(["zero z0"], "tiny")  # type: ignore[list-item]

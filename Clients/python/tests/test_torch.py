"""Torch tensors, where torch is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import MODELS, Daemon
from reference import assert_close, assert_same_loss, sequence, tensors

import lensd
from lensd.arrays import Arrays
from lensd.prompts import prompts_of

torch = pytest.importorskip("torch")

IDS = sequence(MODELS["tiny"], "seq7")


@pytest.fixture
def torch_model(daemon: Daemon) -> Iterator[lensd.Model]:
    with lensd.connect(daemon.socket, arrays="torch") as client:
        yield client.model("tiny")


def test_everything_is_a_tensor(torch_model: lensd.Model) -> None:
    tokens = torch_model.to_tokens("Tom saw Lily.")
    assert isinstance(tokens, torch.Tensor)
    assert tokens.dtype == torch.int64
    logits, loss = torch_model(torch.tensor([IDS]), return_type="both")
    assert_close(logits[0], tensors(MODELS["tiny"])["processed/seq7/logits"])
    assert_same_loss(loss, tensors(MODELS["tiny"])["processed/seq7/loss"])
    assert loss.shape == ()
    _, cache = torch_model.run_with_cache(tokens)
    assert all(isinstance(value, torch.Tensor) for value in cache.values())
    assert isinstance(torch_model.ablate_heads(tokens).delta, torch.Tensor)


def test_lengths_follow_the_rules_of_arrays(torch_model: lensd.Model) -> None:
    tokens = torch_model.to_tokens(["Tom", "Tom saw Lily", "a"])
    numpy_lengths = tokens.lengths
    assert tokens[1:].lengths.tolist() == numpy_lengths[1:].tolist()
    assert tokens[torch.tensor([2, 0])].lengths.tolist() == numpy_lengths[[2, 0]].tolist()
    assert tokens[:, 1:].lengths.tolist() == (numpy_lengths - 1).tolist()
    for plain in (tokens[0], tokens + 1, tokens.float(), tokens[:, 0]):
        assert type(plain) is torch.Tensor
    assert_same_loss(
        torch_model(tokens, return_type="loss"), torch_model(["Tom", "Tom saw Lily", "a"], return_type="loss")
    )


def test_padded_tensors_without_a_daemon() -> None:
    tensor = Arrays("torch").padded([np.arange(3), np.arange(2), np.arange(1)], [3, 2, 1])
    assert tensor.tolist() == [[0, 1, 2], [0, 1, 0], [0, 0, 0]]
    assert tensor.lengths.tolist() == [3, 2, 1]
    assert tensor[torch.tensor([True, False, True])].lengths.tolist() == [3, 1]
    assert tensor[:2, 1:].lengths.tolist() == [2, 1]
    for plain in (tensor[0], tensor + 1, tensor[None], tensor[..., 0], tensor[:, ::2]):
        assert type(plain) is torch.Tensor
    assert [list(prompt.tokens.ids) for prompt in prompts_of(tensor)] == [[0, 1, 2], [0, 1], [0]]
    tensor[0, 0] = 7
    assert tensor[0, 0] == 7


def test_values_are_writable_and_torchs_own_functions_work(torch_model: lensd.Model) -> None:
    logits, cache = torch_model.run_with_cache(IDS)
    cache["z0"][0, 0] = 1
    log_probs = logits.log_softmax(-1)
    picked = log_probs[0, :-1].gather(-1, torch.tensor(IDS[1:])[:, None])
    assert_same_loss(-picked.mean(), torch_model(IDS, return_type="loss"))
    np.testing.assert_allclose(cache["pattern0"].sum(-1).detach().numpy(), 1, atol=1e-5)


def test_hook_functions_get_tensors(torch_model: lensd.Model) -> None:
    zeroed = torch_model.run_with_interventions(IDS, [lensd.zero("z0", head=3)])

    def in_place(value: Any, hook: object) -> None:
        assert isinstance(value, torch.Tensor)
        assert value.dtype == torch.float32
        value[:, :, 3] = 0

    def returned(value: Any, hook: object) -> Any:
        mask = torch.ones(16, requires_grad=True)
        factor = mask * (torch.arange(16) != 3)
        return value * factor[None, None, :, None]

    def half(value: Any, hook: object) -> Any:
        return torch.zeros(value.shape, dtype=torch.bfloat16)

    for fn in (in_place, returned):
        assert_close(torch_model.run_with_hooks(IDS, fwd_hooks=[("z0", fn)]), zeroed)
    nothing = torch_model.run_with_interventions(IDS, [lensd.zero("z0")])
    assert_close(torch_model.run_with_hooks(IDS, fwd_hooks=[("z0", half)]), nothing)
    # What one returns the next one may change in place.
    both = torch_model.run_with_hooks(IDS, fwd_hooks=[("z0", lambda value, hook: value.clone()), ("z0", in_place)])
    assert_close(both, zeroed)
    with torch_model.hooks(fwd_hooks=[("z0", in_place)]):
        _, cache = torch_model.run_with_cache([IDS, IDS[:3]])
    assert isinstance(cache["z0"], torch.Tensor)
    assert not cache["z0"][:, :, 3].any()

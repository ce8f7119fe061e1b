"""`transformer_lens.evals`: quick looks at how good a model is. Data sets are the user's to bring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from lensd.errors import InvalidArgument
from lensd.transformer_lens.utilities import lm_cross_entropy_loss

_TEXT = (
    "The history of science has moments at which somebody looked closer. A lens showed that water was full of life, "
    "and a prism that white light was not one thing. Whoever first saw the cells of a plant could not have guessed "
    "that every living being is made of them."
)


def sanity_check(model: Any) -> torch.Tensor:
    """The loss on a paragraph of plain English, in nats: well below 7 for a model of English that works."""
    loss: torch.Tensor = model(_TEXT, return_type="loss")
    return loss


def evaluate_on_dataset(
    model: Any, data_loader: Iterable[Mapping[str, torch.Tensor]], truncate: int = 100, device: str = "cpu"
) -> float:
    """The mean loss over the batches of a data loader, each with "tokens" [batch, pos]; the first `truncate` + 1."""
    losses = []
    for batch in data_loader:
        with torch.no_grad():
            losses.append(float(model(batch["tokens"].to(device), return_type="loss").mean()))
        if len(losses) > truncate:
            break
    if not losses:
        raise InvalidArgument("the data loader has no batch")
    return sum(losses) / len(losses)


def induction_loss(
    model: Any,
    tokenizer: Any = None,
    batch_size: int = 4,
    subseq_len: int = 384,
    prepend_bos: bool | None = None,
    device: str = "cpu",
) -> torch.Tensor:
    """The loss on the second half of random tokens that are repeated: low where there are induction heads.

    The tokens are 100 to 20000, where the vocabulary is so large; BOS takes the first one's place.
    """
    if 2 * subseq_len > model.cfg.n_ctx:
        raise InvalidArgument(f"two times subseq_len must fit {model.cfg.n_ctx} tokens; received {subseq_len}")
    high = min(20000, model.cfg.d_vocab)
    half = torch.randint(min(100, high // 2), high, (batch_size, subseq_len)).to(device)
    tokens = half.repeat(1, 2)
    if model.cfg.default_prepend_bos if prepend_bos is None else prepend_bos:
        tokens[:, 0] = (tokenizer or model.tokenizer).bos_token_id
    with torch.no_grad():
        losses = lm_cross_entropy_loss(model(tokens, return_type="logits"), tokens, per_token=True)
    return losses[:, subseq_len + 1 :].mean()


__all__ = ["evaluate_on_dataset", "induction_loss", "sanity_check"]

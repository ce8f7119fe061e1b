"""The loss of predicting each next token, from logits that are here."""

from __future__ import annotations

import numpy as np

from lensd.arrays import Array, module_of


def next_token_loss(
    logits: Array, tokens: Array, attention_mask: Array | None = None, per_token: bool = False
) -> Array:
    """See `Model.loss_fn`; NumPy or torch, in whose graph it stays."""
    if module_of(logits) is not np:
        logprobs = logits.log_softmax(-1)[..., :-1, :]
        chosen = logprobs.gather(-1, tokens.to(logits.device)[..., 1:, None])[..., 0]
    else:
        values = np.asarray(logits)[..., :-1, :]
        values = values - values.max(-1, keepdims=True)
        logprobs = values - np.log(np.exp(values).sum(-1, keepdims=True))
        chosen = np.take_along_axis(logprobs, np.asarray(tokens)[..., 1:, None], -1)[..., 0]
    if attention_mask is None:
        return -chosen if per_token else -chosen.mean()
    counts = (attention_mask[..., :-1] != 0) & (attention_mask[..., 1:] != 0)
    chosen = chosen * counts
    return -chosen if per_token else -chosen.sum() / counts.sum()

"""What HookedTransformer holds of every checkpoint, in both forms: shapes, and three sums over each parameter.

The sums weigh each entry by its place, so that rows or axes in another order, or a centre left in, give others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from transformer_lens import HookedTransformer

from lens import FORMS

# Of state_dict, but no parameters.
BUFFERS = ("mask", "IGNORE", "rotary_sin", "rotary_cos", "alibi")


def parameter_sums(checkpoint: str, models: dict[str, HookedTransformer]) -> list[dict[str, Any]]:
    """The records of `parameters/reference.json` of one checkpoint, whose models are by form."""
    return [{"checkpoint": checkpoint, "form": form, "parameters": shapes_and_sums(models[form])} for form in FORMS]


def shapes_and_sums(model: HookedTransformer) -> dict[str, Any]:
    """By parameter."""
    has_alibi = model.cfg.positional_embedding_type == "alibi"
    return {
        name: {"shape": list(value.shape), "sums": sums(value.double().numpy())}
        for name, value in model.state_dict().items()
        # With ALiBi there are positions that nothing fills or reads.
        if name.rsplit(".", 1)[-1] not in BUFFERS and not (name == "pos_embed.W_pos" and has_alibi)
    }


def sums(values: np.ndarray) -> list[float]:
    """Σ x², and Σ x · cos at two paces over the row-major places."""
    flat = values.reshape(-1)
    places = np.arange(flat.size)
    return [
        float(f"{total:.8g}")
        for total in (flat @ flat, flat @ np.cos(0.7 * places), flat @ np.cos(0.0113 * places + 1))
    ]

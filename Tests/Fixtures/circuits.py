"""What TransformerLens says of heads' circuits and how they compose: its `FactoredMatrix`, in float64."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from transformer_lens import FactoredMatrix, HookedTransformer

from analyses import load
from lens import FORMS, Tensors

# Tied and untied, scores divided by the layer's number; shared keys and values; caps, norms behind sublayers; norms of
# single queries and keys; no positions of their own; attention only.
CHECKPOINTS = (
    "gpt-neo-1l-untied",
    "gpt-neo-3l-local",
    "families/gpt2-3l-scaled",
    "families/llama-3l-grouped",
    "families/gemma2-2l",
    "families/qwen3-2l",
    "families/bloom-2l",
    "families/toy-attn-only-2l",
)
# Rows of the circuits, and how many of the largest and smallest entries of the whole.
ROWS = (3, 259, 3)
TOP = 4


def circuits() -> Tensors:
    """Tensors by `checkpoint/form/…`."""
    tensors: Tensors = {}
    for checkpoint in CHECKPOINTS:
        for form in FORMS:
            model = load(checkpoint, form)
            key = f"{checkpoint}/{form}"
            for kind, full, bare in factored(model):
                tensors[f"{key}/{kind}/eigenvalues"] = torch.view_as_real(by_size(full.eigenvalues))
                tensors[f"{key}/{kind}/scores"] = torch.stack([positivity(full), positivity(bare)], -1)
                whole = full.AB.flatten(-2)
                tensors[f"{key}/{kind}/rows"] = full.AB[..., list(ROWS), :].topk(TOP).values
                tensors[f"{key}/{kind}/largest"] = whole.topk(TOP).values
                tensors[f"{key}/{kind}/smallest"] = -(-whole).topk(TOP).values
            for mode in "QKV":
                tensors[f"{key}/composition/{mode.lower()}"] = model.all_composition_scores(mode)
    return {name: value.float() for name, value in tensors.items()}


def factored(model: HookedTransformer) -> Iterator[tuple[str, FactoredMatrix, FactoredMatrix]]:
    """Each kind's circuits of all heads, [layer, head]: over the vocabulary, and of the head alone."""
    embed, unembed = model.W_E.double(), model.W_U.double()
    ov = FactoredMatrix(model.W_V.double(), model.W_O.double())
    yield "ov", embed @ ov @ unembed, ov
    # The layers' own divisors of the scores.
    scale = torch.tensor([1 / block.attn.attn_scale for block in model.blocks]).double()[:, None, None, None]
    qk = FactoredMatrix(model.W_Q.double() * scale, model.W_K.double().transpose(-2, -1))
    yield "qk", embed @ qk @ embed.T, qk


def by_size(eigenvalues: torch.Tensor) -> torch.Tensor:
    """The largest first; of a pair of conjugates the one with the positive imaginary part."""
    sizes = eigenvalues.abs() + 1e-9 * eigenvalues.imag.sign() * eigenvalues.abs()
    return eigenvalues.gather(-1, sizes.argsort(-1, descending=True))


def positivity(matrix: FactoredMatrix) -> torch.Tensor:
    """The copying score of TransformerLens's main demo."""
    return matrix.eigenvalues.sum(-1).real / matrix.eigenvalues.abs().sum(-1)

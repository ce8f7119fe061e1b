"""`transformer_lens.SVDInterpreter`."""  # noqa: N999

from __future__ import annotations

from typing import Any, Literal

import torch

from lensd.errors import InvalidArgument
from lensd.factored_matrix import FactoredMatrix


class SVDInterpreter:
    """What the singular vectors of a model's weights say in its vocabulary."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.cfg = model.cfg

    def get_singular_vectors(
        self,
        vector_type: Literal["OV", "w_in", "w_out"],
        layer_index: int,
        num_vectors: int = 10,
        head_index: int | None = None,
    ) -> torch.Tensor:
        """The logits of the first right singular vectors of a head's OV or an MLP's weights, [d_vocab, 1, vector]."""
        if not 0 <= layer_index < self.cfg.n_layers:
            raise InvalidArgument(f"layer_index is 0 to {self.cfg.n_layers - 1}; received {layer_index}")
        if vector_type == "OV":
            if head_index is None or not 0 <= head_index < self.cfg.n_heads:
                raise InvalidArgument(f"OV needs a head_index of 0 to {self.cfg.n_heads - 1}; received {head_index}")
            attention = self.model.blocks[layer_index].attn
            vectors = FactoredMatrix(attention.W_V[head_index], attention.W_O[head_index]).V.T
        elif vector_type in ("w_in", "w_out"):
            mlp = self.model.blocks[layer_index].mlp
            weights = mlp.W_out if vector_type == "w_out" else mlp.W_in.T
            if vector_type == "w_in" and f"blocks.{layer_index}.ln2.w" in self.model.parameter_names:
                weights = weights * self.model.blocks[layer_index].ln2.w
            vectors = torch.linalg.svd(weights, full_matrices=False).Vh
        else:
            raise InvalidArgument(f'vector_type is "OV", "w_in" or "w_out"; received {vector_type!r}')
        return (vectors[:num_vectors] @ self.model.W_U).T[:, None]

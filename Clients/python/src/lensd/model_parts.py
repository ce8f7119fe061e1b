"""The modules of a model under TransformerLens's names: `model.blocks[0].attn.W_Q`, `model.ln_final(x)`."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np

from lensd.arrays import Array, module_of
from lensd.errors import InvalidArgument, NotFound, Unimplemented
from lensd.factored_matrix import FactoredMatrix, composition_scores
from lensd.parameters import Parameters
from lensd.passing import Passing


class Part:
    """One module: its parameters, hook points and smaller modules are its attributes."""

    def __init__(self, model: Parts, path: str) -> None:
        """`path` is the module's name, such as "blocks.0.attn"."""
        self._model = model
        self._path = path

    @property
    def cfg(self) -> Any:
        """The model's configuration."""
        return self._model.cfg

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        path = f"{self._path}.{name}"
        names = self._model.parameter_names
        if path in names:
            return self._model.parameter(path)
        if (grouped := f"{self._path}._{name}") in names:
            # Keys and values of grouped queries, repeated for each head, as TransformerLens has it.
            return _repeated(self._model.parameter(grouped), self.cfg.n_heads // self.cfg.n_key_value_heads)
        if path in self._model.hook_dict:
            return self._model.hook_dict[path]
        if any(each.startswith(f"{path}.") for each in (*names, *self._model.hook_names)):
            return _part(self._model, path)
        raise AttributeError(f"{self._path} has no {name}")

    def __call__(self, *_: Any, **__: Any) -> Any:
        """Raises `Unimplemented` for what only the daemon computes."""
        raise Unimplemented(
            f"{self._path} does not run by itself: the daemon runs whole blocks, model.blocks[i](residual), and "
            "run_with_cache has what every part made"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path})"


class Block(Part):
    """A transformer block; called with a residual stream [batch, pos, d_model] it gives what comes out."""

    def __call__(self, residual: Array) -> Array:
        """The residual stream behind the block."""
        layer = int(self._path.rpartition(".")[2])
        return self._model(residual, start_at_layer=layer, stop_at_layer=layer + 1)


class Attention(Part):
    """An attention layer."""

    @property
    def OV(self) -> FactoredMatrix:  # noqa: N802
        """What each head writes for what it reads, [head, d_model, d_model]."""
        return FactoredMatrix(self.W_V, self.W_O)

    @property
    def QK(self) -> FactoredMatrix:  # noqa: N802
        """What each head's scores are made of: source by destination, [head, d_model, d_model]."""
        return FactoredMatrix(self.W_Q, self.W_K.swapaxes(-2, -1))


class Norm(Part):
    """A layer norm or RMS norm, applied here."""

    def __call__(self, residual: Array) -> Array:
        """The stream normalised, with the norm's weight and bias where they are not folded."""
        kind = str(self.cfg.normalization_type)
        is_rms = kind.startswith("RMS") or (self._path == "ln_final" and self.cfg.final_rms)
        centred = residual if is_rms else residual - residual.mean(-1)[..., None]
        normal = centred / ((centred**2).mean(-1)[..., None] + self.cfg.eps) ** 0.5
        names = self._model.parameter_names
        if f"{self._path}.w" in names:
            normal = normal * self.w
        return normal + self.b if f"{self._path}.b" in names else normal


class Embedding(Part):
    """The token embedding, looked up here."""

    def __call__(self, tokens: Array) -> Array:
        """The embeddings of token ids, [batch, pos, d_model]."""
        return self.W_E[tokens]


class PositionEmbedding(Part):
    """The learned positions."""

    def __call__(self, tokens: Array) -> Array:
        """The embeddings of the positions of tokens [batch, pos], [batch, pos, d_model]."""
        rows = self.W_pos[: tokens.shape[-1]]
        return module_of(rows).broadcast_to(rows, (*tokens.shape, rows.shape[-1]))


class Unembedding(Part):
    """The unembedding, applied here."""

    def __call__(self, residual: Array) -> Array:
        """The logits [batch, pos, d_vocab] of a normalised stream, before any soft cap."""
        return residual @ self.W_U + self.b_U


class Parts(Passing, Parameters):
    """The part of a model that shows its modules and what their weights make together."""

    @cached_property
    def blocks(self) -> list[Block]:
        """The transformer blocks."""
        return [Block(self, f"blocks.{layer}") for layer in range(self.cfg.n_layers)]

    @property
    def embed(self) -> Embedding:
        """The token embedding."""
        return Embedding(self, "embed")

    @property
    def pos_embed(self) -> PositionEmbedding:
        """The position embedding. Raises `NotFound` in a model without learned positions."""
        if "pos_embed.W_pos" not in self.parameter_names:
            raise NotFound(f"this model's positions are {self.cfg.positional_embedding_type}, not learned")
        return PositionEmbedding(self, "pos_embed")

    @property
    def unembed(self) -> Unembedding:
        """The unembedding."""
        return Unembedding(self, "unembed")

    @property
    def ln_final(self) -> Norm:
        """The norm before the unembedding."""
        return Norm(self, "ln_final")

    @property
    def W_E_pos(self) -> Array:  # noqa: N802
        """Token and position embeddings, [d_vocab + n_ctx, d_model]."""
        return module_of(self.W_E).concatenate([self.W_E, self.W_pos], 0)

    @property
    def OV(self) -> FactoredMatrix:  # noqa: N802
        """What each head writes for what it reads, [layer, head, d_model, d_model]."""
        return FactoredMatrix(self._of_heads(self.W_V), self.W_O)

    @property
    def QK(self) -> FactoredMatrix:  # noqa: N802
        """What each head's scores are made of: destination by source, [layer, head, d_model, d_model]."""
        return FactoredMatrix(self.W_Q, self._of_heads(self.W_K).swapaxes(-2, -1))

    def accumulated_bias(self, layer: int, mlp_input: bool = False, include_mlp_biases: bool = True) -> Array:
        """The biases that attention and MLPs add to the stream before the input of a block, [d_model]."""
        names = [f"blocks.{each}.attn.b_O" for each in range(layer + mlp_input)]
        if include_mlp_biases and not self.cfg.attn_only:
            names += [f"blocks.{each}.mlp.b_out" for each in range(layer)]
        total = 0 * self.parameter("blocks.0.attn.b_O")
        for name in names:
            total = total + self.parameter(name)
        return total

    def all_composition_scores(self, mode: Literal["Q", "K", "V"]) -> Array:
        """How much each head's output goes into the queries, keys or values of later heads, [layer, head, layer, head].

        `composition_scores` of the OV circuits and what reads them; zero where the second head is in no later layer.
        """
        if mode not in ("Q", "K", "V"):
            raise InvalidArgument(f'mode is "Q", "K" or "V"; received {mode!r}')
        scores = composition_scores(self.OV, self.OV if mode == "V" else self.QK if mode == "Q" else self.QK.T)
        layers = range(self.cfg.n_layers)
        is_later = np.array([[first < second for second in layers] for first in layers])
        return scores * self.array(is_later.astype(np.float32)[:, None, :, None])

    def tokens_to_residual_directions(self, tokens: Any) -> Array:
        """The columns of W_U of tokens: what the final normalised stream is multiplied by for their logits.

        [d_model] for a text of one token or an id, [..., d_model] for ids [...].
        """
        if isinstance(tokens, str):
            tokens = self.to_single_token(tokens)
        if not hasattr(tokens, "shape") or tokens.shape == () or tuple(tokens.shape) == (1,):
            return self.W_U[:, tokens.item() if hasattr(tokens, "item") else int(tokens)]
        return module_of(self.W_U).moveaxis(self.W_U[:, tokens], 0, -1)

    def all_head_labels(self) -> list[str]:
        """The names of all heads: "L0H0", …."""
        return [f"L{layer}H{head}" for layer in range(self.cfg.n_layers) for head in range(self.cfg.n_heads)]

    def _of_heads(self, weights: Array) -> Array:
        """Keys' and values' weights [layer, head, …], repeated where queries are grouped."""
        times = self.cfg.n_heads // weights.shape[1]
        return weights if times == 1 else module_of(weights).stack([_repeated(each, times) for each in weights], 0)


def _part(model: Parts, path: str) -> Part:
    last = path.rpartition(".")[2]
    if last == "attn":
        return Attention(model, path)
    return Norm(model, path) if last in ("ln1", "ln2", "ln1_post", "ln2_post") else Part(model, path)


def _repeated(weights: Array, times: int) -> Array:
    module = module_of(weights)
    return (
        module.repeat_interleave(weights, times, 0) if module.__name__ == "torch" else module.repeat(weights, times, 0)
    )

"""The weights of a served model under TransformerLens's names, fetched when they are first touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lensd.arrays import Array
from lensd.served_model import ServedModel
from lensd.weights import Weights


class _Whole:
    """A parameter that the model has once."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, model: Parameters | None, _: type[Parameters]) -> Array:
        return self if model is None else model.parameter(self._name)


class _Stacked(_Whole):
    """A parameter of every block, [layer, …]."""

    def __get__(self, model: Parameters | None, _: type[Parameters]) -> Array:
        if model is None:
            return self
        if self._name == "mlp.W_gate" and not model.cfg.gated_mlp:
            return None
        return model.stacked_parameter(self._name)


class Parameters(Weights, ServedModel):
    """The part of a served model that shows its weights as attributes.

    Keys and values are repeated for heads that share them; `W_gate` is `None` where MLPs are not gated.
    """

    # [d_vocab, d_model], [n_ctx, d_model], [d_model, d_vocab], [d_vocab]
    W_E, W_pos, W_U = _Whole("embed.W_E"), _Whole("pos_embed.W_pos"), _Whole("unembed.W_U")
    b_U = _Whole("unembed.b_U")  # noqa: N815
    # [layer, head, d_model, d_head], the last one [layer, head, d_head, d_model]
    W_Q, W_K, W_V, W_O = _Stacked("attn.W_Q"), _Stacked("attn.W_K"), _Stacked("attn.W_V"), _Stacked("attn.W_O")
    # [layer, head, d_head], the last one [layer, d_model]
    b_Q, b_K = _Stacked("attn.b_Q"), _Stacked("attn.b_K")  # noqa: N815
    b_V, b_O = _Stacked("attn.b_V"), _Stacked("attn.b_O")  # noqa: N815
    # [layer, d_model, d_mlp] and [layer, d_mlp, d_model]
    W_in, W_gate, W_out = _Stacked("mlp.W_in"), _Stacked("mlp.W_gate"), _Stacked("mlp.W_out")
    # [layer, d_mlp] and [layer, d_model]
    b_in, b_out = _Stacked("mlp.b_in"), _Stacked("mlp.b_out")

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, without the weights: they are fetched again."""
        own = ("_kept_parameters", "_kept_shapes")
        return {name: value for name, value in super().__getstate__().items() if name not in own}

    @property
    def parameter_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every parameter's shape by its name in `HookedTransformer.state_dict()`, in the order of a pass."""
        return self._answer(self._shapes())

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Every parameter's name in `HookedTransformer.state_dict()`, in the order of a pass."""
        return tuple(self.parameter_shapes)

"""The weights of a model under TransformerLens's names, fetched when they are first touched."""

from __future__ import annotations

from lensd.arrays import Array, module_of
from lensd.errors import Unimplemented
from lensd.served_model import ServedModel


class _Whole:
    """A parameter that the model has once."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, model: Parameters, _: type[Parameters]) -> Array:
        return model.parameter(self._name)


class _Stacked(_Whole):
    """A parameter of every block, [layer, …]."""

    def __get__(self, model: Parameters, _: type[Parameters]) -> Array:
        values = [model.parameter(f"blocks.{layer}.{self._name}") for layer in range(model.cfg.n_layers)]
        return module_of(values[0]).stack(values, 0)


class Parameters(ServedModel):
    """The part of a model that shows its weights."""

    W_E, W_pos, W_U = _Whole("embed.W_E"), _Whole("pos_embed.W_pos"), _Whole("unembed.W_U")
    W_Q, W_K, W_V, W_O = _Stacked("attn.W_Q"), _Stacked("attn.W_K"), _Stacked("attn.W_V"), _Stacked("attn.W_O")
    b_Q, b_K = _Stacked("attn.b_Q"), _Stacked("attn.b_K")  # noqa: N815
    b_V, b_O = _Stacked("attn.b_V"), _Stacked("attn.b_O")  # noqa: N815
    W_in, W_gate, W_out = _Stacked("mlp.W_in"), _Stacked("mlp.W_gate"), _Stacked("mlp.W_out")
    b_in, b_out, b_U = _Stacked("mlp.b_in"), _Stacked("mlp.b_out"), _Whole("unembed.b_U")  # noqa: N815

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The names of all parameters."""
        raise Unimplemented("parameters are not served yet")

    def parameter(self, name: str) -> Array:
        """One parameter."""
        raise Unimplemented(f"parameters are not served yet; asked for {name}")

"""The weights of a model under TransformerLens's names, fetched when they are first touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lensd._proto.models_pb2 import ModelDescription
from lensd._proto.weights_pb2 import ListParametersRequest, ParameterRequest
from lensd.activations import check_fingerprint
from lensd.arrays import Array, Arrays
from lensd.channel import Channel
from lensd.incoming_weights import IncomingWeights
from lensd.methods import LIST_PARAMETERS, PARAMETER
from lensd.questions import asked, delivery, unary
from lensd.served_model import ServedModel
from lensd.slices import slice_of


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


class Parameters(ServedModel):
    """The part of a model that gives its weights, as `HookedTransformer` holds them in this form.

    What was fetched is kept as long as the model object is: NumPy arrays are read-only. A stacked weight such as `W_Q`
    shares its memory with the layers' own. Keys and values are repeated for heads that share them; `W_gate` is `None`
    where MLPs are not gated.
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

    def __init__(
        self, channel: Channel, arrays: Arrays, description: ModelDescription, is_raw: bool, session: str | None
    ) -> None:
        super().__init__(channel, arrays, description, is_raw, session)
        self._forget_parameters()

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, without the weights: they are fetched again."""
        own = ("_kept_parameters", "_kept_shapes")
        return {name: value for name, value in super().__getstate__().items() if name not in own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._forget_parameters()

    def _forget_parameters(self) -> None:
        self._kept_parameters: dict[str, Array] = {}
        self._kept_shapes: dict[str, tuple[int, ...]] | None = None

    @property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every parameter's shape by its name in `HookedTransformer.state_dict()`, in the order of a pass."""
        if self._kept_shapes is None:
            reply = asked(unary(LIST_PARAMETERS, ListParametersRequest(model=self.name.encode())), self._channel)
            check_fingerprint(self.fingerprint, reply.fingerprint)
            self._kept_shapes = {item.name.decode(): tuple(item.shape) for item in reply.parameters}
        return self._kept_shapes

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Every parameter's name in `HookedTransformer.state_dict()`, in the order of a pass."""
        return tuple(self.parameter_shapes)

    def parameter(self, name: str, index: Any = None) -> Array:
        """A parameter such as `blocks.0.attn.W_Q` [head, d_model, d_head], float32.

        `W_K` and `b_K` have keys for every head, `_W_K` and `_b_K` as many as there are; likewise for values. `index`
        is NumPy's basic indexing, done by the daemon; such a part is not kept. Raises `NotFound` with near names.
        """
        if index is not None:
            return self._arrays.array(self._fetch(name, index))
        if name not in self._kept_parameters:
            self._kept_parameters[name] = self._kept(self._fetch(name))
        return self._kept_parameters[name]

    def _kept(self, values: npt.NDArray[np.float32]) -> Array:
        if self._arrays.kind == "numpy":
            values.flags.writeable = False
        return self._arrays.array(values)

    def _fetch(self, name: str, index: Any = None) -> npt.NDArray[np.float32]:
        request = ParameterRequest(model=self.name.encode(), name=name.encode())
        if index is not None:
            request.slice.CopyFrom(slice_of(index))
        incoming = IncomingWeights()
        asked(delivery(PARAMETER, request, incoming), self._channel)
        header, values = incoming.whole()
        check_fingerprint(self.fingerprint, header.fingerprint)
        return values

    def stacked_parameter(self, name: str) -> Array:
        """A parameter of every block, `[layer, …]`: "attn.W_Q"."""
        if name not in self._kept_parameters:
            layers = [f"blocks.{layer}.{name}" for layer in range(self.cfg.n_layers)]
            first = self._fetch(layers[0])
            values = np.empty((len(layers), *first.shape), np.float32)
            values[0] = first
            for layer in range(1, len(layers)):
                values[layer] = self._fetch(layers[layer])
            stacked = self._kept(values)
            self._kept_parameters[name] = stacked
            for layer, full in enumerate(layers):
                self._kept_parameters[full] = stacked[layer]
        return self._kept_parameters[name]

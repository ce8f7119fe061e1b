"""The weights of a model: questions of both clients' models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lensd._proto.weights_pb2 import ListParametersRequest, ParameterRequest
from lensd.activations import check_fingerprint
from lensd.arrays import Array
from lensd.described_model import DescribedModel
from lensd.incoming_weights import IncomingWeights
from lensd.methods import LIST_PARAMETERS, PARAMETER
from lensd.questions import Question, delivery, question, unary
from lensd.slices import slice_of

_Shapes = Mapping[str, tuple[int, ...]]


class Weights(DescribedModel):
    """The part of a model that gives its weights, as `HookedTransformer` holds them in this form.

    What was fetched is kept as long as the model object is: NumPy arrays are read-only. A stacked weight shares its
    memory with the layers' own.
    """

    # Made when they are first needed, and left behind by a pickled model, which fetches them again.
    _kept_parameters: dict[str, Array] | None = None
    _kept_shapes: _Shapes | None = None

    @question
    def parameter(self, name: str, index: Any = None) -> Question[Array]:
        """A parameter such as `blocks.0.attn.W_Q` [head, d_model, d_head], float32.

        `W_K` and `b_K` have keys for every head, `_W_K` and `_b_K` as many as there are; likewise for values. `index`
        is NumPy's basic indexing, done by the daemon; such a part is not kept. Raises `NotFound` with near names.
        """
        if index is not None:
            return self._arrays.array((yield from self._fetched(name, index)))
        kept = self._kept()
        if name not in kept:
            kept[name] = self._lasting((yield from self._fetched(name)))
        return kept[name]

    @question
    def stacked_parameter(self, name: str) -> Question[Array]:
        """A parameter of every block, `[layer, …]`: "attn.W_Q"."""
        kept = self._kept()
        if name not in kept:
            layers = [f"blocks.{layer}.{name}" for layer in range(self.cfg.n_layers)]
            first = yield from self._fetched(layers[0])
            values = np.empty((len(layers), *first.shape), np.float32)
            values[0] = first
            for layer in range(1, len(layers)):
                values[layer] = yield from self._fetched(layers[layer])
            stacked = self._lasting(values)
            kept[name] = stacked
            for layer, full in enumerate(layers):
                kept[full] = stacked[layer]
        return kept[name]

    def _shapes(self) -> Question[_Shapes]:
        if self._kept_shapes is None:
            reply = yield from unary(LIST_PARAMETERS, ListParametersRequest(model=self.name.encode()))
            check_fingerprint(self.fingerprint, reply.fingerprint)
            self._kept_shapes = {item.name.decode(): tuple(item.shape) for item in reply.parameters}
        return self._kept_shapes

    def _kept(self) -> dict[str, Array]:
        if self._kept_parameters is None:
            self._kept_parameters = {}
        return self._kept_parameters

    def _lasting(self, values: npt.NDArray[np.float32]) -> Array:
        if self._arrays.kind == "numpy":
            values.flags.writeable = False
        return self._arrays.array(values)

    def _fetched(self, name: str, index: Any = None) -> Question[npt.NDArray[np.float32]]:
        request = ParameterRequest(model=self.name.encode(), name=name.encode())
        if index is not None:
            request.slice.CopyFrom(slice_of(index))
        incoming = IncomingWeights()
        yield from delivery(PARAMETER, request, incoming)
        header, values = incoming.whole()
        check_fingerprint(self.fingerprint, header.fingerprint)
        return values

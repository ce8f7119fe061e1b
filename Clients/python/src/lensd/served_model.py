"""A model that a daemon serves: what its questions travel through, and the functions under which it runs."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from lensd._proto import inference_pb2
from lensd._proto.models_pb2 import ModelDescription
from lensd.activations import Pass
from lensd.arrays import Arrays
from lensd.channel import Channel
from lensd.described_model import DescribedModel
from lensd.hooks import ModelHooks
from lensd.interventions import Intervention
from lensd.questions import Asking

if TYPE_CHECKING:
    from typing_extensions import Self


class ServedModel(Asking, DescribedModel):
    """The part of a model that every other part stands on: the way to the daemon and the hook functions."""

    def __init__(
        self, channel: Channel, arrays: Arrays, description: ModelDescription, is_raw: bool, session: str | None
    ) -> None:
        super().__init__(arrays, description, is_raw, session)
        self._channel = channel
        self._hooks = ModelHooks(self.hook_names)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, without hook functions: these belong to this process."""
        self._hooks.refuse("a pickled model")
        return {name: value for name, value in self.__dict__.items() if name != "_hooks"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._hooks = ModelHooks(self.hook_names)

    def without_hooks(self) -> Self:
        """The same model under no functions and no edits."""
        other = copy(self)
        other._hooks = ModelHooks(self.hook_names)
        return other

    def __copy__(self) -> Self:
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def _standing_edits(self, asking: str) -> Sequence[Intervention]:
        if self._hooks.calls() or self._hooks.calls("bwd"):
            self._hooks.refuse(asking)
        return tuple(self._hooks.interventions())

    def _refuse_hooks(self, asking: str) -> None:
        self._hooks.refuse(asking)

    def _pass(self, source: str | inference_pb2.PassSource) -> Pass:
        return Pass(self._channel, self._arrays, source, self.fingerprint)

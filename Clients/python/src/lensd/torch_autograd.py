"""What lensd returns, as part of torch's graph: `.backward()` on anything computed from it takes the way back here.

Imported only where torch tensors were asked for. Nothing is kept for a backward pass but the recipe and what hook
functions made of activations; the daemon runs the pass again.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lensd._proto.gradients_pb2 import GradientTerm, LossTerm, PredictionTerm
from lensd.activations import ActivationSource
from lensd.arrays import Arrays, stack
from lensd.channel import Channel
from lensd.errors import FailedPrecondition, InvalidArgument
from lensd.gradients import LOSS, TOKEN_LOSS, PassRecipe, Scalar, take_gradients
from lensd.hook_session import HookSession, IncomingActivation
from lensd.hooks import Calls, HookPoint
from lensd.padded import Lengths
from lensd.torch_arrays import padded_tensor

# Of a gradient's size: what two ways of adding up the same numbers may differ by.
_ROUNDING = 1e-5


class PassGraph:
    """One pass as a node of torch's graph.

    Its inputs are what hook functions made of activations (so that gradients reach the functions' own parameters), its
    outputs whatever is read of the pass. All gradients that arrive in one `backward` go the way back together.
    """

    def __init__(
        self,
        channel: Channel,
        recipe: PassRecipe,
        backward: Calls,
        points: Mapping[str, HookPoint],
        arrays: Arrays,
    ) -> None:
        """`backward` are the hook functions that see gradients, as they were registered when the pass ran."""
        self._way_back = _WayBack(channel, recipe, backward, points, arrays)
        self._anchor: torch.Tensor | None = None

    def session(self, *arguments: Any) -> HookSession:
        """A hook session whose functions are recorded by torch."""
        return _RecordingSession(self._way_back.made, *arguments)

    def close(self, lengths: Sequence[int], tokens: Sequence[Sequence[int]] = ()) -> None:
        """Ends the recording: the pass is done, with so many tokens in each prompt."""
        self._way_back.lengths = list(lengths)
        self._way_back.tokens = [list(row) for row in tokens]
        root = torch.zeros((), requires_grad=True)
        apply: Any = _Anchor.apply
        self._anchor = apply(self._way_back, root, *(made.output for made in self._way_back.made))

    def attach(self, key: str, values: torch.Tensor) -> torch.Tensor:
        """The values as an output of the pass. `key` is a hook point's name, `LOSS` or `TOKEN_LOSS`."""
        if not values.dtype.is_floating_point:
            return values
        lengths: Lengths | None = getattr(values, "lengths", None)
        # The same memory in a tensor that is a view of no other, so that torch lets it be changed in place.
        plain = torch.from_numpy(values.numpy())
        apply: Any = _Output.apply
        attached: torch.Tensor = apply(self._way_back, key, self._anchor, [plain])
        return attached if lengths is None else padded_tensor(attached, lengths)

    def source(self, source: ActivationSource) -> ActivationSource:
        """The activations of the pass, each an output of it."""
        return _AttachedSource(self, source)


class _WayBack:
    """What the way back through one pass needs. It knows nothing of the graph, which holds on to it."""

    def __init__(
        self,
        channel: Channel,
        recipe: PassRecipe,
        backward: Calls,
        points: Mapping[str, HookPoint],
        arrays: Arrays,
    ) -> None:
        self.made: list[_Made] = []
        self.lengths: list[int] = []
        self.tokens: list[list[int]] = []
        self._channel = channel
        self._recipe = recipe
        self._backward = backward
        self._points = points
        self._arrays = arrays
        self._arrived: dict[str, torch.Tensor] = {}

    def arrive(self, key: str, gradient: torch.Tensor) -> None:
        """A gradient with respect to an output came in."""
        known = self._arrived.get(key)
        self._arrived[key] = gradient if known is None else known + gradient

    def go_back(self) -> list[torch.Tensor | None]:
        """Takes the way back for everything that arrived; the gradients with respect to the inputs."""
        scalar = self._scalar()
        self._arrived = {}
        made = {each.name: each for each in self.made}
        calls: dict[str, list[Any]] = {name: list(calls) for name, calls in self._backward.items()}
        gradients: dict[str, torch.Tensor] = {}

        def pass_function(name: str) -> Any:
            # Called with the gradient of what the function made; answers with that of what went into it.
            def call(gradient: torch.Tensor, _hook: HookPoint) -> torch.Tensor:
                gradients[name] = gradient.as_subclass(torch.Tensor)
                return made[name].local_gradient(gradients[name])

            return call

        for name, each in made.items():
            if each.output.requires_grad:
                # First: a backward hook that answers has the last word.
                calls[name] = [pass_function(name), *calls.get(name, [])]
        if scalar:
            take_gradients(
                self._channel,
                self._recipe,
                scalar,
                self.lengths,
                self._arrays,
                calls=calls,
                points=self._points,
                replacements={name: each.values() for name, each in made.items()},
            )
        return [gradients.get(each.name) for each in self.made]

    def _scalar(self) -> Scalar:
        scalar = Scalar()
        for key, gradient in self._arrived.items():
            if key == LOSS:
                scalar.terms.append(GradientTerm(weight=float(gradient), loss=LossTerm()))
            elif key == TOKEN_LOSS:
                scalar.terms += self._token_terms(gradient)
            else:
                scalar.cotangents[key] = gradient.detach().cpu().float().numpy()
        return scalar

    def _token_terms(self, gradient: torch.Tensor) -> list[GradientTerm]:
        terms = []
        for prompt, (tokens, weights) in enumerate(zip(self.tokens, gradient.tolist(), strict=True)):
            for position, (token, weight) in enumerate(zip(tokens[1:], weights, strict=False)):
                if weight:
                    prediction = PredictionTerm(prompt_index=prompt, position=position, token=token)
                    terms.append(GradientTerm(weight=-weight, log_probability=prediction))
        return terms


class _Anchor(torch.autograd.Function):  # type: ignore[misc, unused-ignore]  # untyped where torch is missing
    """Comes before every output of a pass, so that its turn in `backward` is when all gradients have arrived."""

    @staticmethod
    def forward(ctx: Any, way_back: _WayBack, _root: torch.Tensor, *_inputs: torch.Tensor) -> torch.Tensor:
        ctx.way_back = way_back
        return torch.zeros(())

    @staticmethod
    def backward(ctx: Any, *_: torch.Tensor) -> Any:
        return (None, None, *ctx.way_back.go_back())


class _Output(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
    """One output of a pass."""

    @staticmethod
    def forward(
        ctx: Any, way_back: _WayBack, key: str, _anchor: torch.Tensor, values: list[torch.Tensor]
    ) -> torch.Tensor:
        ctx.way_back, ctx.key = way_back, key
        # In a list, so that torch takes it for new and lets it be changed in place.
        return values[0]

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        ctx.way_back.arrive(ctx.key, gradients[0])
        return None, None, torch.zeros(()), None


class _AttachedSource:
    """Activations that are outputs of a pass."""

    def __init__(self, graph: PassGraph, source: ActivationSource) -> None:
        self._graph = graph
        self._source = source

    @property
    def unattached(self) -> ActivationSource:
        """The same activations outside the graph."""
        return self._source

    @property
    def run_id(self) -> str | None:
        """The run's id in the session; `None` for an unrecorded pass."""
        return self._source.run_id

    def read(self, hook: str, index: Any = None) -> Any:
        """An activation; a part of one, cut by the daemon, has no gradient."""
        values = self._source.read(hook, index)
        return values if index is not None else self._graph.attach(hook, values)


class _Made:
    """What hook functions made of one activation."""

    def __init__(self, name: str, leaf: torch.Tensor, output: torch.Tensor) -> None:
        self.name = name
        self.output = output
        self._leaf = leaf
        self._local: torch.Tensor | None = None
        self._is_local = False
        known = weakref.ref(self)

        def check(gradient: torch.Tensor) -> None:
            if (made := known()) is not None:
                made._check(gradient)

        watch: Any = leaf.register_hook
        watch(check)

    def values(self) -> npt.NDArray[Any]:
        """As it goes to the daemon."""
        return np.asarray(self.output.detach().cpu().float().numpy())

    def local_gradient(self, gradient: torch.Tensor) -> torch.Tensor:
        """With respect to what went into the functions."""
        self._is_local = True
        try:
            # The graph is gone through a second time for the functions' own parameters.
            (found,) = torch.autograd.grad(self.output, self._leaf, gradient, retain_graph=True, allow_unused=True)
        finally:
            self._is_local = False
        self._local = torch.zeros_like(self._leaf) if found is None else found
        return self._local

    def _check(self, gradient: torch.Tensor) -> None:
        """What a function saw is no output of the pass: a metric that is made of it would lose its gradient."""
        if self._is_local:
            return
        known = torch.zeros_like(self._leaf) if self._local is None else self._local
        size = max(float(known.abs().max()), float(gradient.abs().max()))
        if float((gradient - known).abs().max()) > _ROUNDING * size:
            _refuse(self.name, gradient)


class _RecordingSession(HookSession):
    """Calls forward hook functions under torch's eyes."""

    def __init__(self, made: list[_Made], *arguments: Any) -> None:
        super().__init__(*arguments)
        self._made = made

    def _called(self, incoming: IncomingActivation) -> npt.NDArray[Any] | None:
        if incoming.is_integer:
            return super()._called(incoming)
        leaf = torch.tensor(stack(incoming.rows())).requires_grad_()
        lengths = np.array(incoming.lengths, np.int64)
        hook = self._points.get(incoming.name) or HookPoint(incoming.name)
        with torch.enable_grad():
            start = leaf.clone()
            output: Any = start
            for call in self._calls.get(incoming.name, ()):
                result = call(padded_tensor(output, lengths), hook)
                if result is not None:
                    output = _checked(result, tuple(leaf.shape), incoming.name)
        if output is start and start._version == 0:
            # The functions only looked.
            watch: Any = leaf.register_hook
            watch(partial(_refuse, incoming.name))
            return None
        self._made.append(_Made(incoming.name, leaf, output))
        return incoming.flattened(output.detach().cpu().float().numpy())


def _refuse(name: str, _gradient: torch.Tensor) -> None:
    raise FailedPrecondition(
        f"the gradient of something computed from what a hook function saw at {name} cannot go on from there; "
        "compute it from the cache of run_with_cache"
    )


def _checked(result: Any, shape: tuple[int, ...], name: str) -> torch.Tensor:
    """What a function returned, as a tensor that knows where it came from."""
    expected = f"a hook function at {name} returns None or an array of shape {list(shape)}"
    if not isinstance(result, torch.Tensor):
        try:
            result = torch.from_numpy(np.array(result, np.float32))
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"{expected}; received {type(result).__name__}: {error}") from error
    if tuple(result.shape) != shape:
        raise InvalidArgument(f"{expected}; received {list(result.shape)}")
    plain: torch.Tensor = result.as_subclass(torch.Tensor).float().cpu()
    return plain

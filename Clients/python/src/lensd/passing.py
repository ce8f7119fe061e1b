"""Forward passes: the methods of `Model` for them, with edits, a cache and hook functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lensd.activations import ActivationSource, check_fingerprint
from lensd.arrays import Array
from lensd.cache import ActivationCache, NamesFilter
from lensd.described_model import LOGITS, Output, ReturnType, wants
from lensd.errors import FailedPrecondition, InvalidArgument
from lensd.gradients import LOSS, TOKEN_LOSS, PassRecipe, loss_scalar, take_gradients
from lensd.hook_session import HookSession
from lensd.hooked_run import run_hooked
from lensd.hooks import Calls, HookFunction, HookPoint, Hooks, HookSelector
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.prompts import Input, prompts_of
from lensd.showing import Showing

if TYPE_CHECKING:
    from typing_extensions import Self

    from lensd.torch_autograd import PassGraph


class Passing(Showing):
    """The part of a model that runs it."""

    def __call__(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
    ) -> Any:
        """Runs the model: logits [batch, pos, d_vocab] float32, the loss, `Output(logits, loss)` or `None`.

        The loss is a 0-d float32 array, the mean over all predictions of all prompts in nats, NaN for a single token;
        with `loss_per_token` it is [batch, pos - 1].
        """
        return self._run(input, (), return_type, loss_per_token, prepend_bos, keep=[])[0]

    def run_with_interventions(
        self,
        input: Input,
        interventions: Iterable[Intervention],
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
    ) -> Any:
        """Runs the model with edits such as `lensd.zero("z0", head=8)`; returns as a call does.

        They happen in the order of the pass, and at one point in the order given. An edit that cannot apply, or leaves
        nothing of one before it, raises `InvalidArgument`; a run that is not there `NotFound`.
        """
        return self._run(input, interventions, return_type, loss_per_token, prepend_bos, keep=[])[0]

    def run_with_cache(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
        *,
        names_filter: NamesFilter = None,
        remove_batch_dim: bool = False,
        incl_bwd: bool = False,
        interventions: Iterable[Intervention] = (),
    ) -> tuple[Any, ActivationCache]:
        """Runs the model; returns what a call does, and the cache of the pass.

        `names_filter` is a name, several or a predicate on full names: the daemon keeps these at hand, and the cache
        has only these. `remove_batch_dim` strips the batch axis of the cache's values, for a single prompt. Under hook
        functions what is kept travels at once, as they left it.

        `incl_bwd` takes the way back from the loss (`return_type="loss"`) and puts the gradients in the cache too,
        under the points' names with `_grad` behind.
        """
        keep = self.hook_names.selected(names_filter)
        gradients: dict[str, Array] = {}
        if incl_bwd and (return_type != "loss" or loss_per_token):
            raise InvalidArgument('incl_bwd takes the gradient of the loss: return_type="loss", one number')
        interventions = tuple(interventions)
        page = None
        if not interventions and self._hooks.are_none:
            page = partial(self._attention_page, prompts_of(input, prepend_bos))
        seen = self._hooks.seeing(keep, gradients) if incl_bwd else nullcontext()
        with seen:
            output, source, counts = self._run(input, interventions, return_type, loss_per_token, prepend_bos, keep)
        if incl_bwd and self._arrays.is_recording:
            output.backward()
        lengths = np.array(counts, np.int64)
        cache = ActivationCache(
            source, self.hook_names, names_filter, lengths, gradients, page if len(counts) == 1 else None
        )
        return output, cache.remove_batch_dim() if remove_batch_dim else cache

    def run_with_hooks(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        fwd_hooks: Hooks = (),
        bwd_hooks: Hooks = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        *,
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
    ) -> Any:
        """Runs the model with functions of the caller's called on the way; returns as a call does.

        `fwd_hooks` are pairs of a hook point's name (or a predicate on full names, which selects no points that cost
        extra) and a function `fn(value, hook)`. It runs here, in this process: `value` is the activation [batch, …]
        of all prompts, right-padded with `.lengths`, an array of the function's own. It may change `value` in place,
        return another of its shape, or neither; padding is ignored. Functions of one point are called in the order
        given; what one raises cancels the run. `hook` has `.name`, `.layer()` and `.ctx`. Other users' work goes on
        meanwhile; a function has 10 minutes a call.

        `bwd_hooks` are called with the gradient at their point, last point first; what one returns goes on in its
        place. With torch that is when `.backward()` is called on something made of the output; with NumPy at once,
        for the loss, which `return_type` then asks for.
        """
        with self.hooks(fwd_hooks, bwd_hooks, reset_hooks_end, clear_contexts):
            return self(input, return_type, loss_per_token, prepend_bos)

    @contextmanager
    def hooks(
        self,
        fwd_hooks: Hooks = (),
        bwd_hooks: Hooks = (),
        reset_hooks_end: bool = True,
        clear_contexts: bool = False,
        *,
        interventions: Iterable[Intervention] = (),
    ) -> Iterator[Self]:
        """A block in which every pass of this model runs under these functions and edits, and those of blocks around.

        The block holds for the thread or the asyncio task that entered it. `run_with_cache` in it returns the edited
        activations; those that `names_filter` keeps travel at once, and nothing can be fetched afterwards.
        """
        with self._hooks.block(fwd_hooks, bwd_hooks, interventions, reset_hooks_end, clear_contexts):
            yield self

    def add_hook(self, name: HookSelector, hook: HookFunction, dir: Literal["fwd", "bwd"] = "fwd") -> None:
        """Adds a function to all later passes, of every thread, until `reset_hooks`."""
        self._hooks.add([(name, hook)], dir)

    def reset_hooks(self, clear_contexts: bool = True) -> None:
        """Removes the functions that were added; those of `with` blocks stay until the block is left."""
        self._hooks.reset(clear_contexts)

    @property
    def hook_dict(self) -> Mapping[str, HookPoint]:
        """The hook points by their full names."""
        return self._hooks.points

    def _run(
        self,
        input: Input,
        interventions: Iterable[Intervention],
        return_type: ReturnType,
        loss_per_token: bool,
        prepend_bos: bool | None,
        keep: list[str],
    ) -> tuple[Any, ActivationSource, list[int]]:
        """The output, where its activations can be read, and the number of tokens of each prompt."""
        wants_logits, wants_loss = wants(return_type)
        prompts = prompts_of(input, prepend_bos)
        edits = intervention_messages((*self._hooks.interventions(), *interventions), self.name)
        calls, backward = self._hooks.calls(), self._hooks.calls("bwd")
        recipe = PassRecipe(self.name, self.fingerprint, prompts, edits)
        graph = self._graph(recipe, backward)
        if backward and graph is None and self._arrays.kind == "numpy":
            self._check_backward(return_type, calls)
        if not calls and not backward and self._is_one_query(prompts, return_type, keep):
            source: ActivationSource = self._pass(self._recipe(prompts, edits))
            logits = source.read(LOGITS)
            counts = logits.lengths.tolist()
            if graph is not None:
                graph.close(counts)
                logits, source = graph.attach(LOGITS, logits), graph.source(source)
            return logits, source, counts
        request = self._run_request(prompts, edits, return_type, loss_per_token, keep)
        if calls:
            inference, points = self._stubs.inference, self._hooks.points
            session_of = HookSession if graph is None else graph.session
            reply, source = run_hooked(inference, request, calls, points, self._arrays, self.fingerprint, session_of)
        else:
            reply = self._stubs.inference.run(request)
            check_fingerprint(self.fingerprint, reply.model.fingerprint)
            source = self._pass(self._source_of(reply, edits))
        counts = [len(prompt.tokens) for prompt in reply.prompts]
        loss = self._loss(reply, loss_per_token) if wants_loss else None
        if graph is not None:
            graph.close(counts, [[token.id for token in prompt.tokens] for prompt in reply.prompts])
            source = graph.source(source)
            loss = loss if loss is None else graph.attach(TOKEN_LOSS if loss_per_token else LOSS, loss)
        elif backward and self._arrays.kind == "numpy":
            inference, points = self._stubs.inference, self._hooks.points
            take_gradients(inference, recipe, loss_scalar(), counts, self._arrays, calls=backward, points=points)
        if not wants_logits:
            return loss, source, counts
        logits = source.read(LOGITS)
        return Output(logits, loss) if wants_loss else logits, source, counts

    def _graph(self, recipe: PassRecipe, backward: Calls) -> PassGraph | None:
        """What ties a pass to torch's graph; `None` where nobody records."""
        if not self._arrays.is_recording:
            return None
        from lensd.torch_autograd import PassGraph

        return PassGraph(self._stubs.inference, recipe, backward, self._hooks.points, self._arrays)

    @staticmethod
    def _check_backward(return_type: ReturnType, calls: Calls) -> None:
        if return_type not in ("loss", "both"):
            raise InvalidArgument('with NumPy bwd_hooks see the gradient of the loss: return_type="loss" or "both"')
        if calls:
            raise FailedPrecondition(
                "NumPy functions have no gradient, so that fwd_hooks and bwd_hooks exclude one another: "
                'connect(arrays="torch") has them together'
            )

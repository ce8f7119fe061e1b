"""Forward passes: the methods of `Model` for them, with edits, a cache and hook functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lensd.activations import ActivationSource, check_fingerprint
from lensd.arrays import Array
from lensd.axis_slice import SliceInput
from lensd.cache import ActivationCache, NamesFilter
from lensd.described_model import LOGITS, Output, ReturnType, wants
from lensd.errors import FailedPrecondition, InvalidArgument
from lensd.gradients import LOSS, TOKEN_LOSS, PassRecipe, loss_scalar, take_gradients
from lensd.hook_session import HookSession
from lensd.hooked_run import run_hooked
from lensd.hooking import Hooking
from lensd.hooks import Calls, Hooks
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.layer_span import LayerSpan
from lensd.methods import RUN
from lensd.padded import Lengths
from lensd.prompts import Input, prompts_of
from lensd.showing import Showing

if TYPE_CHECKING:
    from lensd.torch_autograd import PassGraph


class Passing(Showing, Hooking):
    """The part of a model that runs it."""

    def __call__(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
        *,
        start_at_layer: int | None = None,
        stop_at_layer: int | None = None,
        tokens: Input | None = None,
    ) -> Any:
        """Runs the model: logits [batch, pos, d_vocab] float32, the loss, `Output(logits, loss)` or `None`.

        The loss is a 0-d float32 array, the mean over all predictions of all prompts in nats, NaN for a single token;
        with `loss_per_token` it is [batch, pos - 1].

        With `stop_at_layer` the pass ends before that block and gives the residual stream there, [batch, pos, d_model];
        with `start_at_layer` the input is such a stream, and `tokens` are what a loss is measured on. Negative layers
        count from the end.
        """
        span = LayerSpan(start_at_layer, stop_at_layer, self.cfg.n_layers)
        return self._run(input, (), return_type, loss_per_token, prepend_bos, [], span, tokens)[0]

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
        return self._run(input, interventions, return_type, loss_per_token, prepend_bos, [])[0]

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
        pos_slice: SliceInput = None,
        return_cache_object: bool = True,
        start_at_layer: int | None = None,
        stop_at_layer: int | None = None,
        tokens: Input | None = None,
        interventions: Iterable[Intervention] = (),
    ) -> tuple[Any, Any]:
        """Runs the model; returns what a call does, and the cache of the pass.

        `names_filter` is a name, several or a predicate on full names: the daemon keeps these at hand, and the cache
        has only these. `remove_batch_dim` strips the batch axis of the cache's values, for a single prompt. Under hook
        functions what is kept travels at once, as they left it. `pos_slice` keeps some positions only (destinations, of
        patterns), and `return_cache_object=False` fetches everything into a dictionary. Layers are meant as in a call;
        the cache has what such a pass comes by.

        `incl_bwd` takes the way back from the loss (`return_type="loss"`) and puts the gradients in the cache too,
        under the points' names with `_grad` behind.
        """
        span = LayerSpan(start_at_layer, stop_at_layer, self.cfg.n_layers)
        keep = self.hook_names.selected(names_filter)
        if not span.is_whole:
            reached = set(span.reached(self.hook_names))
            names_filter = keep = [name for name in keep if name in reached]
        gradients: dict[str, Array] = {}
        if incl_bwd and (return_type != "loss" or loss_per_token):
            raise InvalidArgument('incl_bwd takes the gradient of the loss: return_type="loss", one number')
        interventions = tuple(interventions)
        page = None
        if span.is_whole and not interventions and self._hooks.are_none:
            page = partial(self._attention_page, prompts_of(input, prepend_bos))
        seen = self._hooks.seeing(keep, gradients) if incl_bwd else nullcontext()
        with seen:
            output, source, counts = self._run(
                input, interventions, return_type, loss_per_token, prepend_bos, keep, span, tokens
            )
        if incl_bwd and self._arrays.is_recording:
            output.backward()
        cache = self._cache(source, names_filter, np.array(counts, np.int64), gradients)
        cache.page = page if len(counts) == 1 else None
        cache = cache.sliced(pos=pos_slice)
        if remove_batch_dim:
            cache.remove_batch_dim()
        return output, cache if return_cache_object else dict(cache.items())

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
        start_at_layer: int | None = None,
        stop_at_layer: int | None = None,
        tokens: Input | None = None,
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
            return self(
                input,
                return_type,
                loss_per_token,
                prepend_bos,
                start_at_layer=start_at_layer,
                stop_at_layer=stop_at_layer,
                tokens=tokens,
            )

    def _run(
        self,
        input: Input,
        interventions: Iterable[Intervention],
        return_type: ReturnType,
        loss_per_token: bool,
        prepend_bos: bool | None,
        keep: list[str],
        span: LayerSpan | None = None,
        tokens: Input | None = None,
    ) -> tuple[Any, ActivationSource, list[int]]:
        """The output, where its activations can be read, and the number of tokens of each prompt."""
        span = span or LayerSpan(None, None, self.cfg.n_layers)
        if span.exit is not None:
            return_type, keep = None, [*keep, span.exit]
        wants_logits, wants_loss = wants(return_type)
        prompts = prompts_of(input, prepend_bos) if span.entry is None else span.prompts(input, tokens, wants_loss)
        edits = intervention_messages((*self._hooks.interventions(), *interventions), self.name)
        calls, backward = (
            span.calls(each, self.hook_names) for each in (self._hooks.calls(), self._hooks.calls("bwd"))
        )
        if span.entry is not None:
            calls = {**calls, span.entry: [lambda *_: input, *calls.get(span.entry, ())]}
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
            points = self._hooks.points
            session_of = HookSession if graph is None else graph.session
            reply, source = run_hooked(
                self._channel, request, calls, points, self._arrays, self.fingerprint, session_of
            )
        else:
            reply = self._channel.unary(RUN, request)
            check_fingerprint(self.fingerprint, reply.model.fingerprint)
            source = self._pass(self._source_of(reply, edits))
        counts = [len(prompt.tokens) for prompt in reply.prompts]
        loss = self._loss(reply, loss_per_token) if wants_loss else None
        if graph is not None:
            graph.close(counts, [[token.id for token in prompt.tokens] for prompt in reply.prompts])
            source = graph.source(source)
            loss = loss if loss is None else graph.attach(TOKEN_LOSS if loss_per_token else LOSS, loss)
        elif backward and self._arrays.kind == "numpy":
            points = self._hooks.points
            take_gradients(self._channel, recipe, loss_scalar(), counts, self._arrays, calls=backward, points=points)
        if span.exit is not None:
            return source.read(span.exit), source, counts
        if not wants_logits:
            return loss, source, counts
        logits = source.read(LOGITS)
        return Output(logits, loss) if wants_loss else logits, source, counts

    def _cache(
        self, source: ActivationSource, names_filter: NamesFilter, lengths: Lengths, gradients: Mapping[str, Array]
    ) -> ActivationCache:
        return ActivationCache(source, self.hook_names, names_filter, lengths, gradients, model=self)

    def _graph(self, recipe: PassRecipe, backward: Calls) -> PassGraph | None:
        """What ties a pass to torch's graph; `None` where nobody records."""
        if not self._arrays.is_recording:
            return None
        from lensd.torch_autograd import PassGraph

        return PassGraph(self._channel, recipe, backward, self._hooks.points, self._arrays)

    @staticmethod
    def _check_backward(return_type: ReturnType, calls: Calls) -> None:
        if return_type not in ("loss", "both"):
            raise InvalidArgument('with NumPy bwd_hooks see the gradient of the loss: return_type="loss" or "both"')
        if calls:
            raise FailedPrecondition(
                "NumPy functions have no gradient, so that fwd_hooks and bwd_hooks exclude one another: "
                'connect(arrays="torch") has them together'
            )

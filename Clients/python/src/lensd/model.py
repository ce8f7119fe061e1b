"""A resident model: tokens, passes, activations, ablations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lensd._proto import common_pb2, inference_pb2
from lensd._proto.models_pb2 import ModelDescription
from lensd._proto.sweeps_pb2 import SweepPath
from lensd.activations import ActivationSource, Pass, check_fingerprint
from lensd.arrays import Array, Arrays
from lensd.cache import ActivationCache, NamesFilter
from lensd.described_model import LOGITS, Output, ReturnType, ablation, wants
from lensd.description import Description
from lensd.errors import FailedPrecondition, InvalidArgument
from lensd.generating import Generating
from lensd.gradients import (
    LOSS,
    TOKEN_LOSS,
    GradientOf,
    Gradients,
    PassRecipe,
    attributions,
    loss_scalar,
    scalar_of,
    take_gradients,
)
from lensd.head_scores import HeadScores
from lensd.hook_names import resolve_key
from lensd.hook_session import HookSession
from lensd.hooked_run import run_hooked
from lensd.hooks import Calls, HookFunction, HookPoint, Hooks, HookSelector, ModelHooks
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention, Kind, patch
from lensd.metrics import Metric
from lensd.page import AttentionPage
from lensd.prompts import Input, prompts_of, text_prompt, token_prompt
from lensd.stubs import Stubs
from lensd.sweep import Sweep, read_sweep
from lensd.sweep_requests import Edits, Receivers, path, sweep_request
from lensd.token_replies import TokensToText, padded_tokens, sole_token, token_texts

if TYPE_CHECKING:
    from lensd.torch_autograd import PassGraph


class Model(Generating):
    """One form of a resident model, under the names and with the values of TransformerLens's `HookedTransformer`.

    Wherever an `input` is taken it is a text, token ids [pos] or [batch, pos] (lists, NumPy arrays, torch tensors), or
    a list of texts or of rows of ids, which may differ in length; results are then right-padded with zeros and have
    `.lengths`, and padding never influences a number. Token arrays from `to_tokens` are cut to their `.lengths`; the
    rows of any other array are run whole. `prepend_bos` counts for texts. Safe from several threads.
    """

    def __init__(
        self, stubs: Stubs, arrays: Arrays, description: ModelDescription, is_raw: bool, session: str | None
    ) -> None:
        super().__init__(arrays, description, is_raw, session)
        self._stubs = stubs
        self._hooks = ModelHooks(self.hook_names)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, without hook functions: these belong to this process."""
        self._hooks.refuse("a pickled model")
        return {name: value for name, value in self.__dict__.items() if name != "_hooks"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._hooks = ModelHooks(self.hook_names)

    def describe(self) -> Description:
        """The configuration, every hook point with its shape, and what was done to the weights; print it to read it."""
        return Description.of(self._stubs.models.describe(self._describe_request()))

    # Tokens.

    def to_tokens(self, input: str | Sequence[str], prepend_bos: bool | None = True, truncate: bool = True) -> Array:
        """The token ids of one text or several: [batch, pos], int64, right-padded with BOS, with `.lengths`.

        `truncate` cuts each text to the context length, as TransformerLens does.
        """
        reply = self._stubs.inference.tokenize(self._texts_request(input, prepend_bos))
        return padded_tokens(reply, self.cfg.n_ctx if truncate else None, self.bos_token_id or 0, self._arrays)

    def to_str_tokens(self, input: Input, prepend_bos: bool | None = True) -> list[str] | list[list[str]]:
        """The text of every token of one prompt, or of each of several. A part of a character shows U+FFFD."""
        return token_texts(self._tokenize(prompts_of(input, prepend_bos)), input)

    def to_string(self, tokens: Input) -> str | list[str]:
        """The text of tokens: a string for an id or [pos], a list of strings for [batch, pos]."""
        asked = TokensToText(tokens)
        return asked.texts(self._tokenize(asked.prompts) if asked.prompts else None)

    def to_single_token(self, string: str) -> int:
        """The id of the one token that a text is. Raises `InvalidArgument` for a text of none or several tokens."""
        return sole_token(self._tokenize([text_prompt(string, prepend_bos=False)]), string)

    def to_single_str_token(self, token: int) -> str:
        """The text of one token id."""
        text = self.to_string([token])
        assert isinstance(text, str)
        return text

    # Passes.

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
        seen = self._hooks.seeing(keep, gradients) if incl_bwd else nullcontext()
        with seen:
            output, source, counts = self._run(input, interventions, return_type, loss_per_token, prepend_bos, keep)
        if incl_bwd and self._arrays.is_recording:
            output.backward()
        lengths = np.array(counts, np.int64)
        cache = ActivationCache(source, self.hook_names, names_filter, lengths, gradients)
        return output, cache.remove_batch_dim() if remove_batch_dim else cache

    # Hook functions.

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
    ) -> Iterator[Model]:
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

    # Gradients.

    def gradient(
        self,
        input: Input,
        of: GradientOf | Metric = "loss",
        wrt: NamesFilter = None,
        *,
        interventions: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
    ) -> Gradients:
        """The gradient of a scalar with respect to activations, without torch: a cache as `run_with_cache` gives it.

        `of` is "loss", an objective such as `lensd.logit_diff(5, 9)`, a metric of sweeps such as
        `lensd.metrics.logit_diff(" Lily", " Tom")`, or cotangents `{hook: [batch, …]}`: the gradient of the sum of
        their products with the activations. `wrt` names points as `names_filter` does. With an edit at
        a point the gradient there is that of the edited activation.
        """
        if self._hooks.calls() or self._hooks.calls("bwd"):
            self._hooks.refuse("gradient")
        prompts = self._token_prompts(input, prepend_bos)
        if isinstance(of, Metric):
            of = of.objective(self.to_single_token)
        scalar, wanted = scalar_of(of, len(prompts), wrt, self.hook_names)
        lengths = [len(prompt.tokens.ids) for prompt in prompts]
        edits = intervention_messages((*self._hooks.interventions(), *interventions), self.name)
        recipe = PassRecipe(self.name, self.fingerprint, prompts, edits)
        taken = take_gradients(self._stubs.inference, recipe, scalar, lengths, self._arrays, wanted=wanted)
        return Gradients(taken, self._arrays, self.hook_names, wanted, np.array(lengths, np.int64))

    def attribution_patching(
        self,
        clean: Input,
        corrupted: Input,
        metric: GradientOf | Metric,
        hook: str = "z",
        prepend_bos: bool | None = True,
    ) -> Array:
        """What patching each part of the clean run into the corrupted one would do to a metric, to first order.

        The gradient on the corrupted run times (clean - corrupted), summed over the prompts: [layer, head] for a point
        with heads, [layer, pos] for others (`"resid_pre"`, `"mlp_out"`, …). Prompts correspond and have one length.
        """
        names = [resolve_key((hook, layer), self.hook_names, self.cfg.n_layers) for layer in range(self.cfg.n_layers)]
        gradients = self.gradient(corrupted, metric, names, prepend_bos=prepend_bos)
        there, here = (
            self.run_with_cache(each, None, prepend_bos=prepend_bos, names_filter=names)[1]
            for each in (clean, corrupted)
        )
        lengths = [cache.lengths.tolist() for cache in (there, here)]
        if lengths[0] != lengths[1] or len(set(lengths[0])) != 1:
            raise InvalidArgument(
                f"clean and corrupted prompts correspond and have one length; received {lengths[0]} and {lengths[1]}"
            )
        return self._arrays.array(attributions(gradients, there, here, names))

    # Heads.

    def ablate_heads(
        self,
        input: Input,
        kind: Kind = "zero",
        hook: str = "z",
        prepend_bos: bool | None = True,
        progress: Callable[[int, int], object] | None = None,
    ) -> Sweep:
        """Ablates every head in turn, by `hook_z` unless `hook` names another point per head.

        `progress` is called with (done, total) while it runs; what it raises cancels the sweep.
        """
        return self.sweep(
            input, ablation(kind, hook), over=("layer", "head"), prepend_bos=prepend_bos, progress=progress
        )

    # Sweeps.

    def sweep(
        self,
        input: Input,
        edits: Edits,
        over: str | Sequence[str] = "layer",
        metrics: Metric | Iterable[Metric] | None = None,
        *,
        pairs: bool = False,
        under: Iterable[Intervention] = (),
        prepend_bos: bool | None = True,
        progress: Callable[[int, int], object] | None = None,
    ) -> Sweep:
        """Makes an edit in many places, each alone, in one call: `sweep(text, lensd.zero("z"), ("layer", "head"))`.

        `edits` (one, or several that are made together) are moved along the axes `over`: "layer", "head", "pos",
        "source", "component"; what an edit says of an axis are the entries to go through, and of the others what is
        edited each time. `metrics` (the loss unless others of `lensd.metrics` are given) are read each time. `pairs`
        edits every two places together; `under` are edits under which everything runs. `progress` is called with (done,
        total) while it runs; what it raises cancels the sweep.
        """
        return self._sweep(input, edits, over, metrics, pairs, under, prepend_bos, progress, None)

    def path_patching(
        self,
        input: Input,
        source: Any,
        receivers: Receivers = "logits",
        sender: str = "z",
        over: str | Sequence[str] = ("layer", "head"),
        metrics: Metric | Iterable[Metric] | None = None,
        *,
        hold_mlps: bool = False,
        prepend_bos: bool | None = True,
        progress: Callable[[int, int], object] | None = None,
    ) -> Sweep:
        """Path patching from every sender, as in the IOI paper (Wang et al. 2022).

        In a first pass of `input` a sender's activation is taken from `source` (an input or a cache) while all later
        attention, and with `hold_mlps` every later MLP, stays as it was; what the `receivers` get is put into a second
        pass. Receivers are "logits" (then the first pass is read) or parts such as `[("q", 9, 6), ("k", 10, [0, 7])]`.
        """
        where = path(receivers, hold_mlps, self.name)
        edit = patch(sender, source, prepend_bos=prepend_bos)
        return self._sweep(input, edit, over, metrics, False, (), prepend_bos, progress, where)

    def head_scores(self, input: Input, prepend_bos: bool | None = True) -> HeadScores:
        """How much each head's pattern looks like each of the simple kinds, averaged over the prompts."""
        self._hooks.refuse("head_scores")
        reply = self._stubs.inference.score_heads(self._scores_request(input, prepend_bos))
        check_fingerprint(self.fingerprint, reply.fingerprint)
        return HeadScores.of(reply, (self.cfg.n_layers, self.cfg.n_heads), self._arrays)

    def attention_html(
        self,
        text_or_tokens: Input,
        with_ablation: bool = True,
        kind: Kind = "zero",
        title: str = "",
        prepend_bos: bool | None = True,
    ) -> AttentionPage:
        """A page with the attention patterns of all heads of one prompt, and what ablating each does to the loss."""
        self._hooks.refuse("attention_html")
        request = self._page_request(text_or_tokens, with_ablation, kind, title, prepend_bos)
        with self._stubs.reports.attention_page(request) as page:
            return AttentionPage(page.whole(lambda chunks: b"".join(chunk.html for chunk in chunks)).decode())

    def _sweep(
        self,
        input: Input,
        edits: Edits,
        over: str | Sequence[str],
        metrics: Metric | Iterable[Metric] | None,
        pairs: bool,
        under: Iterable[Intervention],
        prepend_bos: bool | None,
        progress: Callable[[int, int], object] | None,
        where: SweepPath | None,
    ) -> Sweep:
        self._hooks.refuse("sweep")
        prompts = prompts_of(input, prepend_bos)
        request = sweep_request(
            self.name, self.session, prompts, edits, over, metrics, pairs, under, self.to_single_token
        )
        if where is not None:
            request.path.CopyFrom(where)
        with self._stubs.inference.sweep(request) as stream:
            result = stream.whole(lambda events: read_sweep(events, self._arrays, progress))
        check_fingerprint(self.fingerprint, result.fingerprint.encode())
        return result

    def _tokenize(self, prompts: list[common_pb2.Prompt]) -> inference_pb2.TokenizeReply:
        return self._stubs.inference.tokenize(self._tokenize_request(prompts))

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

    def _token_prompts(self, input: Input, prepend_bos: bool | None) -> list[common_pb2.Prompt]:
        """The prompts as tokens, whose number is known."""
        prompts = prompts_of(input, prepend_bos)
        if all(prompt.WhichOneof("content") == "tokens" for prompt in prompts):
            return prompts
        return [token_prompt(token.id for token in row.tokens) for row in self._tokenize(prompts).tokens]

    def _pass(self, source: str | inference_pb2.PassSource) -> Pass:
        return Pass(self._stubs.inference, self._arrays, source, self.fingerprint)

"""A resident model, awaited: tokens, passes, activations, sweeps, text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lensd import methods
from lensd._proto import generation_pb2, inference_pb2, models_pb2
from lensd.activations import check_fingerprint
from lensd.aio.cache import ActivationCache, Pass
from lensd.aio.channel import Channel
from lensd.aio.generation import Generation, GenerationStream
from lensd.analysing import Analysing
from lensd.arrays import Arrays
from lensd.cache import NamesFilter
from lensd.described_model import LOGITS, Output, ReturnType, wants
from lensd.generation import TextKind, WholeTexts, check_text_kind, options_of
from lensd.head_kinds import HeadKinds
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.prompts import Input, prompts_of
from lensd.questions import Awaiting
from lensd.showing import Showing
from lensd.sweeping import Sweeping
from lensd.tokens import Tokens
from lensd.weight_analysing import WeightAnalysing
from lensd.weights import Weights


class Model(Awaiting, Showing, Analysing, WeightAnalysing, Sweeping, HeadKinds, Tokens, Weights):
    """One form of a resident model; everything is meant as in `lensd.Model`, and awaited.

    Many tasks may call it at once. It runs without hook functions.
    """

    def __init__(
        self,
        channel: Channel,
        arrays: Arrays,
        description: models_pb2.ModelDescription,
        is_raw: bool,
        session: str | None,
    ) -> None:
        super().__init__(arrays, description, is_raw, session)
        self._channel = channel

    async def parameter_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every parameter's shape by its name in `HookedTransformer.state_dict()`, in the order of a pass."""
        return await self._answer(self._shapes())

    # Passes.

    async def __call__(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
    ) -> Any:
        """Runs the model: logits [batch, pos, d_vocab] float32, the loss, `Output(logits, loss)` or `None`."""
        return (await self._run(input, (), return_type, loss_per_token, prepend_bos, []))[0]

    async def run_with_interventions(
        self,
        input: Input,
        interventions: Iterable[Intervention],
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
    ) -> Any:
        """Runs the model with edits such as `lensd.zero("z0", head=8)`; returns as a call does."""
        return (await self._run(input, interventions, return_type, loss_per_token, prepend_bos, []))[0]

    async def run_with_cache(
        self,
        input: Input,
        return_type: ReturnType = "logits",
        loss_per_token: bool = False,
        prepend_bos: bool | None = True,
        *,
        names_filter: NamesFilter = None,
        remove_batch_dim: bool = False,
        interventions: Iterable[Intervention] = (),
    ) -> tuple[Any, ActivationCache]:
        """Runs the model; returns what a call does, and the cache of the pass, to be read as `await cache["z", 0]`."""
        keep = self.hook_names.selected(names_filter)
        output, source, counts = await self._run(input, interventions, return_type, loss_per_token, prepend_bos, keep)
        cache = ActivationCache(source, self.hook_names, names_filter, np.array(counts, np.int64))
        return output, cache.remove_batch_dim() if remove_batch_dim else cache

    # Text.

    async def generate(
        self,
        input: Input = "",
        max_new_tokens: int = 10,
        stop_at_eos: bool = True,
        eos_token_id: int | Sequence[int] | None = None,
        do_sample: bool = True,
        top_k: int | None = None,
        top_p: float | None = None,
        temperature: float = 1.0,
        freq_penalty: float = 0.0,
        prepend_bos: bool | None = True,
        return_type: TextKind = "input",
        verbose: bool = False,
        *,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
        interventions: Iterable[Intervention] = (),
    ) -> Any:
        """Continues prompts: prompt and continuation, as text or as tokens; see `lensd.Model.generate`."""
        check_text_kind(return_type)
        options = options_of(
            max_new_tokens, stop_at_eos, eos_token_id, do_sample, top_k, top_p, temperature, freq_penalty, seed, stop
        )
        async with self._generate(input, options, prepend_bos, interventions) as stream:
            async for token in stream:
                if verbose:
                    print(token.text, end="", file=sys.stderr, flush=True)
        wanted = WholeTexts(input, return_type, stream.result, self.bos_token_id, eos_token_id)
        if wanted.prompts is None:
            return stream.result.tokens
        return wanted.joined(await self.to_string(wanted.prompts))

    async def generation(
        self,
        input: Input = "",
        max_new_tokens: int = 10,
        stop_at_eos: bool = True,
        eos_token_id: int | Sequence[int] | None = None,
        do_sample: bool = True,
        top_k: int | None = None,
        top_p: float | None = None,
        temperature: float = 1.0,
        freq_penalty: float = 0.0,
        prepend_bos: bool | None = True,
        *,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
        interventions: Iterable[Intervention] = (),
    ) -> Generation:
        """As `generate`, with all there is to know: texts, tokens, log-probabilities, why it ended, the cache."""
        options = options_of(
            max_new_tokens, stop_at_eos, eos_token_id, do_sample, top_k, top_p, temperature, freq_penalty, seed, stop
        )
        async with self._generate(input, options, prepend_bos, interventions) as stream:
            async for _ in stream:
                pass
        return stream.result

    def generate_stream(
        self,
        input: Input = "",
        max_new_tokens: int = 10,
        stop_at_eos: bool = True,
        eos_token_id: int | Sequence[int] | None = None,
        do_sample: bool = True,
        top_k: int | None = None,
        top_p: float | None = None,
        temperature: float = 1.0,
        freq_penalty: float = 0.0,
        prepend_bos: bool | None = True,
        *,
        seed: int | None = None,
        stop: str | Sequence[str] | None = None,
        interventions: Iterable[Intervention] = (),
    ) -> GenerationStream:
        """As `generation`, giving each new token as it comes: `async for token in model.generate_stream(…)`."""
        options = options_of(
            max_new_tokens, stop_at_eos, eos_token_id, do_sample, top_k, top_p, temperature, freq_penalty, seed, stop
        )
        return self._generate(input, options, prepend_bos, interventions)

    def _generate(
        self,
        input: Input,
        options: generation_pb2.GenerationOptions,
        prepend_bos: bool | None,
        interventions: Iterable[Intervention],
    ) -> GenerationStream:
        edits = intervention_messages(interventions, self.name)

        def finish(results: Sequence[generation_pb2.Generation], end: generation_pb2.GenerationEnd) -> Generation:
            check_fingerprint(self.fingerprint, end.model.fingerprint)
            source = self._pass(self._source_of_generation(results, end, edits))
            lengths = np.array([len(result.tokens) for result in results], np.int64)
            cache = ActivationCache(source, self.hook_names, None, lengths)
            return Generation.of(results, end, self._arrays, self._padding(options), cache=cache)

        request = self._generate_request(input, edits, options, prepend_bos)
        return GenerationStream(self._channel.stream(methods.GENERATE, request), finish)

    async def _run(
        self,
        input: Input,
        interventions: Iterable[Intervention],
        return_type: ReturnType,
        loss_per_token: bool,
        prepend_bos: bool | None,
        keep: list[str],
    ) -> tuple[Any, Pass, list[int]]:
        """The output, where its activations can be read, and the number of tokens of each prompt."""
        wants_logits, wants_loss = wants(return_type)
        prompts = prompts_of(input, prepend_bos)
        edits = intervention_messages(interventions, self.name)
        if self._is_one_query(prompts, return_type, keep):
            source = self._pass(self._recipe(prompts, edits))
            logits = await source.read(LOGITS)
            return logits, source, logits.lengths.tolist()
        request = self._run_request(prompts, edits, return_type, loss_per_token, keep)
        reply = await self._channel.unary(methods.RUN, request)
        check_fingerprint(self.fingerprint, reply.model.fingerprint)
        source = self._pass(self._source_of(reply, edits))
        counts = [len(prompt.tokens) for prompt in reply.prompts]
        loss = self._loss(reply, loss_per_token) if wants_loss else None
        if not wants_logits:
            return loss, source, counts
        logits = await source.read(LOGITS)
        return Output(logits, loss) if wants_loss else logits, source, counts

    def _pass(self, source: str | inference_pb2.PassSource) -> Pass:
        return Pass(self._channel, self._arrays, source, self.fingerprint)

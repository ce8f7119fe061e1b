"""A resident model, awaited: tokens, passes, activations, sweeps, text."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any

import numpy as np

from lensd import methods
from lensd._proto import common_pb2, generation_pb2, inference_pb2, models_pb2
from lensd.activations import check_fingerprint
from lensd.aio.cache import ActivationCache, Pass
from lensd.aio.channel import Channel
from lensd.aio.generation import Generation, GenerationStream
from lensd.analysing import Analysing
from lensd.arrays import Array, Arrays
from lensd.cache import NamesFilter
from lensd.described_model import LOGITS, Output, ReturnType, wants
from lensd.generation import TextKind, WholeTexts, check_text_kind, options_of
from lensd.head_kinds import HeadKinds
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.prompts import Input, prompts_of, text_prompt
from lensd.questions import Answer, Question, awaited
from lensd.showing import Showing
from lensd.sweeping import Sweeping
from lensd.token_replies import TokensToText, padded_tokens, sole_token, token_texts
from lensd.weight_analysing import WeightAnalysing


class Model(Showing, Analysing, WeightAnalysing, Sweeping, HeadKinds):
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

    # Tokens.

    async def to_tokens(
        self, input: str | Sequence[str], prepend_bos: bool | None = True, truncate: bool = True
    ) -> Array:
        """The token ids of one text or several: [batch, pos], int64, right-padded with BOS, with `.lengths`."""
        reply = await self._channel.unary(methods.TOKENIZE, self._texts_request(input, prepend_bos))
        return padded_tokens(reply, self.cfg.n_ctx if truncate else None, self.bos_token_id or 0, self._arrays)

    async def to_str_tokens(self, input: Input, prepend_bos: bool | None = True) -> list[str] | list[list[str]]:
        """The text of every token of one prompt, or of each of several. A part of a character shows U+FFFD."""
        return token_texts(await self._tokenize(prompts_of(input, prepend_bos)), input)

    async def to_string(self, tokens: Input) -> str | list[str]:
        """The text of tokens: a string for an id or [pos], a list of strings for [batch, pos]."""
        asked = TokensToText(tokens)
        return asked.texts(await self._tokenize(asked.prompts) if asked.prompts else None)

    async def to_single_token(self, string: str) -> int:
        """The id of the one token that a text is. Raises `InvalidArgument` for a text of none or several tokens."""
        return sole_token(await self._tokenize([text_prompt(string, prepend_bos=False)]), string)

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

    def _answer(self, question: Question[Answer]) -> Coroutine[Any, Any, Answer]:
        return awaited(question, self._channel)

    async def _tokenize(self, prompts: list[common_pb2.Prompt]) -> inference_pb2.TokenizeReply:
        return await self._channel.unary(methods.TOKENIZE, self._tokenize_request(prompts))

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

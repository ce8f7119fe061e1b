"""What a model generates: the methods of `Model` for it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lensd._proto import generation_pb2
from lensd.activations import ActivationSource, KeptPass, check_fingerprint
from lensd.cache import ActivationCache
from lensd.generation import Generation, GenerationStream, TextKind, WholeTexts, check_text_kind, options_of
from lensd.hooked_generation import HookedEvents
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.methods import GENERATE
from lensd.prompts import Input
from lensd.tokenizing import Tokenizing


class Generating(Tokenizing):
    """The part of a model that continues prompts token by token, from kept keys and values."""

    def generate(
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
        """Continues prompts as TransformerLens's `generate` does: prompt and continuation, as text or as tokens.

        `return_type` is "str" (a text, of several prompts a list), "tokens" [batch, pos] right-padded with EOS, or
        "input" for what the input was. `verbose` writes the texts to standard error as they come. `seed` makes the
        choice repeatable; `stop` are texts that end the generation and are cut off. Interventions must mean the same
        for a position however many tokens follow. Hook functions see each step's new positions, of the prompts that
        still grow: at first the prompts whole, then one position each, with patterns over every position so far. See
        `generation` for log-probabilities and the cache.
        """
        check_text_kind(return_type)
        options = options_of(
            max_new_tokens, stop_at_eos, eos_token_id, do_sample, top_k, top_p, temperature, freq_penalty, seed, stop
        )
        with self._generate(input, options, prepend_bos, interventions) as stream:
            for token in stream:
                if verbose:
                    print(token.text, end="", file=sys.stderr, flush=True)
        result = stream.result
        wanted = WholeTexts(input, return_type, result, self.bos_token_id, eos_token_id)
        return result.tokens if wanted.prompts is None else wanted.joined(self.to_string(wanted.prompts))

    def generation(
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
        with self._generate(input, options, prepend_bos, interventions) as stream:
            for _ in stream:
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
        """As `generation`, giving each new token as it comes; leaving the iterator early stops the daemon."""
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
        calls = self._hooks.calls()
        edits = intervention_messages((*self._hooks.interventions(), *interventions), self.name)

        def finish(results: Sequence[generation_pb2.Generation], end: generation_pb2.GenerationEnd) -> Generation:
            check_fingerprint(self.fingerprint, end.model.fingerprint)
            source: ActivationSource
            if calls:
                source = KeptPass({}, self._arrays, end.run_id.decode() or None)
            else:
                source = self._pass(self._source_of_generation(results, end, edits))
            lengths = np.array([len(result.tokens) for result in results], np.int64)
            cache = ActivationCache(source, self.hook_names, None, lengths, model=self)
            return Generation.of(results, end, self._arrays, self._padding(options), cache=cache)

        request = self._generate_request(input, edits, options, prepend_bos)
        if calls:
            return GenerationStream(
                HookedEvents(self._channel, request, calls, self._hooks.points, self._arrays), finish
            )
        return GenerationStream(self._channel.stream(GENERATE, request), finish)

"""What a model generates: the methods of `Model` for it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from lensd._proto import common_pb2, generation_pb2, interventions_pb2
from lensd.activations import ActivationSource, KeptPass, Pass, check_fingerprint
from lensd.arrays import Arrays
from lensd.cache import ActivationCache, HookNames
from lensd.errors import InvalidArgument
from lensd.generation import Generation, GenerationStream, eos_tokens_of, generation_of, options_of
from lensd.hooked_generation import HookedEvents
from lensd.hooks import ModelHooks
from lensd.intervention_messages import intervention_messages
from lensd.interventions import Intervention
from lensd.prompts import Input, prompts_of, token_prompt
from lensd.stubs import Stubs


class Generating:
    """The part of a model that continues prompts token by token, from kept keys and values."""

    name: str
    session: str | None
    fingerprint: str
    bos_token_id: int | None
    hook_names: HookNames
    _stubs: Stubs
    _arrays: Arrays
    _hooks: ModelHooks

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
        return_type: Literal["input", "str", "tokens"] = "input",
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
        if return_type not in ("input", "str", "tokens"):
            raise InvalidArgument(f'return_type is "input", "str" or "tokens"; received {return_type!r}')
        options = options_of(
            max_new_tokens, stop_at_eos, eos_token_id, do_sample, top_k, top_p, temperature, freq_penalty, seed, stop
        )
        with self._generate(input, options, prepend_bos, interventions) as stream:
            for token in stream:
                if verbose:
                    print(token.text, end="", file=sys.stderr, flush=True)
        result = stream.result
        is_text = isinstance(input, str) or (isinstance(input, (list, tuple)) and isinstance(input[0], str))
        if return_type == "tokens" or (return_type == "input" and not is_text):
            return result.tokens
        special = {self.bos_token_id, *eos_tokens_of(eos_token_id)}
        rows = zip(result.tokens.tolist(), result.prompt_lengths, strict=True)
        prompts = self.to_string([[token for token in row[:count] if token not in special] for row, count in rows])
        texts = [prompt + text for prompt, text in zip(prompts, result.text, strict=True)]
        return texts[0] if len(texts) == 1 else texts

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
        prompts = prompts_of(input, prepend_bos)
        for prompt in prompts:
            # No text at all is begun by BOS, as in TransformerLens.
            is_empty = prompt.WhichOneof("content") == "text" and not prompt.text.text
            if is_empty and not prompt.text.no_bos and self.bos_token_id is not None:
                prompt.CopyFrom(token_prompt([self.bos_token_id]))
        calls = self._hooks.calls()
        edits = intervention_messages((*self._hooks.interventions(), *interventions), self.name)

        def finish(results: Sequence[generation_pb2.Generation], end: generation_pb2.GenerationEnd) -> Generation:
            check_fingerprint(self.fingerprint, end.model.fingerprint)
            source: ActivationSource
            if calls:
                source = KeptPass({}, self._arrays, end.run_id.decode() or None)
            elif end.run_id:
                source = Pass(self._stubs.inference, self._arrays, end.run_id.decode(), self.fingerprint)
            else:
                tokens = [token_prompt(token.id for token in result.tokens) for result in results]
                source = self._unrecorded(tokens, edits)
            lengths = np.array([len(result.tokens) for result in results], np.int64)
            cache = ActivationCache(source, self.hook_names, None, lengths)
            padding = [*options.eos_token_ids, self.bos_token_id or 0][0]
            return generation_of(results, end, self._arrays, cache, padding)

        request = generation_pb2.GenerateRequest(
            model=self.name.encode(),
            session=(self.session or "").encode(),
            prompts=prompts,
            interventions=edits,
            options=options,
            unrecorded=self.session is None,
        )
        inference = self._stubs.inference
        if calls:
            return GenerationStream(HookedEvents(inference, request, calls, self._hooks.points, self._arrays), finish)
        return GenerationStream(inference.generate(request), finish)

    def to_string(self, tokens: Input) -> str | list[str]:
        """The text of tokens."""
        raise NotImplementedError

    def _unrecorded(self, prompts: list[common_pb2.Prompt], edits: list[interventions_pb2.Intervention]) -> Pass:
        raise NotImplementedError

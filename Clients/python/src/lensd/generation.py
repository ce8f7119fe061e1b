"""Text that the daemon continues token by token."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from operator import index
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from lensd._proto import generation_pb2
from lensd.arrays import Array, Arrays
from lensd.errors import FailedPrecondition, InvalidArgument, LensError
from lensd.generation_news import GeneratedToken, GenerationNews
from lensd.prompts import Input

if TYPE_CHECKING:
    from typing_extensions import Self

    from lensd.cache import ActivationCache
    from lensd.channel import Stream
    from lensd.hooked_generation import HookedEvents

MAX_SEED = (1 << 63) - 1


@dataclass(frozen=True)
class GenerationResult:
    """What became of each prompt."""

    model: str
    fingerprint: str
    # Of the new tokens: without the EOS token that ended it, cut before a stop string.
    text: list[str]
    # The prompts' tokens and the new ones, [batch, pos], right-padded with EOS, with `.lengths`.
    tokens: Array
    # Of the new tokens, [batch, new], right-padded with zeros, with `.lengths`; natural logarithms, float32.
    logprobs: Array
    str_tokens: list[list[str]]
    # How many of the tokens are the prompt's.
    prompt_lengths: list[int]
    # "eos", "stop", "length" (as many as asked for) or "context" (which is full).
    finish_reason: list[str]
    # What the random numbers began with: asked for again, it gives the same text.
    seed: int
    # Its id in the session, for `lensctl query` and `Client.query`; None where it was not recorded.
    run_id: str | None

    @classmethod
    def of(
        cls,
        results: Sequence[generation_pb2.Generation],
        end: generation_pb2.GenerationEnd,
        arrays: Arrays,
        padding: int,
        **more: Any,
    ) -> Self:
        """Arranges results; `padding` stands behind the tokens of shorter prompts."""
        rows = [np.array([token.id for token in result.tokens], np.int64) for result in results]
        logprobs = [np.array(result.logprobs, np.float32) for result in results]
        return cls(
            model=end.model.name.decode() + ("@raw" if end.model.raw else ""),
            fingerprint=end.model.fingerprint.decode(),
            text=[result.text.decode() for result in results],
            tokens=arrays.padded(rows, [len(row) for row in rows], fill=padding),
            logprobs=arrays.padded(logprobs, [len(row) for row in logprobs]),
            str_tokens=[[token.text.decode() for token in result.tokens] for result in results],
            prompt_lengths=[result.prompt_length for result in results],
            finish_reason=[result.finish_reason.decode() for result in results],
            seed=end.options.seed,
            run_id=end.run_id.decode() or None,
            **more,
        )

    def _repr_html_(self) -> str:
        from lensd.views.run_view import generation_html

        return generation_html(self)

    def __repr__(self) -> str:
        texts = self.text[0] if len(self.text) == 1 else self.text
        return f"Generation({texts!r} by {self.model}, {', '.join(self.finish_reason)})"


@dataclass(frozen=True, repr=False)
class Generation(GenerationResult):
    """What became of each prompt, and the activations of it."""

    # Every activation of the final tokens, as they were while the tokens were generated; fetched when touched. Under
    # hook functions there is nothing in it: run them over the final tokens again.
    cache: ActivationCache


class GenerationStream:
    """An iterator over new tokens as they come; of several prompts, in turn.

    Leaving it (`close`, the end of a `with` block) before its end cancels the generation. After the end `result` is
    the whole of it.
    """

    def __init__(
        self,
        events: Stream[generation_pb2.GenerateEvent] | HookedEvents,
        finish: Callable[[Sequence[generation_pb2.Generation], generation_pb2.GenerationEnd], Generation],
    ) -> None:
        self._events = events
        self._tokens = self._read()
        self._finish = finish
        self._result: Generation | None = None

    @property
    def result(self) -> Generation:
        """The generation. Raises `FailedPrecondition` before the last token was taken."""
        if self._result is None:
            raise FailedPrecondition("the generation has no result before its last token; take the rest first")
        return self._result

    def __iter__(self) -> Iterator[GeneratedToken]:
        return self

    def __next__(self) -> GeneratedToken:
        """The next token. Raises what the call ended with."""
        return next(self._tokens)

    def close(self) -> None:
        """Tells the daemon to stop, unless it is done."""
        self._tokens.close()
        self._events.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _read(self) -> Generator[GeneratedToken]:
        news = GenerationNews()
        with self._events as events:
            while True:
                try:
                    for event in events:
                        yield from news.take(event)
                    break
                except LensError as error:
                    # The same request id makes the same choices, so the new try begins with what was given out.
                    events.start_over(error)
                    news.start_over()
        self._result = self._finish(*news.outcome())


def options_of(
    max_new_tokens: int,
    stop_at_eos: bool,
    eos_token_id: int | Sequence[int] | None,
    do_sample: bool,
    top_k: int | None,
    top_p: float | None,
    temperature: float,
    freq_penalty: float,
    seed: int | None,
    stop: str | Sequence[str] | None,
) -> generation_pb2.GenerationOptions:
    """The options as they travel. Raises `InvalidArgument` for what they cannot hold; the daemon checks the rest."""
    options = generation_pb2.GenerationOptions(
        max_new_tokens=_natural(max_new_tokens, "max_new_tokens"),
        temperature=temperature if do_sample else 0,
        freq_penalty=freq_penalty if do_sample else 0,
        ignore_eos=not stop_at_eos,
        eos_token_ids=[_natural(each, "eos_token_id") for each in eos_tokens_of(eos_token_id)],
        stop_strings=[each.encode() for each in ([stop] if isinstance(stop, str) else stop or ())],
    )
    if do_sample and top_k is not None:
        options.top_k = _natural(top_k, "top_k")
    if do_sample and top_p is not None:
        options.top_p = top_p
    if seed is not None:
        options.seed = _natural(seed, "seed", MAX_SEED)
    return options


TextKind: TypeAlias = Literal["input", "str", "tokens"]


def check_text_kind(kind: TextKind) -> None:
    """Raises `InvalidArgument` for what `generate` does not return."""
    if kind not in ("input", "str", "tokens"):
        raise InvalidArgument(f'return_type is "input", "str" or "tokens"; received {kind!r}')


class WholeTexts:
    """The texts of a generation, prompts included, where these are what `generate` returns."""

    def __init__(
        self,
        given: Input,
        kind: TextKind,
        result: GenerationResult,
        bos_token_id: int | None,
        eos_token_id: int | Sequence[int] | None,
    ) -> None:
        is_text = isinstance(given, str) or (isinstance(given, (list, tuple)) and isinstance(given[0], str))
        self._result = result
        # The prompts' tokens, whose texts are wanted; None where the tokens are returned as they are.
        self.prompts: list[list[int]] | None = None
        if kind == "str" or (kind == "input" and is_text):
            special = {bos_token_id, *eos_tokens_of(eos_token_id)}
            rows = zip(result.tokens.tolist(), result.prompt_lengths, strict=True)
            self.prompts = [[token for token in row[:count] if token not in special] for row, count in rows]

    def joined(self, prompts: str | list[str]) -> str | list[str]:
        """A text, of several prompts a list."""
        texts = [prompt + text for prompt, text in zip(prompts, self._result.text, strict=True)]
        return texts[0] if len(texts) == 1 else texts


def eos_tokens_of(eos_token_id: int | Sequence[int] | None) -> list[int]:
    """One, several or none, as TransformerLens takes them."""
    if eos_token_id is None:
        return []
    return [index(each) for each in eos_token_id] if isinstance(eos_token_id, Sequence) else [index(eos_token_id)]


def _natural(value: int, name: str, maximum: int = (1 << 32) - 1) -> int:
    number = index(value)
    if not 0 <= number <= maximum:
        raise InvalidArgument(f"{name} must be in 0...{maximum}; received {number}")
    return number

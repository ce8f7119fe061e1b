"""The events of a generation, made into new tokens, also where the call had to be made again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lensd._proto import generation_pb2
from lensd.errors import Aborted, Internal


class GeneratedToken(NamedTuple):
    """A new token of one prompt."""

    # Which prompt.
    prompt: int
    id: int
    # The token by itself; a part of a character shows U+FFFD.
    string: str
    # Natural logarithm of the probability that the model gave it, before temperature, penalty and filters.
    logprob: float
    # What may be printed now: empty while a character or a stop string is unfinished. The texts of all tokens
    # together are the prompt's text.
    text: str


class GenerationNews:
    """Gives each new token once: what events tell again after `start_over` is compared with what was given out."""

    def __init__(self) -> None:
        # By prompt: what was given out.
        self._ids: dict[int, list[int]] = {}
        self._texts: dict[int, str] = {}
        self.start_over()

    def start_over(self) -> None:
        """The events come from the beginning again."""
        # By prompt, of these events: how many tokens came, and their text.
        self._counts: dict[int, int] = {}
        self._heard: dict[int, str] = {}
        self._results: list[generation_pb2.Generation] = []
        self._end: generation_pb2.GenerationEnd | None = None

    def take(self, event: generation_pb2.GenerateEvent) -> Iterator[GeneratedToken]:
        """The tokens of an event that were not given out before. Raises `Aborted` where it tells another story."""
        body = event.WhichOneof("event")
        if body == "tokens":
            for batch in event.tokens.prompts:
                yield from self._tokens(batch)
        elif body == "result":
            self._results.append(event.result)
        else:
            self._end = event.end

    def outcome(self) -> tuple[Sequence[generation_pb2.Generation], generation_pb2.GenerationEnd]:
        """What became of the prompts. Raises `Internal` where the events ended before that."""
        if self._end is None:
            raise Internal("the daemon ended the generation without a result")
        return self._results, self._end

    def _tokens(self, batch: generation_pb2.GeneratedTokens) -> Iterator[GeneratedToken]:
        if len(batch.tokens) != len(batch.logprobs):
            raise Internal(f"the daemon sent {len(batch.tokens)} tokens with {len(batch.logprobs)} probabilities")
        prompt = batch.prompt_index
        ids, text = self._ids.setdefault(prompt, []), self._texts.setdefault(prompt, "")
        heard = self._heard.get(prompt, "") + batch.text.decode()
        first = self._counts.get(prompt, 0)
        told = min(len(ids) - first, len(batch.tokens))
        same = [token.id for token in batch.tokens[:told]] == ids[first : first + told]
        if not same or not (heard.startswith(text) or text.startswith(heard)):
            raise Aborted("the daemon went away, and continues the text otherwise than before: generate it again")
        self._heard[prompt], self._counts[prompt] = heard, first + len(batch.tokens)
        last = len(batch.tokens) - 1
        for at in range(told, len(batch.tokens)):
            token = batch.tokens[at]
            ids.append(token.id)
            # What became certain belongs to the last token of those that came together.
            new = heard[len(text) :] if at == last else ""
            self._texts[prompt] = text + new
            yield GeneratedToken(prompt, token.id, token.text.decode(), batch.logprobs[at], new)

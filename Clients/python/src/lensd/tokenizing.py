"""A served model's tokenizer, and its prompts as tokens."""

from __future__ import annotations

from lensd._proto import common_pb2
from lensd.prompts import Input, prompts_of, token_prompt
from lensd.served_model import ServedModel
from lensd.served_tokenizer import ServedTokenizer
from lensd.tokens import Tokens


class Tokenizing(Tokens, ServedModel):
    """The part of a served model that turns texts into tokens and back."""

    @property
    def tokenizer(self) -> ServedTokenizer:
        """The daemon's tokenizer under the names of Hugging Face's."""
        return ServedTokenizer(self)

    def _token_prompts(self, input: Input, prepend_bos: bool | None) -> list[common_pb2.Prompt]:
        """The prompts as tokens, whose number is known."""
        prompts = prompts_of(input, prepend_bos)
        if all(prompt.WhichOneof("content") == "tokens" for prompt in prompts):
            return prompts
        return [token_prompt(token.id for token in row.tokens) for row in self._answer(self._tokenized(prompts)).tokens]

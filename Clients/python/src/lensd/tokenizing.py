"""Texts and tokens: the methods of `Model` for them."""

from __future__ import annotations

from collections.abc import Sequence

from lensd._proto import common_pb2, inference_pb2
from lensd.arrays import Array
from lensd.prompts import Input, prompts_of, text_prompt, token_prompt
from lensd.served_model import ServedModel
from lensd.token_replies import TokensToText, padded_tokens, sole_token, token_texts


class Tokenizing(ServedModel):
    """The part of a model that turns texts into tokens and back."""

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

    def _tokenize(self, prompts: list[common_pb2.Prompt]) -> inference_pb2.TokenizeReply:
        return self._stubs.inference.tokenize(self._tokenize_request(prompts))

    def _token_prompts(self, input: Input, prepend_bos: bool | None) -> list[common_pb2.Prompt]:
        """The prompts as tokens, whose number is known."""
        prompts = prompts_of(input, prepend_bos)
        if all(prompt.WhichOneof("content") == "tokens" for prompt in prompts):
            return prompts
        return [token_prompt(token.id for token in row.tokens) for row in self._tokenize(prompts).tokens]

"""Texts and tokens: the methods of `Model` for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lensd._proto import common_pb2, inference_pb2
from lensd.arrays import Array
from lensd.errors import InvalidArgument
from lensd.methods import TOKENIZE
from lensd.next_token_loss import next_token_loss
from lensd.prompts import Input, prompts_of, text_prompt, token_prompt, token_rows
from lensd.served_model import ServedModel
from lensd.served_tokenizer import ServedTokenizer
from lensd.token_replies import TokensToText, padded_tokens, sole_token, token_texts


class Tokenizing(ServedModel):
    """The part of a model that turns texts into tokens and back."""

    def to_tokens(self, input: str | Sequence[str], prepend_bos: bool | None = True, truncate: bool = True) -> Array:
        """The token ids of one text or several: [batch, pos], int64, right-padded with BOS, with `.lengths`.

        `truncate` cuts each text to the context length, as TransformerLens does.
        """
        reply = self._channel.unary(TOKENIZE, self._texts_request(input, prepend_bos))
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

    @property
    def tokenizer(self) -> ServedTokenizer:
        """The daemon's tokenizer under the names of Hugging Face's."""
        return ServedTokenizer(self)

    def get_token_position(
        self,
        single_token: str | int,
        input: Input,
        mode: Literal["first", "last"] = "first",
        prepend_bos: bool | None = True,
    ) -> int:
        """Where a token stands in a text or in tokens [pos] or [1, pos], the first or the last time.

        Raises `InvalidArgument` where it does not occur.
        """
        if mode not in ("first", "last"):
            raise InvalidArgument(f'mode is "first" or "last"; received {mode!r}')
        rows = token_rows(self.to_tokens(input, prepend_bos) if isinstance(input, str) else input)
        if len(rows) != 1:
            raise InvalidArgument(f"a token's position is looked for in one prompt; received {len(rows)}")
        token = self.to_single_token(single_token) if isinstance(single_token, str) else int(single_token)
        places = [place for place, each in enumerate(rows[0]) if each == token]
        if not places:
            raise InvalidArgument(f"the token {single_token!r} does not occur in the prompt")
        return places[0 if mode == "first" else -1]

    def loss_fn(
        self, logits: Array, tokens: Array, attention_mask: Array | None = None, per_token: bool = False
    ) -> Array:
        """The mean -log p of each next token in nats, of logits [batch, pos, d_vocab] and tokens [batch, pos].

        `per_token` gives [batch, pos - 1]; predictions from or of tokens outside `attention_mask` count as none.
        """
        return next_token_loss(logits, tokens, attention_mask, per_token)

    def _tokenize(self, prompts: list[common_pb2.Prompt]) -> inference_pb2.TokenizeReply:
        return self._channel.unary(TOKENIZE, self._tokenize_request(prompts))

    def _token_prompts(self, input: Input, prepend_bos: bool | None) -> list[common_pb2.Prompt]:
        """The prompts as tokens, whose number is known."""
        prompts = prompts_of(input, prepend_bos)
        if all(prompt.WhichOneof("content") == "tokens" for prompt in prompts):
            return prompts
        return [token_prompt(token.id for token in row.tokens) for row in self._tokenize(prompts).tokens]

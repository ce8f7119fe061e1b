"""Texts and tokens: questions of both clients' models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lensd._proto.common_pb2 import Prompt
from lensd._proto.inference_pb2 import TokenizeReply
from lensd.arrays import Array
from lensd.described_model import DescribedModel
from lensd.errors import InvalidArgument
from lensd.methods import TOKENIZE
from lensd.next_token_loss import next_token_loss
from lensd.prompts import Input, prompts_of, text_prompt, token_rows
from lensd.questions import Question, question, unary
from lensd.token_replies import TokensToText, padded_tokens, sole_token, token_texts


class Tokens(DescribedModel):
    """The part of a model that turns texts into tokens and back."""

    @question
    def to_tokens(
        self, input: str | Sequence[str], prepend_bos: bool | None = True, truncate: bool = True
    ) -> Question[Array]:
        """The token ids of one text or several: [batch, pos], int64, right-padded with BOS, with `.lengths`.

        `truncate` cuts each text to the context length, as TransformerLens does.
        """
        reply = yield from unary(TOKENIZE, self._texts_request(input, prepend_bos))
        return padded_tokens(reply, self.cfg.n_ctx if truncate else None, self.bos_token_id or 0, self._arrays)

    @question
    def to_str_tokens(self, input: Input, prepend_bos: bool | None = True) -> Question[list[str] | list[list[str]]]:
        """The text of every token of one prompt, or of each of several. A part of a character shows U+FFFD."""
        return token_texts((yield from self._tokenized(prompts_of(input, prepend_bos))), input)

    @question
    def to_string(self, tokens: Input) -> Question[str | list[str]]:
        """The text of tokens: a string for an id or [pos], a list of strings for [batch, pos]."""
        wanted = TokensToText(tokens)
        return wanted.texts((yield from self._tokenized(wanted.prompts)) if wanted.prompts else None)

    @question
    def to_single_token(self, string: str) -> Question[int]:
        """The id of the one token that a text is. Raises `InvalidArgument` for a text of none or several tokens."""
        return sole_token((yield from self._tokenized([text_prompt(string, prepend_bos=False)])), string)

    @question
    def to_single_str_token(self, token: int) -> Question[str]:
        """The text of one token id."""
        wanted = TokensToText([token])
        text = wanted.texts((yield from self._tokenized(wanted.prompts)))
        assert isinstance(text, str)
        return text

    @question
    def get_token_position(
        self,
        single_token: str | int,
        input: Input,
        mode: Literal["first", "last"] = "first",
        prepend_bos: bool | None = True,
    ) -> Question[int]:
        """Where a token stands in a text or in tokens [pos] or [1, pos], the first or the last time.

        Raises `InvalidArgument` where it does not occur.
        """
        if mode not in ("first", "last"):
            raise InvalidArgument(f'mode is "first" or "last"; received {mode!r}')
        if isinstance(input, str):
            reply = yield from self._tokenized([text_prompt(input, prepend_bos)])
            rows = [[token.id for token in row.tokens[: self.cfg.n_ctx]] for row in reply.tokens]
        else:
            rows = token_rows(input)
        if len(rows) != 1:
            raise InvalidArgument(f"a token's position is looked for in one prompt; received {len(rows)}")
        (token,) = yield from self._token_ids(single_token)
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

    def _tokenized(self, prompts: list[Prompt]) -> Question[TokenizeReply]:
        return (yield from unary(TOKENIZE, self._tokenize_request(prompts)))

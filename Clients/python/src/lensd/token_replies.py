"""What a daemon says of tokens and texts, as users get it."""

from __future__ import annotations

import numpy as np

from lensd._proto.common_pb2 import Prompt
from lensd._proto.inference_pb2 import TokenizeReply
from lensd.arrays import Array, Arrays
from lensd.errors import InvalidArgument
from lensd.prompts import Input, is_list_of_prompts, token_prompt, token_rows


def padded_tokens(reply: TokenizeReply, limit: int | None, fill: int, arrays: Arrays) -> Array:
    """The ids [batch, pos], int64, of each text at most `limit`, right-padded with `fill`, with `.lengths`."""
    rows = [np.array([token.id for token in prompt.tokens[:limit]], np.int64) for prompt in reply.tokens]
    return arrays.padded(rows, [len(row) for row in rows], fill=fill)


def token_texts(reply: TokenizeReply, given: Input) -> list[str] | list[list[str]]:
    """The text of every token: a list of texts, for several prompts one for each."""
    rows = [[token.text.decode() for token in prompt.tokens] for prompt in reply.tokens]
    return rows if len(rows) > 1 or is_list_of_prompts(given) else rows[0]


def sole_token(reply: TokenizeReply, text: str) -> int:
    """The id of the one token that a text is. Raises `InvalidArgument` where it is none or several."""
    (tokens,) = reply.tokens
    if len(tokens.tokens) != 1:
        pieces = [token.text.decode() for token in tokens.tokens]
        raise InvalidArgument(f"expected the text of one token; {text!r} is {len(pieces)}: {pieces}")
    return tokens.tokens[0].id


class TokensToText:
    """Tokens whose texts are wanted: a string for an id or [pos], a list of strings for [batch, pos]."""

    def __init__(self, tokens: Input) -> None:
        """Raises `InvalidArgument` for what are no tokens."""
        self._is_batch = False
        self._rows: list[list[int]] = [[]]
        if isinstance(tokens, (list, tuple)) and not tokens:
            return
        axes = 2 if is_list_of_prompts(tokens) else np.ndim(tokens)
        self._is_batch = axes == 2
        self._rows = token_rows([tokens] if axes == 0 else tokens)

    @property
    def prompts(self) -> list[Prompt]:
        """What is to be asked; no tokens are a text too, but no prompt."""
        return [token_prompt(row) for row in self._rows if row]

    def texts(self, reply: TokenizeReply | None) -> str | list[str]:
        """The texts; `reply` is `None` where there was nothing to ask."""
        found = iter(reply.texts if reply is not None else [])
        strings = [next(found).decode() if row else "" for row in self._rows]
        return strings if self._is_batch else strings[0]

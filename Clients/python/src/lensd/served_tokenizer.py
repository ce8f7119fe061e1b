"""The daemon's tokenizer of a model, under the names of Hugging Face's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from lensd.errors import FailedPrecondition
from lensd.prompts import Input, token_rows

if TYPE_CHECKING:
    from lensd.tokenizing import Tokenizing


class ServedTokenizer:
    """What notebooks ask a model's `tokenizer`; each question is one call of the daemon's.

    Special tokens are added only where they are asked for: `model.to_tokens` puts BOS in front.
    """

    padding_side: Literal["right"] = "right"

    def __init__(self, model: Tokenizing) -> None:
        self._model = model

    @property
    def bos_token_id(self) -> int:
        """The id of the token that texts begin with. Raises `FailedPrecondition` where the model has none."""
        if self._model.bos_token_id is None:
            raise FailedPrecondition("this model has no BOS token")
        return self._model.bos_token_id

    @property
    def bos_token(self) -> str:
        """That token's text."""
        return self._model.to_single_str_token(self.bos_token_id)

    @property
    def pad_token_id(self) -> int:
        """What `to_tokens` fills shorter prompts up with."""
        return self._model.bos_token_id or 0

    @property
    def vocab_size(self) -> int:
        """The number of rows of the embedding."""
        return self._model.cfg.d_vocab

    def __len__(self) -> int:
        return self.vocab_size

    def encode(self, text: str, add_special_tokens: bool = False) -> list[int]:
        """The token ids of a text."""
        (row,) = token_rows(self._model.to_tokens(text, prepend_bos=add_special_tokens, truncate=False))
        return row

    def decode(self, token_ids: Input, **_: Any) -> str:
        """The text of an id or of ids [pos]."""
        text = self._model.to_string(token_ids)
        return text if isinstance(text, str) else "".join(text)

    def batch_decode(self, sequences: Input, **_: Any) -> list[str]:
        """The text of each row of ids."""
        texts = self._model.to_string(sequences)
        return [texts] if isinstance(texts, str) else texts

    def tokenize(self, text: str) -> list[str]:
        """The texts of a text's tokens."""
        return [str(each) for each in self._model.to_str_tokens(text, prepend_bos=False)]

    def __call__(self, text: str | Sequence[str], add_special_tokens: bool = False, **_: Any) -> dict[str, Any]:
        """`{"input_ids": …}`: ids of a text, or a list of them for each."""
        if isinstance(text, str):
            return {"input_ids": self.encode(text, add_special_tokens)}
        return {"input_ids": [self.encode(each, add_special_tokens) for each in text]}

    def __repr__(self) -> str:
        return f"ServedTokenizer({self._model.name})"

"""What users give to be run: text, tokens, or several of either."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lensd._proto.common_pb2 import Prompt, TextPrompt, TokenPrompt
from lensd.errors import InvalidArgument

# A text, texts, token ids [pos] or [batch, pos] (lists, NumPy arrays, torch tensors), or rows of different lengths.
Input: TypeAlias = Any

MAX_TOKEN_ID = (1 << 32) - 1


def prompts_of(given: Input, prepend_bos: bool | None = True) -> list[Prompt]:
    """The prompts that an input stands for.

    `prepend_bos` counts for texts; `None` means true. An array with `.lengths`, as `to_tokens` gives it, is cut to
    them; the rows of any other array are taken whole. Raises `InvalidArgument` with what was expected and what came.
    """
    if isinstance(given, str):
        return [text_prompt(given, prepend_bos)]
    if isinstance(given, (list, tuple)) and any(isinstance(each, str) for each in given):
        if not all(isinstance(each, str) for each in given):
            raise InvalidArgument("a list of prompts is all texts or all tokens; received a mixture")
        return [text_prompt(each, prepend_bos) for each in given]
    return [token_prompt(row) for row in token_rows(given)]


def text_prompt(text: str, prepend_bos: bool | None = True) -> Prompt:
    """A text for the model's tokenizer. Raises `InvalidArgument` for text that UTF-8 cannot hold."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"text must be encodable as UTF-8; received {text[error.start]!r}") from error
    return Prompt(text=TextPrompt(text=encoded, no_bos=prepend_bos is False))


def token_prompt(ids: Iterable[int]) -> Prompt:
    """Tokens as they are. Raises `InvalidArgument` for a number that can be no token id of any model."""
    numbers = list(ids)
    for position, number in enumerate(numbers):
        if not 0 <= number <= MAX_TOKEN_ID:
            raise InvalidArgument(f"a token id is 0 or more; received {number} at position {position}")
    return Prompt(tokens=TokenPrompt(ids=numbers))


def token_rows(given: Input) -> list[list[int]]:
    """Token ids, a list per prompt. Raises `InvalidArgument` for anything that is not one."""
    if isinstance(given, Sequence) and not len(given):
        raise InvalidArgument("expected a text, token ids or a list of prompts; received an empty list")
    if isinstance(given, (list, tuple)) and _is_row(given[0]):
        return [_row(_integers(row)) for row in given]
    values = _integers(given)
    if values.ndim != 2:
        return [_row(values)]
    lengths = getattr(given, "lengths", None)
    if lengths is None:
        return [row.tolist() for row in values]
    return [row[:length].tolist() for row, length in zip(values, lengths, strict=True)]


def is_list_of_prompts(given: Input) -> bool:
    """Whether an input is a list of texts or of rows, be it of one."""
    return isinstance(given, (list, tuple)) and bool(given) and (isinstance(given[0], str) or _is_row(given[0]))


def _is_row(item: Any) -> bool:
    return isinstance(item, (list, tuple)) or getattr(item, "ndim", 0) > 0


def _row(values: npt.NDArray[np.integer[Any]]) -> list[int]:
    if values.ndim == 2 and len(values) == 1:
        values = values[0]
    if values.ndim != 1:
        raise InvalidArgument(f"token ids have shape [pos] or [batch, pos]; received {list(values.shape)}")
    numbers: list[int] = values.tolist()
    return numbers


def _integers(given: Any) -> npt.NDArray[np.integer[Any]]:
    if hasattr(given, "detach"):
        # A torch tensor, wherever it lives.
        given = given.detach().cpu().numpy()
    try:
        values = np.asarray(given)
    except ValueError as error:
        raise InvalidArgument(f"token ids must be integers in rows; {error}") from error
    if not values.size:
        return values.astype(np.int64)
    if values.dtype.kind not in "iu":
        received = f"{type(given).__name__} of {values.dtype}"
        raise InvalidArgument(f"expected a text, token ids or a list of prompts; received {received}")
    return values

"""Which heads attend as a pattern says, under the names of `transformer_lens.head_detector`.

The daemon compares the patterns; only those of a given cache, and of passes under hook functions, are compared here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from lensd.arrays import Array
from lensd.cache import ActivationCache
from lensd.detected_heads import ErrorMeasure, HeadName
from lensd.errors import InvalidArgument
from lensd.model import Model
from lensd.prompts import Input, token_rows

HEAD_NAMES: tuple[HeadName, ...] = get_args(HeadName)
# Of a pattern of one's own that fits into a request.
_MOST_CELLS = 200_000

__all__ = [
    "HEAD_NAMES",
    "ErrorMeasure",
    "HeadName",
    "compute_head_attention_similarity_score",
    "detect_head",
    "get_duplicate_token_head_detection_pattern",
    "get_induction_head_detection_pattern",
    "get_previous_token_head_detection_pattern",
    "get_supported_heads",
]


def detect_head(
    model: Model,
    seq: str | Sequence[str],
    detection_pattern: Array | HeadName,
    heads: Iterable[tuple[int, int]] | Mapping[int, Sequence[int]] | None = None,
    cache: ActivationCache | None = None,
    *,
    exclude_bos: bool = False,
    exclude_current_token: bool = False,
    error_measure: ErrorMeasure = "mul",
) -> Array:
    """How well each head's attention to a text fits a pattern, [layer, head], float32; the mean over several texts.

    `detection_pattern` is one of `HEAD_NAMES` or a lower triangular matrix [pos, pos], BOS included. "mul" is the share
    of attention on the pattern, "abs" 1 minus the mean difference of a row, rounded to three decimals. Heads that
    `heads` leaves out get -1. `cache` is the text's pass, if there is one.
    """
    if error_measure not in ("abs", "mul"):
        raise InvalidArgument(f'error_measure is "abs" or "mul"; received {error_measure!r}')
    if isinstance(detection_pattern, str) and detection_pattern not in HEAD_NAMES:
        raise InvalidArgument(
            f"a pattern is a matrix or one of {', '.join(HEAD_NAMES)}; received {detection_pattern!r}"
        )
    texts = [seq] if isinstance(seq, str) else list(seq)
    if cache is not None and len(texts) > 1:
        raise InvalidArgument("a cache is of one text: leave it out with several")
    scores = [
        _scores(model, text, detection_pattern, heads, cache, exclude_bos, exclude_current_token, error_measure)
        for text in texts
    ]
    return model.array(np.stack(scores).mean(0))


def _scores(
    model: Model,
    text: str,
    pattern: Array | HeadName,
    heads: Iterable[tuple[int, int]] | Mapping[int, Sequence[int]] | None,
    cache: ActivationCache | None,
    exclude_bos: bool,
    exclude_current_token: bool,
    error_measure: ErrorMeasure,
) -> npt.NDArray[np.float32]:
    tokens = model.to_tokens(text)
    (row,) = token_rows(tokens)
    if not 1 < len(row) <= model.cfg.n_ctx:
        raise InvalidArgument(f"expected 2 to {model.cfg.n_ctx} tokens, with BOS; received {len(row)}")
    wanted = _named(pattern, row) if isinstance(pattern, str) else _plain(pattern)
    if wanted.shape != (len(row), len(row)) or not np.array_equal(wanted, np.tril(wanted)):
        raise InvalidArgument(
            f"a detection pattern is lower triangular, [{len(row)}, {len(row)}] for this text; received "
            f"{list(wanted.shape)}"
        )
    scores = np.full((model.cfg.n_layers, model.cfg.n_heads), -1, np.float32)
    chosen = _by_layer(heads, *scores.shape)
    fits = isinstance(pattern, str) or wanted.size <= _MOST_CELLS
    if cache is None and fits and not model._hooks.calls():
        asked = [pattern] if isinstance(pattern, str) else wanted
        found = model.detect_heads(
            row,
            asked,
            error_measure=error_measure,
            exclude_bos=exclude_bos,
            exclude_current_token=exclude_current_token,
        )
        (values,) = map(_plain, found.values())
        for layer, places in chosen.items():
            own = values[layer, list(places)]
            scores[layer, list(places)] = own if error_measure == "mul" else 1 - np.round(1 - own, 3)
        return scores
    if cache is None:
        _, cache = model.run_with_cache(tokens, None, names_filter=lambda name: name.endswith("hook_pattern"))
    for layer, places in chosen.items():
        attention = _plain(cache["pattern", layer]).reshape(-1, *wanted.shape)
        for head in places:
            scores[layer, head] = compute_head_attention_similarity_score(
                attention[head],
                wanted,
                exclude_bos=exclude_bos,
                exclude_current_token=exclude_current_token,
                error_measure=error_measure,
            )
    return scores


def compute_head_attention_similarity_score(
    attention_pattern: Array,
    detection_pattern: Array,
    *,
    exclude_bos: bool,
    exclude_current_token: bool,
    error_measure: ErrorMeasure,
) -> float:
    """How well one head's attention [pos, pos] fits a pattern [pos, pos]; see `detect_head`."""
    attention, wanted = np.array(_plain(attention_pattern)), _plain(detection_pattern)
    if attention.ndim != 2 or attention.shape[0] != attention.shape[1]:
        raise InvalidArgument(f"attention is [pos, pos]; received {list(attention.shape)}")
    counted = attention if error_measure == "mul" else np.abs(attention - wanted)
    if exclude_bos:
        counted[:, 0] = 0
    if exclude_current_token:
        np.fill_diagonal(counted, 0)
    if error_measure == "mul":
        with np.errstate(invalid="ignore"):
            return float((counted * wanted).sum() / counted.sum())
    return 1 - round(float(counted.mean() * len(counted)), 3)


def get_previous_token_head_detection_pattern(tokens: Input) -> npt.NDArray[np.float32]:
    """[pos, pos]: each position attends to the one before it."""
    return _previous(_sole(tokens))


def get_duplicate_token_head_detection_pattern(tokens: Input) -> npt.NDArray[np.float32]:
    """[pos, pos]: each position attends to all earlier occurrences of its token."""
    return _duplicates(_sole(tokens))


def get_induction_head_detection_pattern(tokens: Input) -> npt.NDArray[np.float32]:
    """[pos, pos]: each position attends to what followed the earlier occurrences of its token."""
    return _induction(_sole(tokens))


def get_supported_heads() -> None:
    """Prints the names of the patterns that are known."""
    print(f"Supported heads: {list(HEAD_NAMES)}")


def _named(name: str, row: Sequence[int]) -> npt.NDArray[np.float32]:
    kinds = {"previous_token_head": _previous, "duplicate_token_head": _duplicates, "induction_head": _induction}
    return kinds[name](row)


def _previous(row: Sequence[int]) -> npt.NDArray[np.float32]:
    pattern: npt.NDArray[np.float32] = np.eye(len(row), k=-1, dtype=np.float32)
    return pattern


def _duplicates(row: Sequence[int]) -> npt.NDArray[np.float32]:
    ids = np.asarray(row)
    pattern: npt.NDArray[np.float32] = np.tril(ids[:, None] == ids[None, :], -1).astype(np.float32)
    return pattern


def _induction(row: Sequence[int]) -> npt.NDArray[np.float32]:
    shifted = np.roll(_duplicates(row), 1, axis=1)
    shifted[:, 0] = 0
    lower: npt.NDArray[np.float32] = np.tril(shifted)
    return lower


def _sole(tokens: Input) -> list[int]:
    rows = token_rows(tokens)
    if len(rows) != 1:
        raise InvalidArgument(f"a pattern is of one prompt; received {len(rows)}")
    return rows[0]


def _plain(values: Array) -> npt.NDArray[Any]:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def _by_layer(
    heads: Iterable[tuple[int, int]] | Mapping[int, Sequence[int]] | None, layers: int, count: int
) -> Mapping[int, Sequence[int]]:
    if heads is None:
        return {layer: range(count) for layer in range(layers)}
    if isinstance(heads, Mapping):
        return heads
    chosen: dict[int, list[int]] = {}
    for layer, head in heads:
        chosen.setdefault(layer, []).append(head)
    return chosen

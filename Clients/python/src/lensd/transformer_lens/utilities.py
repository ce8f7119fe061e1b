"""`transformer_lens.utilities`: small functions that notebooks use, on torch tensors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from lensd.axis_slice import Slice, SliceInput
from lensd.errors import InvalidArgument
from lensd.factored_matrix import FactoredMatrix, composition_scores
from lensd.hook_names import get_act_name
from lensd.next_token_loss import next_token_loss

# What options are left at; `None` means the model's default here.
USE_DEFAULT_VALUE = None


def to_numpy(tensor: Any) -> npt.NDArray[Any]:
    """A tensor, array, sequence or number as a NumPy array."""
    if isinstance(tensor, torch.Tensor):
        plain = tensor.detach().cpu()
        return np.asarray(plain.float() if plain.dtype == torch.bfloat16 else plain)
    return np.asarray(tensor)


def get_device() -> str:
    """Where served models' values arrive: "cpu"."""
    return "cpu"


def get_corner(tensor: Any, n: int = 3) -> Any:
    """The first n entries along every axis."""
    return tensor.get_corner(n) if isinstance(tensor, FactoredMatrix) else tensor[(slice(n),) * tensor.ndim]


def get_matrix_corner(matrix: FactoredMatrix, n: int = 3) -> torch.Tensor:
    """The first n entries along every axis of a factored matrix."""
    corner: torch.Tensor = matrix.get_corner(n)
    return corner


def remove_batch_dim(tensor: torch.Tensor) -> torch.Tensor:
    """Without its first axis, where that has one entry."""
    return tensor[0] if tensor.shape[0] == 1 else tensor


def transpose(tensor: torch.Tensor) -> torch.Tensor:
    """With its last two axes exchanged."""
    return tensor.transpose(-1, -2)


def is_square(x: torch.Tensor) -> bool:
    """Whether it is a square matrix."""
    return bool(x.ndim == 2 and x.shape[0] == x.shape[1])


def is_lower_triangular(x: torch.Tensor) -> bool:
    """Whether it is a square matrix with zeros above the diagonal."""
    return is_square(x) and bool(x.equal(x.tril()))


def get_cumsum_along_dim(tensor: torch.Tensor, dim: int, reverse: bool = False) -> torch.Tensor:
    """Running sums along an axis, from its end with `reverse`."""
    return tensor.flip(dim).cumsum(dim).flip(dim) if reverse else tensor.cumsum(dim)


def repeat_along_head_dimension(tensor: torch.Tensor, n_heads: int, clone_tensor: bool = True) -> torch.Tensor:
    """[batch, pos, d_model] for every head: [batch, pos, head, d_model]."""
    repeated = tensor[:, :, None].expand(-1, -1, n_heads, -1)
    return repeated.clone() if clone_tensor else repeated


def filter_dict_by_prefix(dictionary: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What lies under `prefix.`, without it."""
    start = prefix if prefix.endswith(".") else f"{prefix}."
    return {name.removeprefix(start): value for name, value in dictionary.items() if name.startswith(start)}


def get_offset_position_ids(past_kv_pos_offset: int, attention_mask: torch.Tensor) -> torch.Tensor:
    """The number of each token among those that `attention_mask` [batch, pos] keeps, from an offset on."""
    return (attention_mask.cumsum(1) - 1).clamp(min=0)[:, past_kv_pos_offset:]


def override_or_use_default_value(default_flag: Any, override: Any = None) -> Any:
    """The second, unless it is `None`."""
    return default_flag if override is None else override


# Losses.


def lm_cross_entropy_loss(
    logits: torch.Tensor, tokens: torch.Tensor, attention_mask: torch.Tensor | None = None, per_token: bool = False
) -> torch.Tensor:
    """See `Model.loss_fn`."""
    loss: torch.Tensor = next_token_loss(logits, tokens, attention_mask, per_token)
    return loss


def lm_accuracy(logits: torch.Tensor, tokens: torch.Tensor, per_token: bool = False) -> torch.Tensor:
    """The share of next tokens that are the likeliest; with `per_token` which ones are, [batch, pos - 1]."""
    is_right = logits.argmax(-1)[..., :-1] == tokens[..., 1:]
    return is_right if per_token else is_right.float().mean()


# Activation functions.


def gelu_new(input: torch.Tensor) -> torch.Tensor:
    """GELU by its approximation with tanh, as in GPT-2."""
    return 0.5 * input * (1 + torch.tanh(math.sqrt(2 / math.pi) * (input + 0.044715 * input**3)))


def gelu_fast(input: torch.Tensor) -> torch.Tensor:
    """The same with the constant rounded to ten digits, as in GPT-J."""
    return 0.5 * input * (1 + torch.tanh(0.7978845608 * input * (1 + 0.044715 * input * input)))


def solu(input: torch.Tensor) -> torch.Tensor:
    """The input times its softmax (Elhage et al. 2022), without the norm behind it."""
    return input * input.softmax(-1)


# Sampling.


def sample_logits(
    final_logits: torch.Tensor,
    top_k: int | None = None,
    top_p: float | None = None,
    temperature: float = 1.0,
    freq_penalty: float = 0.0,
    repetition_penalty: float = 1.0,
    tokens: torch.Tensor | None = None,
) -> torch.Tensor:
    """Token ids [batch] drawn from logits [batch, d_vocab]; the likeliest at temperature 0.

    Of the `top_k` likeliest only, or of the likeliest that have `top_p` together. The penalties are of tokens that
    occur in `tokens` [batch, pos]: `repetition_penalty` divides their positive logits and multiplies the negative ones,
    `freq_penalty` is subtracted for each occurrence.
    """
    logits = final_logits
    if (freq_penalty or repetition_penalty != 1.0) and tokens is None:
        raise InvalidArgument("penalties need tokens=")
    counts = (
        None
        if tokens is None
        else torch.zeros_like(logits).scatter_add_(-1, tokens, torch.ones_like(tokens, dtype=logits.dtype))
    )
    if counts is not None and repetition_penalty != 1.0:
        changed = torch.where(logits > 0, logits / repetition_penalty, logits * repetition_penalty)
        logits = torch.where(counts > 0, changed, logits)
    if temperature == 0:
        return logits.argmax(-1)
    logits = logits / temperature
    if counts is not None and freq_penalty:
        logits = logits - freq_penalty * counts
    if top_k is not None:
        least = logits.topk(min(top_k, logits.shape[-1]), -1).values[..., -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    elif top_p is not None:
        ordered, order = logits.sort(descending=True)
        before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
        logits = logits.masked_fill((before > top_p).gather(-1, order.argsort(-1)), -math.inf)
    return torch.distributions.Categorical(logits=logits.float()).sample()


def logits_to_df(logits: torch.Tensor, tokenizer: Any = None, top_k: int | None = None) -> Any:
    """Logits [d_vocab] as a pandas table, likeliest token first."""
    import pandas

    logprobs = logits.float().log_softmax(-1)
    order = logprobs.argsort(descending=True)[:top_k]
    ids = order.tolist()
    columns: dict[str, Any] = {"token_index": ids}
    if tokenizer is not None:
        columns["token_string"] = [tokenizer.decode([each]) for each in ids]
    columns["logit"] = logits[order].tolist()
    columns["log_prob"] = logprobs[order].tolist()
    columns["probability"] = logprobs[order].exp().tolist()
    return pandas.DataFrame(columns)


def test_prompt(
    prompt: str,
    answer: str | Sequence[str],
    model: Any,
    prepend_space_to_answer: bool = True,
    print_details: bool = True,
    prepend_bos: bool | None = None,
    top_k: int = 10,
) -> None:
    """Prints where an answer stands among a model's predictions after a prompt, token by token.

    Of several answers the first token of each is looked for.
    """
    answers = [answer] if isinstance(answer, str) else list(answer)
    if prepend_space_to_answer:
        answers = [each if each.startswith(" ") else f" {each}" for each in answers]
    pieces = [list(model.to_str_tokens(each, prepend_bos=False)) for each in answers]
    ids = [model.to_tokens(each, prepend_bos=False)[0].tolist() for each in answers]
    start = model.to_tokens(prompt, prepend_bos=prepend_bos)
    if print_details:
        print("Tokenized prompt:", model.to_str_tokens(prompt, prepend_bos=prepend_bos))
        print(
            "Tokenized answer:" if len(answers) == 1 else "Tokenized answers:",
            pieces[0] if len(answers) == 1 else pieces,
        )
    # One answer is followed token by token; of several only the first token of each counts.
    run = torch.cat([start[0], torch.tensor(ids[0] if len(answers) == 1 else [])]).long()[None]
    logits = model(run)[0]
    steps = [[(pieces[0][at], ids[0][at])] for at in range(len(ids[0]))]
    if len(answers) > 1:
        steps = [[(piece[0], each[0]) for piece, each in zip(pieces, ids, strict=True)]]
    ranks: list[Any] = []
    for at, wanted in enumerate(steps):
        row = logits[start.shape[-1] - 1 + at]
        probs, order = row.softmax(-1), row.argsort(descending=True)
        found = [(piece, int((order == token).nonzero()[0])) for piece, token in wanted]
        ranks += found if len(answers) == 1 else [found]
        if print_details:
            print(f"Performance on answer token{'s' if len(answers) > 1 else ''}:")
            for (piece, rank), (_, token) in zip(found, wanted, strict=True):
                print(f"Rank: {rank: <8} Logit: {row[token]:5.2f} Prob: {probs[token]:6.2%} Token: |{piece}|")
            for place, token in enumerate(order[:top_k].tolist()):
                text = model.to_string(token)
                print(f"Top {place}th token. Logit: {row[token]:5.2f} Prob: {probs[token]:6.2%} Token: |{text}|")
    print("Ranks of the answer tokens:", ranks)


__all__ = [
    "USE_DEFAULT_VALUE",
    "FactoredMatrix",
    "Slice",
    "SliceInput",
    "composition_scores",
    "filter_dict_by_prefix",
    "gelu_fast",
    "gelu_new",
    "get_act_name",
    "get_corner",
    "get_cumsum_along_dim",
    "get_device",
    "get_matrix_corner",
    "get_offset_position_ids",
    "is_lower_triangular",
    "is_square",
    "lm_accuracy",
    "lm_cross_entropy_loss",
    "logits_to_df",
    "override_or_use_default_value",
    "remove_batch_dim",
    "repeat_along_head_dimension",
    "sample_logits",
    "solu",
    "test_prompt",
    "to_numpy",
    "transpose",
]

"""Saves weights under TransformerLens's names as a folder that the daemon loads."""

from __future__ import annotations

import difflib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lensd.errors import AlreadyExists, InvalidArgument, NotFound
from lensd.hooked_transformer import complete, is_buffer, tensor_shapes
from lensd.safetensors_file import StoredTensor, write_safetensors

# What a saved folder says it is; the keys beside it are HookedTransformerConfig's.
MARK = {"architectures": ["HookedTransformer"], "model_type": "hooked_transformer"}
_FILES = ("model.safetensors", "tokenizer.json", "tokenizer_config.json", "config.json")
# How a type of the tensor's library is stored; the daemon computes in float32.
_STORED = {"float64": "F32", "float32": "F32", "float16": "F16", "bfloat16": "BF16"}
_SPECIAL_TOKENS = ("bos_token", "eos_token")


def save_model(state_dict: Mapping[str, Any], cfg: Any, folder: str | os.PathLike[str], tokenizer: Any = None) -> Path:
    """Saves a `HookedTransformer`'s weights, or others under its names, as a folder for `lensd --model NAME=FOLDER`.

    `state_dict` holds torch tensors or NumPy arrays under TransformerLens's names, as `model.state_dict()` has them,
    before or after any weight processing; buffers are left out, and biases that are absent become zeros. Types stay as
    they are, but float64 becomes float32. `cfg` is a `HookedTransformerConfig`, or a dict of its keys in which defaults
    may be missing. `tokenizer` is one of tokenizers or transformers, or the path of a `tokenizer.json` or of a folder
    with one; without, the model takes tokens. A folder that an earlier call made is replaced.

    Raises `InvalidArgument` naming the tensor or key that is wrong, `AlreadyExists` for a folder of something else,
    `Unimplemented` for mixtures of experts. Nothing is written then.
    """
    given = cfg if isinstance(cfg, Mapping) else cfg.to_dict() if hasattr(cfg, "to_dict") else vars(cfg)
    full = complete({key: _scalar(value) for key, value in given.items()})
    tensors = _checked(state_dict, full)
    files = {"config.json": json.dumps({**MARK, **_json_able(full)}, indent=2).encode() + b"\n"}
    if tokenizer is not None:
        files |= _tokenizer_files(tokenizer, full["d_vocab"])

    target = Path(folder)
    _check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Everything is there before anything is in place.
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
        fresh = Path(temporary)
        write_safetensors(fresh / "model.safetensors", tensors)
        for name, content in files.items():
            (fresh / name).write_bytes(content)
            (fresh / name).chmod(0o644)
        target.mkdir(mode=0o755, exist_ok=True)
        for name in _FILES:
            if (fresh / name).exists():
                (fresh / name).replace(target / name)
            else:
                (target / name).unlink(missing_ok=True)
    return target


# What is given


def _scalar(value: Any) -> Any:
    """NumPy's scalars as Python's, which `json` knows."""
    return value.item() if isinstance(value, np.generic) else value


def _json_able(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON has a form for; types, for one, have none."""
    kept: dict[str, Any] = {}
    for key, value in cfg.items():
        with suppress(TypeError):
            try:
                kept[key] = json.loads(json.dumps(value, allow_nan=False))
            except ValueError as error:
                raise InvalidArgument(f"cfg['{key}'] must be finite; received {value!r}") from error
    return kept


def _check_replaceable(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise AlreadyExists(f"{folder} is no folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        found = json.loads((folder / "config.json").read_text()).get("model_type")
    except (OSError, ValueError, AttributeError):
        found = None
    if found != MARK["model_type"]:
        raise AlreadyExists(f"{folder} is not empty and no folder that save_model made; give another or remove it")


# Tensors


def _checked(state_dict: Mapping[str, Any], cfg: Mapping[str, Any]) -> dict[str, StoredTensor]:
    """What is to be written, in the order of the model; every name and shape is as `cfg` says."""
    shapes = tensor_shapes(cfg)
    for name in state_dict:
        if name not in shapes and not is_buffer(name, cfg):
            raise InvalidArgument(f"'{name}' is no tensor of the model that cfg describes{_near(name, list(shapes))}")
    tensors: dict[str, StoredTensor] = {}
    for name, shape in shapes.items():
        if name in state_dict:
            tensors[name] = _stored(name, state_dict[name], shape)
        elif _is_bias(name):
            tensors[name] = _zeros(shape)
        else:
            raise InvalidArgument(f"the tensor '{name}' is missing; expected shape {list(shape)}")
    return tensors


def _near(name: str, names: Sequence[str]) -> str:
    near = [each for each in names if each.lower() == name.lower()] or difflib.get_close_matches(name, names, 1)
    return f"; near it: '{near[0]}'" if near else ""


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].lstrip("_") in ("b_Q", "b_K", "b_V", "b_O", "b_in", "b_out", "b_U", "b")


def _zeros(shape: tuple[int, ...]) -> StoredTensor:
    return StoredTensor("F32", shape, lambda: np.zeros(shape, "<f4"))


def _stored(name: str, value: Any, shape: tuple[int, ...]) -> StoredTensor:
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise InvalidArgument(f"the tensor '{name}' must be a torch tensor or a NumPy array; received {type(value)}")
    if tuple(value.shape) != shape:
        raise InvalidArgument(f"the tensor '{name}' must have shape {list(shape)}; received {list(value.shape)}")
    kind = str(value.dtype).removeprefix("torch.")
    if kind not in _STORED:
        raise InvalidArgument(f"the tensor '{name}' must be of type {', '.join(_STORED)}; received {kind}")
    return StoredTensor(_STORED[kind], shape, lambda: _values(name, value, _STORED[kind]))


def _values(name: str, value: Any, stored: str) -> npt.NDArray[np.generic]:
    array: npt.NDArray[Any] = _torch_array(value) if _is_torch(value) else np.asarray(value)
    if stored == "BF16":
        # NumPy has no such type: its bits are the upper half of a float32's.
        array = array.view(np.uint16).astype("<u2", copy=False)
        is_finite = bool(np.all(array & 0x7F80 != 0x7F80))
    else:
        with np.errstate(over="ignore"):
            array = array.astype("<f4" if stored == "F32" else "<f2", copy=False)
        is_finite = bool(np.all(np.isfinite(array)))
    if not is_finite:
        raise InvalidArgument(f"the tensor '{name}' has values that are not finite, or too large for float32")
    return array


def _is_torch(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _torch_array(tensor: Any) -> npt.NDArray[Any]:
    import torch

    plain = tensor.detach().cpu().contiguous()
    array: npt.NDArray[Any] = (plain.view(torch.int16) if plain.dtype == torch.bfloat16 else plain).numpy()
    return array


# Tokenizers


def _tokenizer_files(tokenizer: Any, vocabulary: int) -> dict[str, bytes]:
    """`tokenizer.json`, and `tokenizer_config.json` where special tokens are known."""
    if isinstance(tokenizer, str | os.PathLike):
        files = _files_at(Path(tokenizer))
    else:
        # transformers' tokenizers stand on one of tokenizers.
        backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not hasattr(backend, "to_str"):
            raise InvalidArgument(
                "tokenizer must be one of tokenizers, a fast one of transformers, or a path; "
                f"received {type(tokenizer)}"
            )
        files = {"tokenizer.json": str(backend.to_str()).encode()}
        special = {key: str(getattr(tokenizer, key)) for key in _SPECIAL_TOKENS if getattr(tokenizer, key, None)}
        if special:
            files["tokenizer_config.json"] = json.dumps(special, indent=2, ensure_ascii=False).encode() + b"\n"
    highest = max(_token_ids(files["tokenizer.json"]), default=-1)
    if highest >= vocabulary:
        raise InvalidArgument(f"the tokenizer's ids go up to {highest}, but cfg['d_vocab'] is {vocabulary}")
    return files


def _files_at(path: Path) -> dict[str, bytes]:
    folder, name = (path, "tokenizer.json") if path.is_dir() else (path.parent, path.name)
    try:
        files = {"tokenizer.json": (folder / name).read_bytes()}
    except OSError as error:
        raise NotFound(f"cannot read the tokenizer {folder / name}: {error.strerror}") from error
    with suppress(OSError):
        files["tokenizer_config.json"] = (folder / "tokenizer_config.json").read_bytes()
    return files


def _token_ids(content: bytes) -> Sequence[int]:
    try:
        file = json.loads(content)
        vocabulary = file["model"]["vocab"]
        ids = list(vocabulary.values()) if isinstance(vocabulary, dict) else list(range(len(vocabulary)))
        return [*ids, *(token["id"] for token in file.get("added_tokens", ()))]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument("the tokenizer must be a tokenizer.json of the tokenizers library") from error

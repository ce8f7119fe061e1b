"""Computes a parity report through transformers, or TransformerLens for its own folders.

Both come with torch, which is imported when a report is asked for.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lensd.errors import FailedPrecondition, InvalidArgument
from lensd.extras import extra
from lensd.model_files import fingerprint
from lensd.parity_report import (
    MOST_TOKENS,
    PROMPT,
    TOP,
    FormReport,
    Norm,
    ParityReport,
    Prediction,
    Token,
    ids_without_tokenizer,
)


def reference_report(folder: Path, text: str | None = None, ids: Sequence[int] | None = None) -> ParityReport:
    """The report of a model folder's own weights, in float32.

    Without `text` and `ids` of the fixed prompt. Raises `FailedPrecondition` where what it needs is not installed,
    `InvalidArgument` for a prompt that does not fit.
    """
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    tokenizer = _tokenizer(folder)
    if config.get("architectures") == ["HookedTransformer"]:
        model: _Transformers | _TransformerLens = _TransformerLens(folder, config)
    else:
        model = _Transformers(folder)
    if ids is None:
        if tokenizer is not None:
            ids = _encode(tokenizer, PROMPT if text is None else text, config)
        elif text is None:
            ids = ids_without_tokenizer(model.d_vocab, model.n_ctx)
        else:
            raise FailedPrecondition(f"{folder} has no tokenizer; give tokens (--ids 5,7,9), not text")
    limit = min(MOST_TOKENS, model.n_ctx)
    ids = list(ids)[:limit]
    if not ids or min(ids) < 0 or max(ids) >= model.d_vocab:
        raise InvalidArgument(f"token ids must be in 0...{model.d_vocab - 1}, at least one; received {list(ids)}")

    streams, logits = model.run(ids)
    log_probs = _log_softmax(logits)
    losses = [-log_probs[at, token] for at, token in enumerate(ids[1:])]
    best = np.argsort(-log_probs[-1], kind="stable")[:TOP]

    def string(token: int) -> str:
        return str(token) if tokenizer is None else str(tokenizer.decode([token]))

    activations = {
        "blocks.0.hook_resid_pre": streams[0],
        **{f"blocks.{layer}.hook_resid_post": each for layer, each in enumerate(streams[1:])},
        "unembed.hook_out": logits,
    }
    form = FormReport(
        "raw",
        float(np.mean(losses)) if losses else math.nan,
        tuple(Prediction(string(int(token)), int(token), float(log_probs[-1, token])) for token in best),
        tuple(_norm(hook, values) for hook, values in activations.items()),
    )
    return ParityReport(
        model=folder.resolve().name,
        source=model.source,
        fingerprint=fingerprint(folder),
        tokens=tuple(Token(string(each), each) for each in ids),
        forms=(form,),
    )


def _log_softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def _norm(hook: str, values: npt.NDArray[Any]) -> Norm:
    norms = np.linalg.norm(values.astype(np.float64), axis=-1)
    return Norm(hook, float(norms.mean()), float(norms[-1]))


def _tokenizer(folder: Path) -> Any:
    if not any((folder / name).exists() for name in ("tokenizer.json", "vocab.json", "tokenizer.model")):
        return None
    return extra("transformers", "verify").AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _encode(tokenizer: Any, text: str, config: dict[str, Any]) -> list[int]:
    """The text's ids with BOS in front, chosen as lensd and TransformerLens choose it."""
    candidates = [tokenizer.bos_token_id, tokenizer.eos_token_id]
    candidates += [config.get("bos_token_id"), config.get("eos_token_id")]
    bos = [each[0] if isinstance(each, list) else each for each in candidates if each is not None and each != []]
    return bos[:1] + [int(each) for each in tokenizer(text, add_special_tokens=False)["input_ids"]]


class _Transformers:
    """A folder that transformers loads."""

    def __init__(self, folder: Path) -> None:
        self._torch = extra("torch", "verify")
        transformers = extra("transformers", "verify")
        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        try:
            # Loaded in half precision, Gemma would keep a rounded scale of its embedding ever after.
            keyword = "dtype" if int(transformers.__version__.partition(".")[0]) >= 5 else "torch_dtype"
            model = transformers.AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, attn_implementation="eager", **{keyword: self._torch.float32}
            )
        except (OSError, ValueError, KeyError) as error:
            raise InvalidArgument(f"transformers cannot load {folder}: {error}") from error
        self._model = model.eval()
        self.d_vocab = int(model.get_input_embeddings().num_embeddings)
        self.n_ctx = int(getattr(model.config, "max_position_embeddings", None) or MOST_TOKENS)
        self.source = f"transformers {version('transformers')}, torch {version('torch')}"

    def run(self, ids: Sequence[int]) -> tuple[list[npt.NDArray[Any]], npt.NDArray[Any]]:
        """The residual stream before and after every layer, and the logits, `[pos, …]`."""
        layers = self._layers()
        streams: list[Any] = []

        def before(_module: Any, args: Any, kwargs: Any) -> None:
            streams.append(args[0] if args else kwargs["hidden_states"])

        def after(_module: Any, _args: Any, output: Any) -> None:
            streams.append(output[0] if isinstance(output, tuple) else output)

        hooks = [layers[0].register_forward_pre_hook(before, with_kwargs=True)]
        hooks += [layer.register_forward_hook(after) for layer in layers]
        try:
            with self._torch.no_grad():
                logits = self._model(self._torch.tensor([list(ids)]), use_cache=False).logits
        finally:
            for hook in hooks:
                hook.remove()
        return [each[0].numpy() for each in streams], logits[0].numpy()

    def _layers(self) -> Any:
        """The decoder's layers: its only list of as many modules as there are layers."""
        count = self._model.config.num_hidden_layers
        for module in self._model.modules():
            if isinstance(module, self._torch.nn.ModuleList) and len(module) == count:
                return module
        raise InvalidArgument(f"found no list of {count} layers in {type(self._model).__name__}")


class _TransformerLens:
    """A folder that `lensd.save_model` wrote."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self._torch = extra("torch", "verify")
        lens = extra("transformer_lens", "verify")
        if not hasattr(lens, "HookedTransformer"):
            raise FailedPrecondition('this needs TransformerLens before 4: pip install "transformer_lens<4"')
        known = lens.HookedTransformerConfig.__dataclass_fields__
        # Computed in float32, whatever it was trained in; nothing is to be looked up by a tokenizer's name.
        keys = {key: value for key, value in config.items() if key in known and key not in ("dtype", "tokenizer_name")}
        self._model = lens.HookedTransformer(lens.HookedTransformerConfig.from_dict({**keys, "device": "cpu"}))
        weights = extra("safetensors.torch", "verify").load_file(folder / "model.safetensors")
        unknown = self._model.load_state_dict(weights, strict=False).unexpected_keys
        if unknown:
            raise InvalidArgument(f"{folder}: TransformerLens does not know {', '.join(unknown)}")
        self._model.float().eval()
        self.d_vocab, self.n_ctx = int(config["d_vocab"]), int(config["n_ctx"])
        self.source = f"transformer_lens {version('transformer_lens')}, torch {version('torch')}"

    def run(self, ids: Sequence[int]) -> tuple[list[npt.NDArray[Any]], npt.NDArray[Any]]:
        """The residual stream before and after every layer, and the logits, `[pos, …]`."""
        names = ["blocks.0.hook_resid_pre"]
        names += [f"blocks.{layer}.hook_resid_post" for layer in range(self._model.cfg.n_layers)]
        with self._torch.no_grad():
            logits, cache = self._model.run_with_cache(self._torch.tensor([list(ids)]), names_filter=names)
        return [cache[name][0].numpy() for name in names], logits[0].numpy()

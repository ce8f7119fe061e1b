"""Which served model a notebook means, and what of TransformerLens's loading a daemon does not do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch

import lensd
import lensd.model_names
from lensd.errors import NotFound, Unimplemented
from lensd.model import Model
from lensd.repositories import repository

Served = TypeVar("Served", bound=Model)

# What an option may be, because it then asks for nothing.
_HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "n_devices": (None, 1),
    "move_to_device": (True, False),
    "default_padding_side": (None, "right"),
    "padding_side": (None, "right"),
    "use_past_kv_cache": (True, False),
    "trust_remote_code": (True, False),
    "local_files_only": (True, False),
    "print_details": (True, False),
    "reset_hooks_end": (True, False),
    "dtype": (None, "float32", torch.float32),
}
_INSTEAD = {
    "device": "models run in the daemon, on the CPU",
    "attention_mask": "prompts of different lengths are run without padding: give texts, or rows of ids",
    "past_kv_cache": "model.generate keeps keys and values",
    "padding_side": "texts are padded on the right, and padding never influences a number",
    "dtype": "models compute in float32",
    "hf_model": "lensd.save_model makes a folder of any model, which the daemon then serves",
    "tokenizer": "lensd.save_model(…, tokenizer) serves a model with another tokenizer",
    "checkpoint_index": "each checkpoint is a model of its own: python -m lensd.pull, or lensd.save_model",
}


def served(kind: type[Served], name: str, is_raw: bool) -> Served:
    """The served model of a name: the daemon's own name for it, or any of TransformerLens's.

    Raises `NotFound` that says what is served, `Unavailable` where no daemon answers.
    """
    client = lensd.connect(arrays="torch")
    return client.model(_served_name(name, client), processing=not is_raw, kind=kind)


def is_processed(fold_ln: bool, center_writing_weights: bool, center_unembed: bool, fold_value_biases: bool) -> bool:
    """Whether the model with all steps is meant, or the one with none. Raises `Unimplemented` for something between."""
    steps = {
        "fold_ln": fold_ln,
        "center_writing_weights": center_writing_weights,
        "center_unembed": center_unembed,
        "fold_value_biases": fold_value_biases,
    }
    if len({bool(step) for step in steps.values()}) == 1:
        return bool(fold_ln)
    given = ", ".join(f"{name}={bool(step)}" for name, step in steps.items())
    raise Unimplemented(
        f"a model is served with all steps of weight processing or with none; received {given}. For some of them, "
        "process it in TransformerLens and give the daemon lensd.save_model(model.state_dict(), model.cfg, FOLDER)"
    )


def check_left_out(options: Mapping[str, Any]) -> None:
    """Raises `Unimplemented`, naming what to do instead, for options of TransformerLens that ask for something."""
    for name, value in options.items():
        if name == "device" and (value is None or torch.device(value).type == "cpu"):
            continue
        if name == "attention_mask" and value is not None and bool((torch.as_tensor(value) != 0).all()):
            continue
        if value is None or any(value is each or value == each for each in _HARMLESS.get(name, ())):
            continue
        instead = _INSTEAD.get(name, "the daemon serves models as it loaded them")
        raise Unimplemented(f"{name}={value!r} is not there: {instead}")


def _served_name(name: str, client: lensd.Client) -> str:
    known = {state.name.lower(): state.name for state in client.model_states()}
    wanted = [name]
    try:
        official = repository(name)
        wanted += [official, official.rpartition("/")[2], *lensd.model_names.ALIASES.get(official, ())]
    except NotFound:
        pass
    for each in wanted:
        if each.lower() in known:
            return known[each.lower()]
    there = ", ".join(known.values()) or "none"
    raise NotFound(f"no model {name!r} is served; there are: {there}. `lensctl pull` fetches one for your own daemon")

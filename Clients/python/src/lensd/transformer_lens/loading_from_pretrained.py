"""`transformer_lens.loading_from_pretrained`: names of models. Weights are loaded by the daemon."""

from __future__ import annotations

from lensd.model_names import ALIASES
from lensd.repositories import repository

# Each model by its Hugging Face repository, with TransformerLens's other names for it.
MODEL_ALIASES = ALIASES
OFFICIAL_MODEL_NAMES = list(ALIASES)


def get_official_model_name(model_name: str) -> str:
    """The Hugging Face repository of a model by any of its names. Raises `NotFound` with near names."""
    return repository(model_name)


__all__ = ["MODEL_ALIASES", "OFFICIAL_MODEL_NAMES", "get_official_model_name"]

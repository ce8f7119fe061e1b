"""`transformer_lens.HookedTransformerConfig`, of models that are served."""  # noqa: N999

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import torch

from lensd.config import ModelConfig
from lensd.errors import FailedPrecondition


class HookedTransformerConfig(ModelConfig):
    """A served model's configuration; of its fields only `default_prepend_bos` can be set."""

    @classmethod
    def of_served(cls, cfg: ModelConfig) -> HookedTransformerConfig:
        """The same with what TransformerLens adds."""
        return cls(**{field.name: getattr(cfg, field.name) for field in fields(cfg)})

    @property
    def dtype(self) -> torch.dtype:
        """What models compute in."""
        return torch.float32

    @property
    def tokenizer_prepends_bos(self) -> bool:
        """False: `prepend_bos` alone decides."""
        return False

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "default_prepend_bos":
            hint = f"; model.set_{name}(…) does it" if name.startswith("use_") else ""
            raise FailedPrecondition(f"the daemon decides {name} of a model that it serves{hint}")
        object.__setattr__(self, name, bool(value))

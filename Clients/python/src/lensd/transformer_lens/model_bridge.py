"""`transformer_lens.model_bridge`: `TransformerBridge` as a way to a served model."""

from __future__ import annotations

from typing import Any

from lensd.errors import Unimplemented
from lensd.transformer_lens.HookedTransformer import HookedTransformer
from lensd.transformer_lens.served import check_left_out, is_processed, served


class TransformerBridge(HookedTransformer):
    """A served model under the names of TransformerLens 4: raw when booted, processed in compatibility mode."""

    @classmethod
    def boot_transformers(cls, model_name: str, **options: Any) -> TransformerBridge:
        """A served model with the checkpoint's own weights; see `HookedTransformer.from_pretrained` for names."""
        options.pop("load_weights", None)
        check_left_out(options)
        return served(cls, model_name, is_raw=True)

    def enable_compatibility_mode(
        self,
        disable_warnings: bool = False,
        no_processing: bool = False,
        fold_ln: bool = True,
        center_writing_weights: bool = True,
        center_unembed: bool = True,
        fold_value_biases: bool = True,
        refactor_factored_attn_matrices: bool = False,
    ) -> None:
        """Makes this the model with `HookedTransformer`'s weight processing, or leaves it as it is without.

        `disable_warnings` changes nothing. Raises `FailedPrecondition` under hook functions.
        """
        del disable_warnings
        if refactor_factored_attn_matrices:
            raise Unimplemented("refactor_factored_attn_matrices: FactoredMatrix.make_even does it where it is wanted")
        steps = (fold_ln, center_writing_weights, center_unembed, fold_value_biases)
        if not no_processing and is_processed(*steps):
            self._become_processed()


__all__ = ["TransformerBridge"]

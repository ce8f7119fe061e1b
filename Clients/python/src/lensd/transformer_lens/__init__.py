"""The modules of TransformerLens that notebooks import, over models that a lensd daemon serves.

A notebook keeps everything but the import and the line that obtains the model:

>>> import lensd.transformer_lens as transformer_lens
>>> from lensd.transformer_lens import HookedTransformer, utils
>>> model = HookedTransformer.from_pretrained("tinytales-1l")

Sources/Lens.docc/TransformerLens.md says of every name whether it is there and what is different. Needs torch.
"""

from __future__ import annotations

from lensd.extras import extra

extra("torch", "torch")

from lensd.transformer_lens import (  # noqa: E402
    evals,
    head_detector,
    hook_points,
    loading_from_pretrained,
    model_bridge,
    patching,
    utilities,
    utils,
)
from lensd.transformer_lens import loading_from_pretrained as loading  # noqa: E402
from lensd.transformer_lens.ActivationCache import ActivationCache  # noqa: E402
from lensd.transformer_lens.FactoredMatrix import FactoredMatrix  # noqa: E402
from lensd.transformer_lens.HookedTransformer import HookedTransformer  # noqa: E402
from lensd.transformer_lens.HookedTransformerConfig import HookedTransformerConfig  # noqa: E402
from lensd.transformer_lens.SVDInterpreter import SVDInterpreter  # noqa: E402

__all__ = [
    "ActivationCache",
    "FactoredMatrix",
    "HookedTransformer",
    "HookedTransformerConfig",
    "SVDInterpreter",
    "evals",
    "head_detector",
    "hook_points",
    "loading",
    "loading_from_pretrained",
    "model_bridge",
    "patching",
    "utilities",
    "utils",
]

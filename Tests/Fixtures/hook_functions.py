"""What TransformerLens makes of the hook functions of hook_cases.py."""

from __future__ import annotations

import torch

from hook_cases import CACHED, CASES, CHECKPOINT
from lens import FORMS, Tensors, hook_names, load_lens_model, switch_of


def hook_functions(tokens: torch.Tensor) -> Tensors:
    """`<form>/<case>/logits`, `loss`, and of some cases `<hook name>`, all without the batch."""
    tensors: Tensors = {}
    for form in FORMS:
        model = load_lens_model(CHECKPOINT, form)
        names = [name for name in hook_names(model.cfg.n_layers) if switch_of(name) is None]
        plain = model(tokens[None])
        for case, hooks in CASES.items():
            # Points that want a switch refuse a hook even of a predicate.
            expanded = [
                (name, function)
                for selector, function in hooks()
                for name in ([selector] if isinstance(selector, str) else filter(selector, names))
            ]
            with model.hooks(fwd_hooks=expanded, clear_contexts=True):
                logits, cache = model.run_with_cache(tokens[None], remove_batch_dim=True)
            assert (case == "looking") == torch.allclose(logits, plain), f"{case}: no effect"
            prefix = f"{form}/{case}"
            tensors[f"{prefix}/logits"] = logits[0].clone()
            tensors[f"{prefix}/loss"] = model.loss_fn(logits, tokens[None])
            if case in CACHED:
                tensors |= {f"{prefix}/{name}": cache[name].contiguous().clone() for name in names}
    return tensors

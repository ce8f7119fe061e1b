"""`transformer_lens.hook_points`: the points of served models. Modules of one's own have TransformerLens's."""

from lensd.hooks import HookFunction, HookPoint

__all__ = ["HookFunction", "HookPoint"]

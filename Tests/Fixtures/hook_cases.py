"""Hook functions that TransformerLens and lensd both call: they take torch tensors and NumPy arrays alike.

Each case makes a fresh list of `fwd_hooks` for a model of three layers and four heads; the sequence has 7 tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CHECKPOINT = "gpt-neo-3l-local"
SEQUENCE = "seq7"

FwdHooks = list[tuple[Any, Callable[..., Any]]]


def zero_head(value: Any, hook: Any) -> None:
    """Changes the value in place and returns nothing."""
    value[:, :, 1] = 0


def move_position(value: Any, hook: Any) -> Any:
    """Changes the value in place and returns it."""
    value[:, 4] = value[:, 1]
    return value


def add_one(value: Any, hook: Any) -> Any:
    """Returns another."""
    return value + 1


def double(value: Any, hook: Any) -> Any:
    """Returns another."""
    return value * 2


def reverse_heads(value: Any, hook: Any) -> Any:
    """Returns a value whose entries lie elsewhere."""
    return value[:, :, [3, 2, 1, 0]]


def shift_by_layer(value: Any, hook: Any) -> Any:
    """Asks the hook point where it is."""
    return value + 0.1 * (hook.layer() + 1)


def look_at_first(value: Any, hook: Any) -> None:
    """A pattern that attends to the first position alone."""
    value[:] = 0
    value[..., 0] = 1


def mask_first(value: Any, hook: Any) -> None:
    """Scores of one head that never see the first position from the others."""
    value[:, 2, 1:, 0] = float("-inf")


def stretch(value: Any, hook: Any) -> Any:
    """At every point a little."""
    return value * 1.02


def look(value: Any, hook: Any) -> None:
    """Leaves the value alone."""
    hook.ctx["seen"] = hook.ctx.get("seen", 0) + 1


def carried() -> FwdHooks:
    """What one point has goes to another of a later layer."""
    kept: dict[str, Any] = {}

    def take(value: Any, hook: Any) -> None:
        kept["value"] = value + 0

    def put(value: Any, hook: Any) -> Any:
        return value - kept["value"]

    return [("blocks.0.hook_mlp_out", take), ("blocks.2.hook_resid_pre", put)]


CASES: dict[str, Callable[[], FwdHooks]] = {
    "in_place": lambda: [("blocks.1.attn.hook_z", zero_head)],
    "in_place_and_returned": lambda: [("blocks.1.hook_resid_pre", move_position)],
    "order": lambda: [("blocks.0.hook_resid_mid", add_one), ("blocks.0.hook_resid_mid", double)],
    "other_order": lambda: [("blocks.0.hook_resid_mid", double), ("blocks.0.hook_resid_mid", add_one)],
    "reversed_heads": lambda: [("blocks.2.attn.hook_v", reverse_heads)],
    "by_layer": lambda: [(lambda name: name.endswith("hook_z"), shift_by_layer)],
    "pattern": lambda: [("blocks.1.attn.hook_pattern", look_at_first)],
    "scores": lambda: [("blocks.0.attn.hook_attn_scores", mask_first)],
    "carried": carried,
    "everywhere": lambda: [(lambda name: True, stretch)],
    "looking": lambda: [(lambda name: True, look)],
}
# The cases of which every activation is stored, as edited; of the others logits and loss.
CACHED = ("by_layer", "everywhere")

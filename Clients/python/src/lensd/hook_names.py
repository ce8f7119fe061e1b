"""How people write hook points: TransformerLens's names and short forms."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from lensd.errors import NotFound

_SHORT_FORM = re.compile(r"([a-z]+)(\d+)([a-z]?.*)")
# Wider than TransformerLens's: underscores in the name, a layer counted from the end.
_WIDE_SHORT_FORM = re.compile(r"([a-z][a-z_]*?)(-?\d+)([a-z]\w*)?")
_ATTENTION = frozenset({"k", "v", "q", "z", "rot_k", "rot_q", "result", "pattern", "attn_scores"})
_MLP = frozenset({"pre", "post", "mid", "pre_linear"})
_NAME_ALIASES = {
    "attn": "pattern",
    "attn_logits": "attn_scores",
    "key": "k",
    "query": "q",
    "value": "v",
    "mlp_pre": "pre",
    "mlp_mid": "mid",
    "mlp_post": "post",
}
_TYPE_ALIASES = {"a": "attn", "m": "mlp", "b": "", "block": "", "blocks": "", "attention": "attn"}

# TransformerLens 4's own spellings, where they mean the same point; behind `blocks.{l}.` unless marked.
_BLOCK_SPELLINGS = {
    "hook_in": "hook_resid_pre",
    "hook_out": "hook_resid_post",
    "ln1.hook_in": "hook_resid_pre",
    "ln2.hook_in": "hook_resid_mid",
    "attn.q.hook_out": "attn.hook_q",
    "attn.k.hook_out": "attn.hook_k",
    "attn.v.hook_out": "attn.hook_v",
    "attn.o.hook_in": "attn.hook_z",
    "attn.o.hook_out": "hook_attn_out",
    "attn.hook_out": "hook_attn_out",
    "mlp.in.hook_out": "mlp.hook_pre",
    "mlp.out.hook_in": "mlp.hook_post",
    "mlp.out.hook_out": "hook_mlp_out",
    "mlp.hook_out": "hook_mlp_out",
}
_MODEL_SPELLINGS = {
    "embed.hook_out": "hook_embed",
    "pos_embed.hook_out": "hook_pos_embed",
    "logits": "unembed.hook_out",
    "hook_logits": "unembed.hook_out",
}


def get_act_name(name: str, layer: int | str | None = None, layer_type: str | None = None) -> str:
    """The full name of a hook point by TransformerLens's rules, whether or not a model has it.

    >>> get_act_name("k", 6, "a"), get_act_name("pre5"), get_act_name("scale4ln1")
    ('blocks.6.attn.hook_k', 'blocks.5.mlp.hook_pre', 'blocks.4.ln1.hook_scale')
    """
    if ("." in name or name.startswith("hook_")) and layer is None and layer_type is None:
        return name
    if match := _SHORT_FORM.match(name):
        name, layer, layer_type = match.groups()
    name = _NAME_ALIASES.get(name, name)
    if name in _ATTENTION:
        layer_type = "attn"
    elif name in _MLP:
        layer_type = "mlp"
    elif layer_type is not None:
        layer_type = _TYPE_ALIASES.get(layer_type, layer_type)
    block = "" if layer is None else f"blocks.{layer}."
    part = f"{layer_type}." if layer_type else ""
    final = "ln_final." if layer is None and name in ("scale", "normalized") else ""
    return f"{final}{block}{part}hook_{name}"


def resolve(name: str, points: Collection[str], layer_count: int) -> str:
    """The hook point of a model that a name means.

    An exact name wins, then a spelling of TransformerLens 4, then a short form as `get_act_name` reads it; beyond
    that `resid_post0` and `z-1` (the last layer).

    Raises `NotFound` with near names where the model has no such point.
    """
    candidates = [name, get_act_name(name)]
    if match := _WIDE_SHORT_FORM.fullmatch(name):
        stem, digits, layer_type = match.groups()
        candidates.append(get_act_name(stem, from_end(int(digits), layer_count), layer_type))
    for candidate in candidates:
        if (plain := _plain(candidate)) in points:
            return plain
    raise not_found(name, candidates[-1], points)


def resolve_key(key: str | tuple[object, ...], points: Collection[str], layer_count: int) -> str:
    """The hook point that a cache key means: a name as in `resolve`, or a tuple `(name, layer[, layer_type])`.

    A negative layer counts from the end. Raises `NotFound`.
    """
    if isinstance(key, str):
        return resolve(key, points, layer_count)
    name, layer, layer_type = (*key, None, None, None)[:3] if isinstance(key, tuple) else (key, None, None)
    is_layer = layer is None or (hasattr(layer, "__index__") and not isinstance(layer, bool))
    if not isinstance(name, str) or not is_layer or not (layer_type is None or isinstance(layer_type, str)):
        raise NotFound(f"a cache key is a name or (name, layer[, layer_type]); received {key!r}")
    number = None if layer is None else from_end(layer.__index__(), layer_count)  # type: ignore[attr-defined]
    full = _plain(get_act_name(name, number, layer_type))
    if full not in points:
        raise not_found(repr(key), full, points)
    return full


def from_end(layer: int, layer_count: int) -> int:
    """A negative layer counts from the end, as in Python's sequences; too negative ones stay negative."""
    return layer + layer_count if layer < 0 else layer


def not_found(given: str, candidate: str, points: Collection[str]) -> NotFound:
    """The error for a name that no hook point of the model has."""
    near = get_close_matches(candidate, points, n=4, cutoff=0.0)
    return NotFound(f"no hook point {given} in this model; near names: {', '.join(near)}")


def _plain(name: str) -> str:
    """TransformerLens 3's spelling of a full name."""
    scope, _, suffix = name.partition(".")
    if scope != "blocks":
        return _MODEL_SPELLINGS.get(name, name)
    layer, _, suffix = suffix.partition(".")
    return f"blocks.{layer}.{_BLOCK_SPELLINGS.get(suffix, suffix)}"

"""Activation patching under the names of `transformer_lens.patching`.

`get_act_patch_resid_pre(model, corrupted_tokens, clean_cache, metric)` runs the corrupted tokens once per place, with
the clean run's activation put in there, and returns the metric of each as an array over the places.

A metric of `lensd.metrics` makes the whole a single call, in which the places share all the work before them. A Python
function of the logits [batch, pos, d_vocab] works too, as in TransformerLens: the daemon then makes a pass for each
place and sends its logits, which is slower by orders of magnitude.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lensd.arrays import Array
from lensd.cache import ActivationCache
from lensd.errors import InvalidArgument
from lensd.interventions import Intervention, patch
from lensd.metrics import Metric
from lensd.prompts import Input, token_rows

if TYPE_CHECKING:
    import pandas

    from lensd.model import Model

# One of `lensd.metrics`, or a function of the logits that returns a number.
PatchingMetric: TypeAlias = Metric | Callable[[Array], Any]
# What puts clean values into a corrupted activation at an index, as TransformerLens has it.
PatchSetter: TypeAlias = Callable[[Array, Sequence[int], Array], Array]

# What TransformerLens calls axes, and what sweeps do.
_AXES = {
    "layer": "layer",
    "pos": "pos",
    "dest_pos": "pos",
    "src_pos": "source",
    "head": "head",
    "head_index": "head",
}


AxisNames: TypeAlias = Literal["layer", "pos", "head_index", "head", "src_pos", "dest_pos"]

__all__ = [
    "AxisNames",
    "PatchSetter",
    "PatchingMetric",
    "generic_activation_patch",
    "get_act_patch_attn_head_all_pos_every",
    "get_act_patch_attn_head_by_pos_every",
    "get_act_patch_attn_head_k_all_pos",
    "get_act_patch_attn_head_k_by_pos",
    "get_act_patch_attn_head_out_all_pos",
    "get_act_patch_attn_head_out_by_pos",
    "get_act_patch_attn_head_pattern_all_pos",
    "get_act_patch_attn_head_pattern_by_pos",
    "get_act_patch_attn_head_pattern_dest_src_pos",
    "get_act_patch_attn_head_q_all_pos",
    "get_act_patch_attn_head_q_by_pos",
    "get_act_patch_attn_head_v_all_pos",
    "get_act_patch_attn_head_v_by_pos",
    "get_act_patch_attn_out",
    "get_act_patch_block_every",
    "get_act_patch_mlp_out",
    "get_act_patch_resid_mid",
    "get_act_patch_resid_pre",
    "layer_head_dest_src_pos_pattern_patch_setter",
    "layer_head_pattern_patch_setter",
    "layer_head_pos_pattern_patch_setter",
    "layer_head_vector_patch_setter",
    "layer_pos_head_vector_patch_setter",
    "layer_pos_patch_setter",
    "make_df_from_ranges",
]


def make_df_from_ranges(column_max_ranges: Sequence[int], column_names: Sequence[str]) -> pandas.DataFrame:
    """A table of all indices below the sizes of axes, the last axis counting first."""
    import pandas

    return pandas.DataFrame(list(product(*map(range, column_max_ranges))), columns=list(column_names))


def generic_activation_patch(
    model: Model,
    corrupted_tokens: Input,
    clean_cache: ActivationCache,
    patching_metric: PatchingMetric,
    patch_setter: PatchSetter | None = None,
    activation_name: str = "resid_pre",
    index_axis_names: Sequence[str] | None = None,
    index_df: pandas.DataFrame | None = None,
    return_index_df: bool = False,
) -> Any:
    """The metric for every place on the axes, [*axes]; for the rows of `index_df`, [row].

    Without a `patch_setter` a place is what its index names: a layer's, position's, head's, source's part of the
    activation. A setter, `fn(corrupted, index, clean)`, runs here, with a pass for each index.
    """
    if (index_axis_names is None) == (index_df is None):
        raise InvalidArgument("expected index_axis_names or index_df, one of them")
    names = list(index_axis_names or ()) if index_df is None else [str(name) for name in index_df.columns]
    for name in names:
        if name not in _AXES:
            raise InvalidArgument(f"an axis is one of {', '.join(_AXES)}; received {name!r}")
    if index_df is None:
        sizes = [_size(model, name, corrupted_tokens) for name in names]
        indices = list(product(*(range(size) for size in sizes)))
        shape: tuple[int, ...] = tuple(sizes)
    else:
        indices = [tuple(int(each) for each in row) for row in index_df.itertuples(index=False)]
        shape = (len(indices),)
    if index_df is None and patch_setter is None and isinstance(patching_metric, Metric):
        values = _in_one_call(model, corrupted_tokens, clean_cache, patching_metric, activation_name, names)
    else:
        found = [
            _at(model, corrupted_tokens, clean_cache, patching_metric, patch_setter, activation_name, names, index)
            for index in indices
        ]
        values = np.array(found, np.float32).reshape(shape)
    output = model.array(np.asarray(values, np.float32))
    if not return_index_df:
        return output
    if index_df is None:
        import pandas

        index_df = pandas.DataFrame(indices, columns=names)
    return output, index_df


def _in_one_call(
    model: Model, tokens: Input, cache: ActivationCache, metric: Metric, activation: str, names: Sequence[str]
) -> npt.NDArray[Any]:
    sweep = model.sweep(tokens, patch(activation, cache), over=[_AXES[name] for name in names], metrics=[metric])
    return np.asarray(sweep.value)


def _at(
    model: Model,
    tokens: Input,
    cache: ActivationCache,
    metric: PatchingMetric,
    setter: PatchSetter | None,
    activation: str,
    names: Sequence[str],
    index: Sequence[int],
) -> float:
    layer = index[names.index("layer")] if "layer" in names else None
    if setter is not None:
        if isinstance(metric, Metric):
            raise InvalidArgument("with a patch_setter the metric is a function of the logits; received a typed one")
        name = activation if layer is None else f"{activation}{layer}"
        hook = _setter_hook(setter, list(index), cache)
        return float(metric(model.run_with_hooks(tokens, return_type="logits", fwd_hooks=[(name, hook)])))
    edit = _placed(patch(activation, cache), names, index)
    if isinstance(metric, Metric):
        return float(model.sweep(tokens, edit, over=[], metrics=[metric]).value)
    return float(metric(model.run_with_interventions(tokens, [edit], return_type="logits")))


def _placed(edit: Intervention, names: Sequence[str], index: Sequence[int]) -> Intervention:
    where: dict[str, Any] = {_AXES[name]: at for name, at in zip(names, index, strict=True)}
    return replace(edit, **where)


def _setter_hook(setter: PatchSetter, index: list[int], cache: ActivationCache) -> Callable[[Array, Any], Array]:
    def hook(value: Array, hook: Any) -> Array:
        return setter(value, index, cache[hook.name])

    return hook


def _size(model: Model, axis: str, tokens: Input) -> int:
    match _AXES[axis]:
        case "layer":
            return model.cfg.n_layers
        case "head":
            return model.cfg.n_heads
        case _:
            lengths = {len(row) for row in token_rows(tokens)}
            if len(lengths) != 1:
                raise InvalidArgument(f"patching by position needs prompts of one length; received {sorted(lengths)}")
            return lengths.pop()


# By place.


def _function(what: str, activation: str, axes: tuple[str, ...], result: str) -> Callable[..., Array]:
    def get_act_patch(
        model: Model, corrupted_tokens: Input, clean_cache: ActivationCache, patching_metric: PatchingMetric
    ) -> Array:
        return generic_activation_patch(
            model,
            corrupted_tokens,
            clean_cache,
            patching_metric,
            activation_name=activation,
            index_axis_names=axes,
        )

    get_act_patch.__doc__ = f"The metric with {what} patched, [{result}]."
    return get_act_patch


_BY_POS = ("layer", "pos")
_BY_HEAD = ("layer", "head")
_BY_POS_AND_HEAD = ("layer", "pos", "head")

get_act_patch_resid_pre = _function("the residual stream before a block", "resid_pre", _BY_POS, "layer, pos")
get_act_patch_resid_mid = _function("the residual stream behind the attention", "resid_mid", _BY_POS, "layer, pos")
get_act_patch_attn_out = _function("an attention layer's output", "attn_out", _BY_POS, "layer, pos")
get_act_patch_mlp_out = _function("an MLP's output", "mlp_out", _BY_POS, "layer, pos")

get_act_patch_attn_head_out_by_pos = _function("a head's output", "z", _BY_POS_AND_HEAD, "layer, pos, head")
get_act_patch_attn_head_q_by_pos = _function("a head's query", "q", _BY_POS_AND_HEAD, "layer, pos, head")
get_act_patch_attn_head_k_by_pos = _function("a head's key", "k", _BY_POS_AND_HEAD, "layer, pos, head")
get_act_patch_attn_head_v_by_pos = _function("a head's value", "v", _BY_POS_AND_HEAD, "layer, pos, head")
get_act_patch_attn_head_pattern_by_pos = _function(
    "a destination of a head's pattern", "pattern", ("layer", "head_index", "dest_pos"), "layer, head, dest_pos"
)
get_act_patch_attn_head_pattern_dest_src_pos = _function(
    "an entry of a head's pattern",
    "pattern",
    ("layer", "head_index", "dest_pos", "src_pos"),
    "layer, head, dest_pos, src_pos",
)

get_act_patch_attn_head_out_all_pos = _function("a head's output everywhere", "z", _BY_HEAD, "layer, head")
get_act_patch_attn_head_q_all_pos = _function("a head's queries", "q", _BY_HEAD, "layer, head")
get_act_patch_attn_head_k_all_pos = _function("a head's keys", "k", _BY_HEAD, "layer, head")
get_act_patch_attn_head_v_all_pos = _function("a head's values", "v", _BY_HEAD, "layer, head")
get_act_patch_attn_head_pattern_all_pos = _function(
    "a head's whole pattern", "pattern", ("layer", "head_index"), "layer, head"
)

# Several at once.


def get_act_patch_attn_head_all_pos_every(
    model: Model, corrupted_tokens: Input, clean_cache: ActivationCache, metric: PatchingMetric
) -> Array:
    """Output, query, key, value and pattern of every head, [5, layer, head]."""
    functions = (
        get_act_patch_attn_head_out_all_pos,
        get_act_patch_attn_head_q_all_pos,
        get_act_patch_attn_head_k_all_pos,
        get_act_patch_attn_head_v_all_pos,
        get_act_patch_attn_head_pattern_all_pos,
    )
    return _stacked(model, [each(model, corrupted_tokens, clean_cache, metric) for each in functions])


def get_act_patch_attn_head_by_pos_every(
    model: Model, corrupted_tokens: Input, clean_cache: ActivationCache, metric: PatchingMetric
) -> Array:
    """Output, query, key, value and pattern of every head by position, [5, layer, pos, head]."""
    functions = (
        get_act_patch_attn_head_out_by_pos,
        get_act_patch_attn_head_q_by_pos,
        get_act_patch_attn_head_k_by_pos,
        get_act_patch_attn_head_v_by_pos,
    )
    results = [each(model, corrupted_tokens, clean_cache, metric) for each in functions]
    pattern = get_act_patch_attn_head_pattern_by_pos(model, corrupted_tokens, clean_cache, metric)
    return _stacked(model, [*results, np.swapaxes(np.asarray(pattern), 1, 2)])


def get_act_patch_block_every(
    model: Model, corrupted_tokens: Input, clean_cache: ActivationCache, metric: PatchingMetric
) -> Array:
    """Residual stream, attention output and MLP output, [3, layer, pos]."""
    functions = (get_act_patch_resid_pre, get_act_patch_attn_out, get_act_patch_mlp_out)
    return _stacked(model, [each(model, corrupted_tokens, clean_cache, metric) for each in functions])


def _stacked(model: Model, results: Sequence[Array]) -> Array:
    return model.array(np.stack([np.asarray(each) for each in results]))


# What TransformerLens has as `patch_setter`s; here they are for one's own calls of `generic_activation_patch`.


def layer_pos_patch_setter(corrupted: Array, index: Sequence[int], clean: Array) -> Array:
    """Index [layer, pos]."""
    corrupted[:, index[1], ...] = clean[:, index[1], ...]
    return corrupted


def layer_pos_head_vector_patch_setter(corrupted: Array, index: Sequence[int], clean: Array) -> Array:
    """Index [layer, pos, head]."""
    corrupted[:, index[1], index[2]] = clean[:, index[1], index[2]]
    return corrupted


def layer_head_vector_patch_setter(corrupted: Array, index: Sequence[int], clean: Array) -> Array:
    """Index [layer, head]."""
    corrupted[:, :, index[1]] = clean[:, :, index[1]]
    return corrupted


def layer_head_pattern_patch_setter(corrupted: Array, index: Sequence[int], clean: Array) -> Array:
    """Index [layer, head]."""
    corrupted[:, index[1], :, :] = clean[:, index[1], :, :]
    return corrupted


def layer_head_pos_pattern_patch_setter(corrupted: Array, index: Sequence[int], clean: Array) -> Array:
    """Index [layer, head, dest_pos]."""
    corrupted[:, index[1], index[2], :] = clean[:, index[1], index[2], :]
    return corrupted


def layer_head_dest_src_pos_pattern_patch_setter(corrupted: Array, index: Sequence[int], clean: Array) -> Array:
    """Index [layer, head, dest_pos, src_pos]."""
    corrupted[:, index[1], index[2], index[3]] = clean[:, index[1], index[2], index[3]]
    return corrupted

"""Activations for eyes: the interactive page of the attention patterns, or what is there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lensd.errors import LensError
from lensd.tables import frame, labelled, plain
from lensd.views import figures
from lensd.views.html import card, counted, note, table

if TYPE_CHECKING:
    import pandas
    import xarray

    from lensd.cache import ActivationCache

# A page in the middle of a notebook is kept in its file.
MAX_PAGE_LETTERS = 8_000_000
_LAYER = re.compile(r"^blocks\.(\d+)\.")
# Behind the batch, by the last part of a point's name.
_DIMENSIONS = {
    "hook_tokens": ("pos",),
    **dict.fromkeys(["hook_pattern", "hook_attn_scores"], ("head", "pos", "source")),
    **dict.fromkeys(["hook_q", "hook_k", "hook_v", "hook_z", "hook_rot_q", "hook_rot_k"], ("pos", "head", "d_head")),
    **dict.fromkeys(
        ["hook_result", "hook_q_input", "hook_k_input", "hook_v_input", "hook_attn_in"], ("pos", "head", "d_model")
    ),
    **dict.fromkeys(["hook_pre", "hook_pre_linear", "hook_post", "hook_mid"], ("pos", "d_mlp")),
    "hook_scale": ("pos", "scale"),
}


def cache_html(cache: ActivationCache) -> str:
    """The page of the patterns where there is one to be had and the notebook can hold it, else a table."""
    names = [name for name in cache if str(name).endswith("hook_pattern")]
    if cache.page is None or not names:
        return points_html(cache)
    try:
        page = cache.page()
    except LensError as error:
        return points_html(cache, f"no page: {error}")
    if len(page.html) > MAX_PAGE_LETTERS:
        return points_html(cache, "too much to show here: model.attention_html(…).save(path) shows all patterns")
    return page._repr_html_()


def points_html(cache: ActivationCache, remark: str = "") -> str:
    """Which hook points a cache has, each line one of all its layers."""
    lines: dict[str, list[int]] = {}
    for name in cache:
        key = _LAYER.sub("blocks.{l}.", str(name))
        layers = lines.setdefault(key, [])
        if found := _LAYER.match(str(name)):
            layers.append(int(found.group(1)))
    rows = [(name, _spans(layers), " × ".join(dimensions(name))) for name, layers in lines.items()]
    lengths = ", ".join(str(length) for length in cache.lengths.tolist()[:8])
    more = ", …" if len(cache.lengths) > 8 else ""
    detail = f"{counted(len(cache), 'activation')} of {counted(len(cache.lengths), 'prompt')} ({lengths}{more} tokens)"
    return card(type(cache).__name__, detail, table(["point", "layers", "axes behind the batch"], rows), note(remark))


def dimensions(name: str) -> tuple[str, ...]:
    """The axes of a hook point behind the batch."""
    last = name.removesuffix("_grad").rsplit(".", 1)[-1]
    if name.startswith("unembed"):
        return "pos", "d_vocab"
    return _DIMENSIONS.get(last, ("pos", "d_model"))


def cache_array(cache: ActivationCache, name: str, value: Any) -> xarray.DataArray:
    """An activation under the names of its axes."""
    names, values = _named(cache, name, value)
    coordinates: dict[str, Any] = {"length": ("batch", cache.lengths)} if "batch" in names else {}
    return labelled(values, names, coordinates, name)


def cache_frame(cache: ActivationCache, name: str, value: Any) -> pandas.DataFrame:
    """An activation as a table with a row per number, padding left out."""
    names, values = _named(cache, name, value)
    places = np.indices(values.shape).reshape(values.ndim, -1)
    keep = np.ones(values.size, bool)
    if names[0] == "batch":
        lengths = cache.lengths[places[0]]
        for axis, where in zip(names, places, strict=True):
            if axis in ("pos", "source"):
                keep &= where < lengths
    columns = {axis: where[keep] for axis, where in zip(names, places, strict=True)}
    return frame({**columns, "value": values.ravel()[keep]})


def plot_patterns(cache: ActivationCache, layer: int, head: int | None, prompt: int, ax: Any) -> Any:
    """Draws the patterns of a layer, or of one head, on matplotlib's axes."""
    patterns = plain(cache["pattern", layer])
    if cache.has_batch_dim:
        length = int(cache.lengths[prompt])
        patterns = patterns[prompt][:, :length, :length]
    return _plot_heads(patterns, f"layer {layer}", head, ax)


def _plot_heads(patterns: Any, title: str, head: int | None, ax: Any) -> Any:
    count = len(patterns)
    if head is not None:
        labels = [str(at) for at in range(patterns.shape[1])]
        name = f"{title} head {head}"
        values = patterns[head]
        return figures.draw_matrix(
            ax, values, labels, labels, ("destination", "source"), name, is_signed=_signed(values)
        )
    columns = min(count, 6)
    rows = -(-count // columns)
    figure, axes = figures.pyplot().subplots(
        rows, columns, figsize=(2 * columns, 2.1 * rows), layout="constrained", squeeze=False
    )
    figure.suptitle(title)
    for at, each in enumerate(axes.flat):
        each.set_axis_off()
        if at < count:
            each.imshow(patterns[at], cmap="Blues", interpolation="none")
            each.set_title(f"head {at}", fontsize=9)
    return axes


def _named(cache: ActivationCache, name: str, value: Any) -> tuple[tuple[str, ...], npt.NDArray[Any]]:
    """The names of an activation's axes, and its values."""
    names = (*(["batch"] if cache.has_batch_dim else []), *dimensions(name))
    values = plain(value)
    return (names if values.ndim == len(names) else tuple(f"axis_{at}" for at in range(values.ndim))), values


def _signed(values: Any) -> bool:
    return bool((values < 0).any())


def _spans(layers: list[int]) -> str:
    if not layers:
        return ""
    whole = list(range(layers[0], layers[-1] + 1))
    if layers == whole:
        return str(layers[0]) if len(layers) == 1 else f"{layers[0]}–{layers[-1]}"
    return ", ".join(map(str, layers))

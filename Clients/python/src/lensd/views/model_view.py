"""A model for eyes: its shape in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lensd.views.html import card, counted, note, table

if TYPE_CHECKING:
    from lensd.described_model import DescribedModel
    from lensd.description import Description


def model_html(model: DescribedModel) -> str:
    """What is asked of a model first: sizes, and what was done to its weights."""
    cfg = model.cfg
    sizes: list[tuple[str, object]] = [
        ("d_model", cfg.d_model),
        ("d_head", cfg.d_head),
        ("d_mlp", cfg.d_mlp if cfg.d_mlp is not None else "none"),
        ("n_ctx", cfg.n_ctx),
        ("d_vocab", cfg.d_vocab),
        ("parameters", model.parameter_count),
    ]
    processing = ", ".join(cfg.processing) or "none: the checkpoint's own weights"
    detail = f"{cfg.original_architecture}, {counted(cfg.n_layers, 'layer')} × {counted(cfg.n_heads, 'head')}"
    return card(
        model.name,
        detail,
        table([name for name, _ in sizes], [[value for _, value in sizes]]),
        note(f"weight processing: {processing}; fingerprint {model.fingerprint[:12]}"),
    )


def description_html(description: Description) -> str:
    """Every hook point with its axes."""
    rows = [
        (point.name + ("*" if point.on_demand else ""), _layers(point.layers), _axes(point.axes, point.shape))
        for point in description.hooks
    ]
    marks = note("* computed only when it is named")
    return card(
        description.cfg.model_name, counted(len(rows), "hook point"), table(["point", "layers", "axes"], rows), marks
    )


def _layers(layers: tuple[int, ...]) -> str:
    if len(layers) < 2:
        return "".join(map(str, layers))
    is_whole = layers == tuple(range(layers[0], layers[-1] + 1))
    return f"{layers[0]}–{layers[-1]}" if is_whole else ", ".join(map(str, layers))


def _axes(axes: tuple[str, ...], shape: tuple[int | None, ...]) -> str:
    return " × ".join(
        name if size is None else f"{name} {size}".strip() for name, size in zip(axes, shape, strict=True)
    )

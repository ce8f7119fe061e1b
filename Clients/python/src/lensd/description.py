"""What a model looks like from inside: configuration, hook points, weight processing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from lensd._proto.models_pb2 import DescribeModelReply
from lensd.config import ModelConfig


@dataclass(frozen=True)
class HookShape:
    """One hook point of all blocks that have it, or one outside the blocks."""

    name: str  # Such as "blocks.{l}.attn.hook_z".
    layers: tuple[int, ...]  # The blocks that have it; () for a point outside the blocks.
    axes: tuple[str, ...]  # Behind the batch: "pos", "source_pos" or a size's name such as "n_heads"; "" for one.
    shape: tuple[int | None, ...]  # None is as long as the prompt.
    on_demand: bool  # Computed only when it is named.

    def names(self) -> Iterator[str]:
        """The name of each point."""
        if not self.layers:
            yield self.name
        for layer in self.layers:
            yield self.name.format(l=layer)

    def __str__(self) -> str:
        axes = ", ".join(
            name if size is None else f"{name}={size}" if name else str(size)
            for name, size in zip(self.axes, self.shape, strict=True)
        )
        return f"{self.name}{'*' if self.on_demand else ''} [{axes}]"


@dataclass(frozen=True)
class ProcessingStep:
    """A step of TransformerLens's default weight processing."""

    name: str  # Such as "fold_ln".
    applied: bool  # Never in the checkpoint's own weights (`name@raw`).
    detail: str  # What it does to this model, or why the model leaves it out.


@dataclass(frozen=True)
class Description:
    """A model's configuration, every hook point with its shape, and what was done to its weights. Print it."""

    cfg: ModelConfig
    hooks: tuple[HookShape, ...]  # In the order in which a pass reaches them.
    processing: tuple[ProcessingStep, ...]

    @classmethod
    def of(cls, reply: DescribeModelReply) -> Description:
        """The description in a daemon's reply."""
        return cls(
            cfg=ModelConfig.of(reply.model, reply.raw),
            hooks=tuple(
                HookShape(
                    name=hook.name.decode(),
                    layers=tuple(hook.layers),
                    axes=tuple(axis.name.decode() for axis in hook.axes),
                    shape=tuple(axis.size or None for axis in hook.axes),
                    on_demand=hook.on_demand,
                )
                for hook in reply.hooks
            ),
            processing=tuple(
                ProcessingStep(step.name.decode(), step.applied and not reply.raw, step.detail.decode())
                for step in reply.steps
            ),
        )

    def _repr_html_(self) -> str:
        from lensd.views.model_view import description_html

        return description_html(self)

    def __str__(self) -> str:
        lines = [f"{field.name:34}{getattr(self.cfg, field.name)}" for field in fields(self.cfg)]
        lines += [""]
        lines += [
            f"{step.name:34}{'applied' if step.applied else 'not applied'}: {step.detail}" for step in self.processing
        ]
        lines += ["", *map(str, self.hooks), "* computed only when it is named"]
        return "\n".join(lines)

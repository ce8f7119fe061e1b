"""Passes under edits as `lensctl --edit` writes them, done by TransformerLens's hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from transformer_lens import HookedTransformer

from lens import BLOCK_HOOKS, switch_of, switched_on, token_hook

HEADS, SQUARE = ("pos", "head", "component"), ("head", "pos", "source")
AXES = {
    "hook_tokens": ("pos",),
    "hook_scale": ("pos", "norm"),
    "hook_attn_scores": SQUARE,
    "hook_pattern": SQUARE,
    **dict.fromkeys(("hook_q", "hook_k", "hook_v", "hook_z", "hook_result"), HEADS),
    **dict.fromkeys(("hook_attn_in", "hook_q_input", "hook_k_input", "hook_v_input"), HEADS),
}


def axes_of(hook: str) -> tuple[str, ...]:
    """The axes of a hook point, without batch."""
    return AXES.get(hook.rsplit(".", 1)[-1], ("pos", "component"))


def entries(text: str, size: int) -> list[int]:
    """The entries that a choice such as `2`, `0,-1` or `::2` means."""
    if ":" in text:
        return list(range(size))[slice(*(int(part) if part else None for part in text.split(":")))]
    return [range(size)[int(part)] for part in text.split(",") if part]


def is_index(text: str | None) -> bool:
    """Whether a choice is one index, which drops its axis."""
    return text is not None and not set(",:") & set(text)


def value_of(name: str, vocab: int) -> torch.Tensor:
    """The values of an operand by its name: a kind, a seed and a shape, such as `v3_7x4`; or a number.

    Small fractions that float32 holds exactly: `v` lies between -1 and 1, `p` between 0.5 and 1.5;
    `t` are token ids.
    """
    if name[0] not in "vpt":
        return torch.tensor(float(name))
    seed, _, sizes = name[1:].partition("_")
    shape = [int(size) for size in sizes.split("x")]
    numbers = np.arange(int(np.prod(shape)), dtype=np.int64) * 37 + int(seed) * 11
    if name[0] == "t":
        return torch.from_numpy(numbers % vocab).reshape(shape)
    waves = (numbers % 61 - 30) / 32
    values = waves if name[0] == "v" else 1 + waves / 2
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


# Compared by identity: two edits may read the same.
@dataclass(frozen=True, eq=False)
class Edit:
    """One edit of one point, its words still text."""

    action: str
    hook: str
    value: str | None = None
    words: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def all(lines: Sequence[str], layers: int) -> list[Edit]:
        """The edits that lines stand for: one for each layer that a line names."""
        edits = []
        for line in lines:
            action, hook, *rest = line.split()
            value = rest.pop(0) if rest and "=" not in rest[0] else None
            words = dict(word.split("=") for word in rest)
            chosen = words.pop("layer", None)
            hooks = [hook] if chosen is None else [f"blocks.{layer}.{hook}" for layer in entries(chosen, layers)]
            edits += [Edit(action, each, value, words) for each in hooks]
        return edits

    def concerns(self, prompt: int, count: int) -> bool:
        """Whether one of `count` prompts is edited; a swap edits both of its prompts."""
        chosen = entries(self.words["prompt"], count) if "prompt" in self.words else range(count)
        return prompt in chosen or (self.action == "swap" and prompt == int(self.words["with"]))

    def part(self, shape: Sequence[int], **other: str) -> tuple[tuple[Any, ...], tuple[int, ...]]:
        """The edited part of an activation: the open grid of its entries, and its own shape as NumPy has it.

        `other` replaces words.
        """
        words = {**self.words, **other}
        chosen = [
            entries(words[axis], size) if axis in words else list(range(size))
            for axis, size in zip(axes_of(self.hook), shape, strict=True)
        ]
        own = (
            len(each)
            for axis, each in zip(axes_of(self.hook), chosen, strict=True)
            if not is_index(self.words.get(axis))
        )
        return np.ix_(*chosen), tuple(own)


class EditedPasses:
    """Passes of one model; the prompts of a pass are run one by one."""

    def __init__(self, model: HookedTransformer, prompts: dict[str, list[int]], runs: dict[str, Any]) -> None:
        """`runs` are the passes that edits take values from, as `{"prompts": […], "edits": […]}`."""
        self.model = model
        self.prompts = {name: torch.tensor(ids) for name, ids in prompts.items()}
        self.runs = runs
        blocks = [f"blocks.{layer}.{hook}" for layer in range(model.cfg.n_layers) for hook in BLOCK_HOOKS]
        last = ("ln_final.hook_scale", "ln_final.hook_normalized", "unembed.hook_out")
        self.order = ["hook_tokens", "hook_embed", "hook_pos_embed", *blocks, *last]

    def edits(self, lines: Sequence[str]) -> list[Edit]:
        return Edit.all(lines, self.model.cfg.n_layers)

    def logits(self, prompts: Sequence[str], edits: list[Edit], prompt: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Of one of the prompts: logits [pos, vocab], and the tokens that the loss is measured on."""
        logits, _ = self._run(prompts, edits, prompt)
        tokens = self.prompts[prompts[prompt]]
        if any(edit.hook == "hook_tokens" for edit in edits):
            tokens = self.activation(prompts, edits, prompt, "hook_tokens")
        return logits, tokens

    def activation(self, prompts: Sequence[str], edits: list[Edit], prompt: int, hook: str) -> torch.Tensor:
        """One prompt's activation without batch, the edits before it and at it included."""
        activation = self._run(prompts, edits, prompt, hook)[1]
        assert activation is not None, hook
        return activation

    def _run(
        self, prompts: Sequence[str], edits: list[Edit], prompt: int, wanted: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        kept: list[torch.Tensor] = []
        hooks: list[tuple[str, Any]] = []
        for edit in edits:
            if not edit.concerns(prompt, len(prompts)):
                continue
            # Before the pass: a pass within a pass would meet the hooks of both.
            brought = self._brought(edit, prompts, edits, prompt)

            def change(
                value: torch.Tensor, hook: Any, edit: Edit = edit, brought: torch.Tensor | None = brought
            ) -> torch.Tensor:
                return self._edited(edit, value[0], brought)[None]

            hooks.append((edit.hook, change))
        if wanted is not None:
            hooks.append((wanted, lambda value, hook: kept.append(value[0].clone())))
        switches = {switch for name, _ in hooks if (switch := switch_of(name)) is not None}
        # The costly points exclude one another in TransformerLens.
        assert len(switches) <= 1, [name for name, _ in hooks]
        tokens = self.prompts[prompts[prompt]][None]
        with switched_on(self.model, next(iter(switches), None)):
            if any(name == "hook_tokens" for name, _ in hooks):
                with token_hook(self.model):
                    logits = self.model.run_with_hooks(tokens, fwd_hooks=hooks)
            else:
                logits = self.model.run_with_hooks(tokens, fwd_hooks=hooks)
        return logits[0], kept[0] if kept else None

    def _edited(self, edit: Edit, activation: torch.Tensor, brought: torch.Tensor | None) -> torch.Tensor:
        """An activation, without batch, after one edit."""
        grid, shape = edit.part(activation.shape)
        part = activation[grid].reshape(shape)
        match edit.action:
            case "zero":
                part = torch.zeros_like(part)
            case "mask":
                part = torch.full_like(part, -torch.inf if edit.hook.endswith("scores") else 0.0)
            case "scale":
                part = part * float(edit.value or "nan")
            case "set":
                part = value_of(edit.value or "", self.model.cfg.d_vocab).to(part.dtype).broadcast_to(shape)
            case "add":
                part = part + value_of(edit.value or "", 0)
            case "project":
                direction = value_of(edit.value or "", 0)
                direction = direction / direction.norm()
                part = part - (part @ direction)[..., None] * direction
            case "mean":
                rows = activation if brought is None else brought
                means = rows.mean(axes_of(edit.hook).index("pos"), keepdim=True)
                part = means.expand_as(activation)[grid]
            case "patch" | "swap":
                assert brought is not None
                part = brought
        result = activation.clone()
        result[grid] = part.reshape(activation[grid].shape)
        return result

    def _brought(self, edit: Edit, prompts: Sequence[str], edits: list[Edit], prompt: int) -> torch.Tensor | None:
        """What another pass, or another prompt of this one, brings for an edit of one prompt."""
        if edit.action == "swap":
            other = int(edit.words["with"])
            if prompt == other:
                (other,) = entries(edit.words["prompt"], len(prompts))
            # What the other has at this point when it is this edit's turn.
            before = [each for each in edits if self._place(each, edits) < self._place(edit, edits)]
            theirs = self.activation(prompts, before, other, edit.hook)
            return theirs[edit.part(theirs.shape)[0]]
        run = self.runs.get(edit.words.get("from", edit.words.get("over", "")))
        if run is None:
            return None
        names, its_edits = run["prompts"], self.edits(run["edits"])
        if edit.action == "mean":
            return torch.cat([self.activation(names, its_edits, index, edit.hook) for index in range(len(names))])
        other = int(edit.words.get("from_prompt", 0 if len(names) == 1 else prompt))
        theirs = self.activation(names, its_edits, other, edit.hook)
        moved = {"pos": edit.words["from_pos"]} if "from_pos" in edit.words else {}
        return theirs[edit.part(theirs.shape, **moved)[0]]

    def _place(self, edit: Edit, edits: list[Edit]) -> tuple[int, int]:
        return self.order.index(edit.hook), next(index for index, each in enumerate(edits) if each is edit)

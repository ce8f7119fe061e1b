"""Every action at every hook point, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformer_lens import HookedTransformer

from checkpoints import SPECS, CheckpointSpec
from edit_passes import SQUARE, EditedPasses, axes_of, entries, is_index
from lens import BLOCK_HOOKS, FORMS, load_lens_model
from manifest import write_lines
from reference import make_sequences

CHECKPOINTS = ("gpt-neo-3l-local", "gpt-neo-1l-16h", "gpt-neo-1l-untied")
# Of the logits after a prompt's last token every so-manieth is kept.
LOGIT_STRIDE = 8

ONE, TWO = ("seq7",), ("seq7", "other7")
RUNS: dict[str, Any] = {
    "same": {"prompts": ["other7"], "edits": []},
    "long": {"prompts": ["long"], "edits": []},
    "pair": {"prompts": ["other7", "long"], "edits": []},
    "edited": {"prompts": ["other7"], "edits": ["scale blocks.0.hook_attn_out 0.5", "mean blocks.0.hook_mlp_out"]},
    "corpus": {"prompts": ["long", "other7"], "edits": []},
}

# The choices of an axis that the cases go through; None leaves it whole.
CHOICES: dict[str, tuple[str | None, ...]] = {
    "pos": (None, "-1", "1:6:2", "0,3,5", "2", "-3:", "::-2"),
    "head": ("1", "0,-1", None, "::2", "-2:"),
    "source": (None, "0", "1:4", "2,0", ":-1"),
    "component": (None, "0", "::3", None, "1,-1", "-4:"),
    "norm": (None,),
}

Prompts = tuple[str, ...]
Line = tuple[Prompts, str]


def write_edit_cases(root: Path) -> None:
    """Writes a JSON file of cases and a safetensors file of results for each checkpoint."""
    folder = root / "edits"
    folder.mkdir(exist_ok=True)
    for spec in SPECS:
        if spec.name not in CHECKPOINTS:
            continue
        prompts = prompts_of(spec)
        records = [
            {"prompts": prompts, "runs": RUNS, "logit_stride": LOGIT_STRIDE},
        ]
        logits, losses, token_losses = [], [], []
        for form in FORMS:
            model = load_lens_model(spec.name, form)
            passes = EditedPasses(model, prompts, RUNS)
            plain = {name: passes.logits((name,), [], 0)[0] for name in prompts}
            without_effect = 0
            for names, lines in cases(model):
                results = [passes.logits(names, passes.edits(lines), index) for index in range(len(names))]
                for found, tokens in results:
                    assert found.isfinite().all(), lines
                    logits.append(found[-1, ::LOGIT_STRIDE])
                    token_losses.append(model.loss_fn(found[None], tokens[None], per_token=True)[0])
                losses.append(torch.cat(token_losses[-len(names) :]).mean())
                change = max(
                    float((found - plain[name]).abs().max()) for name, (found, _) in zip(names, results, strict=True)
                )
                without_effect += change < 1e-3
                records.append({"form": form, "prompts": names, "edits": lines})
            # Some edits of masked entries change nothing.
            assert without_effect < len(records) / 20, without_effect
        write_lines(folder / f"{spec.name}.json", records)
        path = folder / f"{spec.name}.safetensors"
        save_file(
            {"logits": torch.stack(logits), "loss": torch.stack(losses), "token_loss": torch.cat(token_losses)}, path
        )
        path.chmod(0o644)


def prompts_of(spec: CheckpointSpec) -> dict[str, list[int]]:
    """A sequence of seven tokens, another one, and a long one."""
    sequences = make_sequences(spec)
    seven = sequences["seq7"].tolist()
    return {
        "seq7": seven,
        "other7": [(each * 7 + 3) % spec.vocab for each in seven],
        "long": sequences["seq24" if 24 in spec.sequences else "seq16"].tolist(),
    }


def cases(model: HookedTransformer) -> Iterator[tuple[Prompts, tuple[str, ...]]]:
    """Prompts and edits of every case of one form."""
    hooks = ["hook_tokens", "hook_embed", "hook_pos_embed", *BLOCK_HOOKS]
    hooks += ["ln_final.hook_scale", "ln_final.hook_normalized", "unembed.hook_out"]
    turns = count(1)
    for number, hook in enumerate(hooks):
        layer = number % model.cfg.n_layers
        point = PointCases(f"blocks.{layer}.{hook}" if hook in BLOCK_HOOKS else hook, model, turns)
        for prompts, line in point.lines():
            yield prompts, (line,)
    yield from several(model)


class PointCases:
    """One edit of every action that applies to a point; selections and values change from case to case."""

    def __init__(self, hook: str, model: HookedTransformer, turns: Iterator[int]) -> None:
        self.hook, self.axes, self.cfg, self.turns = hook, axes_of(hook), model.cfg, turns
        kind = hook.rsplit(".", 1)[-1]
        self.is_square, self.is_tokens = self.axes == SQUARE, kind == "hook_tokens"
        # Masked scores are infinite, and a norm divides by its scale.
        self.is_scores, self.is_scale = kind == "hook_attn_scores", kind == "hook_scale"

    def lines(self) -> Iterator[Line]:
        yield from self.moving()
        if self.is_tokens:
            yield ONE, f"set {self.hook} t1_7"
            yield TWO, f"set {self.hook} 5 prompt=1 pos=2"
            yield ("seq7", "long"), f"set {self.hook} t2_3 pos=1:6:2"
            return
        yield from self.arithmetic()
        yield from self.means()
        if self.is_square:
            yield ONE, f"mask {self.hook} head=1 source=0"
            yield ("seq7", "long"), f"mask {self.hook}{self.words()}"
            # A destination that sees nothing has a pattern of zeros.
            yield ONE, f"mask {self.hook} head=0,2 pos=3"

    def moving(self) -> Iterator[Line]:
        hook = self.hook
        # What prompts of different lengths have in common.
        shared = " pos=1:6 source=:5" if self.is_square else " pos=1:6"
        sources = " source=:7" if self.is_square else ""
        yield ONE, f"patch {hook} from=same"
        yield ONE, f"patch {hook}{self.words()} from=same"
        yield ONE, f"patch {hook}{self.words()} from=edited"
        yield ("seq7", "long"), f"patch {hook}{shared} from=long from_pos={self.one_of('2:7', '8,3,4,6,5', '-6:-1')}"
        yield TWO, f"patch {hook}{shared} from=pair" + self.one_of("", " from_prompt=1", " prompt=0")
        yield ONE, f"patch {hook} pos=-1{sources} from=long from_pos={self.one_of('5', '-2', '5,')}"
        yield TWO, f"swap {hook}{self.words()} with=1 prompt=0"
        yield ("other7", "seq7", "long"), f"swap {hook}{shared} prompt=2 with=1"

    def arithmetic(self) -> Iterator[Line]:
        hook = self.hook
        for action in ("set", "set", "add", "add"):
            words = self.words()
            yield ONE, f"{action} {hook} {self.value(words)}{words}"
        yield TWO, f"set {hook} 0.75{self.words()} prompt=-1"
        yield ("seq7", "long"), f"add {hook} 0.5{self.words()}"
        yield ONE, f"scale {hook} {self.one_of('0.5', '3', '1.25')}{self.words()}"
        if self.is_scale:
            return
        yield ONE, f"zero {hook}"
        yield ("seq7", "long"), f"zero {hook}{self.words()}"
        if self.is_scores:
            return
        yield ("seq7", "long"), f"scale {hook} {self.one_of('-1', '0')}{self.words()} prompt=0,"
        width = self.size(self.axes[-1])
        kept = " ".join(word for word in self.words().split() if not word.startswith(("component", "source")))
        yield ONE, f"project {hook} v3_{width} {kept}".rstrip()
        yield (ONE if self.is_square else ("seq7", "long")), f"project {hook} v4_{width}"

    def means(self) -> Iterator[Line]:
        if not self.is_scores:
            yield ONE, f"mean {self.hook}"
            yield ("seq7", "long"), f"mean {self.hook}{self.words()}"
        if not self.is_square:
            yield ONE, f"mean {self.hook} over=corpus"
            yield ("seq7", "long"), f"mean {self.hook}{self.words()} over=corpus"

    # What changes from case to case.

    def one_of(self, *choices: str) -> str:
        return choices[next(self.turns) % len(choices)]

    def words(self) -> str:
        """A selection, with a space before each word."""
        turn = next(self.turns)
        words = ""
        for index, axis in enumerate(self.axes):
            choices = CHOICES[axis]
            choice = choices[(turn * (index + 1) + turn // 5) % len(choices)]
            words += "" if choice is None else f" {axis}={choice}"
        return words

    def value(self, selection: str) -> str:
        """An operand of the part's own shape, or one that broadcasts to it."""
        chosen = dict(word.split("=") for word in selection.split())
        kept = [axis for axis in self.axes if not is_index(chosen.get(axis))]
        shape = [len(entries(chosen.get(axis, ":"), self.size(axis))) for axis in kept]
        turn = next(self.turns)
        if not shape:
            return "0.625"
        if turn % 3 == 0:
            shape = shape[-1:]
        elif turn % 3 == 1 and len(shape) > 1:
            shape[turn % len(shape)] = 1
        return f"{'p' if self.is_scale else 'v'}{turn}_" + "x".join(map(str, shape))

    def size(self, axis: str) -> int:
        """Of the short prompt's activation."""
        kind = self.hook.rsplit(".", 1)[-1]
        if axis != "component":
            return {"pos": 7, "source": 7, "norm": 1, "head": self.cfg.n_heads}[axis]
        if kind in ("hook_q", "hook_k", "hook_v", "hook_z"):
            return self.cfg.d_head
        if kind in ("hook_pre", "hook_post"):
            return self.cfg.d_mlp
        return self.cfg.d_vocab if self.hook == "unembed.hook_out" else self.cfg.d_model


def several(model: HookedTransformer) -> Iterator[tuple[Prompts, tuple[str, ...]]]:
    """Several edits of a pass: they happen in the order of the pass, and at one point in the order given."""
    cfg = model.cfg
    last = f"blocks.{cfg.n_layers - 1}"
    steer, erase = f"v2_{cfg.d_model}", f"v4_{cfg.d_model}"
    set_head, scale_heads = f"set {last}.attn.hook_z v1_{cfg.d_head} head=1", f"scale {last}.attn.hook_z 3 head=:2"
    add_late, mean_last = f"add blocks.0.hook_resid_pre {steer} pos=2:", "mean blocks.0.hook_resid_pre pos=-1"
    yield ONE, (set_head, scale_heads)
    yield ONE, (scale_heads, "add " + set_head[4:])
    yield ONE, (add_late, mean_last)
    yield ONE, (mean_last, add_late)
    # Given against the order of the pass.
    yield (
        ONE,
        ("scale unembed.hook_out 0.5 pos=2:4", f"zero {last}.hook_mlp_out pos=1", "zero attn.hook_z layer=: head=0"),
    )
    yield (
        ONE,
        ("mask attn.hook_pattern layer=: source=0", f"add mlp.hook_post v3_{cfg.d_mlp} layer=-1", "mean hook_embed"),
    )
    yield ONE, (f"project hook_resid_post {erase} layer=:", f"project hook_resid_mid {erase} layer=:")
    yield ONE, ("patch attn.hook_z layer=: head=1 from=same", "patch attn.hook_pattern layer=: head=0 from=edited")
    yield ONE, ("mean attn.hook_v layer=: over=corpus", "mean ln2.hook_normalized layer=0 over=corpus pos=1:")
    yield (
        TWO,
        (
            "swap hook_resid_pre layer=0 with=1 prompt=0 pos=3",
            "scale attn.hook_z 2 layer=: prompt=1",
            "swap attn.hook_z layer=-1 head=1 prompt=1 with=0",
        ),
    )
    yield (
        TWO,
        (
            "patch hook_embed from=pair from_prompt=0 prompt=1 pos=4",
            "zero hook_pos_embed prompt=0 pos=4:",
            f"add hook_embed v6_7x{cfg.d_model} prompt=0",
        ),
    )

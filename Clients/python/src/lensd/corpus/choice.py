"""The analyses by the names and options that they have on a command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

from lensd.corpus.analyses import Losses, TokenLosses
from lensd.corpus.attention_analyses import DetectHeads, HeadKinds, HeadScores, WhyAttends
from lensd.corpus.edit_words import edit_of, edits_in
from lensd.corpus.rows import Analysis
from lensd.corpus.stream_analyses import LogitAttribution, LogitLens, Reduction
from lensd.corpus.sweep_analyses import Ablation, Patching


class Choice(NamedTuple):
    """An analysis, and its fields by the options that set them."""

    make: Callable[..., Analysis]
    options: dict[str, str]
    # Those that it cannot do without.
    needs: tuple[str, ...] = ()


ANALYSES: dict[str, Choice] = {
    "losses": Choice(Losses, {}),
    "token-losses": Choice(TokenLosses, {}),
    "ablation": Choice(Ablation, {name: name for name in ("kind", "hook", "over", "metric", "answer", "wrong")}),
    "patching": Choice(Patching, {name: name for name in ("hook", "over", "metric", "answer", "wrong")}),
    "lens": Choice(LogitLens, {"pos": "pos", "mid": "incl_mid"}),
    "attribution": Choice(
        LogitAttribution,
        {"by": "by", "answer": "answer", "wrong": "wrong", "pos": "pos", "count": "top", "mid": "incl_mid"},
    ),
    "reduction": Choice(
        Reduction, {"hook": "hook", "to": "reduction", "offset": "offset", "count": "count"}, ("hook", "to")
    ),
    "why": Choice(
        WhyAttends,
        {name: name for name in ("layer", "head", "dest", "source", "detail", "relative")},
        ("layer", "head"),
    ),
    "head-scores": Choice(HeadScores, {}),
    "head-kinds": Choice(HeadKinds, {"kind": "kind"}),
    "detection": Choice(
        DetectHeads,
        {"measure": "error_measure", "exclude_bos": "exclude_bos", "exclude_current": "exclude_current_token"},
    ),
}


def _axes(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


_REDUCTIONS = ("entropy", "norm", "mean", "max", "diagonal", "diagonal_mean", "top")
_OPTIONS: dict[str, dict[str, Any]] = {
    "kind": {"choices": ["zero", "mean"], "help": "how heads are ablated (default: zero)"},
    "hook": {"help": "the hook point that is ablated (default: z), patched (resid_pre) or reduced"},
    "over": {"type": _axes, "help": "the axes of a sweep, such as layer,head (default of ablation) or layer,pos"},
    "metric": {
        "choices": ["loss", "kl", "logit", "prob", "logit_diff"],
        "help": "what is read of each pass (default: loss of an ablation, logit_diff of patching)",
    },
    "to": {"choices": _REDUCTIONS, "help": "what an activation is reduced to"},
    "offset": {"type": int, "help": "of a diagonal: source minus destination, at most 0"},
    "count": {"type": int, "help": "how many of the largest entries, or neurons (default: 10)"},
    "by": {"choices": ["layer", "head", "neuron", "accumulated"], "help": "the terms of a logit (default: layer)"},
    "answer": {
        "help": 'the token whose logit it is (default: the line\'s own "answer"; of an attribution the likeliest)'
    },
    "wrong": {"help": "the token whose logit is taken off"},
    "pos": {"type": int, "help": "one position (default: the last of an attribution, all of a lens)"},
    "mid": {"action": "store_true", "help": "look between attention and MLP too"},
    "layer": {"type": int, "help": "the layer of the head that attends"},
    "head": {"type": int, "help": "the head"},
    "dest": {"type": int, "help": "the position that attends (default: the last)"},
    "source": {"type": int, "help": "the position that is attended to (default: each)"},
    "detail": {"choices": ["groups", "layers", "components"], "help": "how finely a score is split"},
    "relative": {"action": "store_true", "help": "take each term's mean over the sources off"},
    "measure": {"choices": ["mul", "abs"], "help": "of a detection, as detect_head's error_measure"},
    "exclude_bos": {"action": "store_true", "help": "leave the first position out of a detection"},
    "exclude_current": {"action": "store_true", "help": "leave attention to itself out of a detection"},
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Gives a parser the options of all analyses; those that are left out stay `None`."""
    group = parser.add_argument_group("of an analysis")
    for name, settings in _OPTIONS.items():
        users = [analysis for analysis, choice in ANALYSES.items() if name in choice.options]
        described = {**settings, "help": f"{', '.join(users)}: {settings['help']}", "default": None}
        group.add_argument(f"--{name.replace('_', '-')}", **described)
    group.add_argument("--edits", metavar="FILE", help="edits under which prompts run, an array of JSON objects")
    group.add_argument(
        "--edit",
        action="append",
        default=[],
        metavar="JSON",
        help='one more: {"action": "zero", "hook": "z0", "head": 8}',
    )


def chosen(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Analysis:
    """The analysis that a command line names; ends the program where it has options of another."""
    choice = ANALYSES[options.analysis]
    given = {name: value for name in _OPTIONS if (value := getattr(options, name)) is not None}
    for name in given:
        if name not in choice.options:
            parser.error(f"--{name.replace('_', '-')} is no option of --analysis {options.analysis}")
    for name in choice.needs:
        if name not in given:
            parser.error(f"--analysis {options.analysis} needs --{name}")
    settings = {choice.options[name]: value for name, value in given.items()}
    if options.edits or options.edit:
        if all(field.name != "interventions" for field in fields(choice.make)):  # type: ignore[arg-type]
            parser.error(f"--edit is no option of --analysis {options.analysis}")
        settings["interventions"] = (*(edits_in(options.edits) if options.edits else ()), *map(edit_of, options.edit))
    return choice.make(**settings)

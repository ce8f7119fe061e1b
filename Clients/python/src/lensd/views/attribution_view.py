"""Logits as sums, for eyes: bars of one position's terms, a matrix of several positions'."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lensd.tables import frame, labelled, plain
from lensd.views import figures
from lensd.views.bars import Bar, bars
from lensd.views.heat_map import MAX_CELLS, heat_map
from lensd.views.html import beside, card, counted, note, number, signed
from lensd.views.places import position_labels

if TYPE_CHECKING:
    import pandas
    import xarray

    from lensd.logit_attribution import LogitAttribution, PromptAttribution

_PROMPTS, _STRONGEST = 4, 24
_HEAD = re.compile(r"^L(\d+)H(\d+)$")
_AXES = ("position", "component")


def attribution_html(attribution: LogitAttribution) -> str:
    """Each prompt's terms: of one position heads as layers by heads and the strongest as bars, of several a matrix."""
    parts = [_prompt(attribution.components, prompt) for prompt in attribution.prompts[:_PROMPTS]]
    if len(attribution.prompts) > _PROMPTS:
        parts.append(note(f"and {counted(len(attribution.prompts) - _PROMPTS, 'prompt')} more"))
    detail = f"{counted(len(attribution.components), 'component')}, {counted(len(attribution.prompts), 'prompt')}"
    return card("logit attribution", detail, *parts)


def plot_attribution(attribution: LogitAttribution, prompt: int, ax: Any) -> Any:
    """Draws a prompt's terms on matplotlib's axes: of one position as bars, of several as a matrix."""
    own, names = attribution[prompt], attribution.components
    terms = plain(own.terms)
    if len(terms) == 1:
        return figures.draw_bars(ax, names, terms[0], None, "component", _what(own, 0))
    rows = position_labels(own.tokens, own.positions)
    return figures.draw_matrix(ax, terms, rows, names, _AXES, "logit attribution", is_signed=True)


def attribution_frame(attribution: LogitAttribution) -> pandas.DataFrame:
    """A row per prompt, position and component, then the neurons."""
    rows: list[tuple[Any, ...]] = []
    for index, prompt in enumerate(attribution.prompts):
        for row, position in enumerate(prompt.positions):
            place = (index, position, prompt.answers[row], prompt.wrong[row] if prompt.wrong else "")
            values = zip(attribution.components, plain(prompt.terms)[row].tolist(), strict=True)
            rows += [(*place, name, value) for name, value in values]
            rows += [(*place, f"L{layer}N{neuron}", value) for layer, neuron, value in prompt.neurons[row]]
    columns = zip(*rows, strict=True) if rows else [[]] * 6
    return frame(dict(zip(("prompt", "pos", "answer", "wrong", "component", "value"), columns, strict=True)))


def attribution_array(attribution: LogitAttribution, prompt: int) -> xarray.DataArray:
    """A prompt's terms on named axes."""
    own = attribution[prompt]
    coordinates: dict[str, Any] = {
        "pos": own.positions, "component": attribution.components, "answer": ("pos", own.answers)
    }  # fmt: skip
    if own.wrong:
        coordinates["wrong"] = ("pos", own.wrong)
    return labelled(own.terms, ("pos", "component"), coordinates, "logit")


def _prompt(components: list[str], own: PromptAttribution) -> str:
    terms = plain(own.terms)
    if len(terms) == 1:
        return note(_what(own, 0)) + beside(*_pictures(components, own, terms[0]))
    rows = position_labels(own.tokens, own.positions)
    if terms.size > MAX_CELLS:
        return note(f"{terms.size:,} terms are too many for this picture; plot() draws them all")

    def tip(row: int, component: int) -> str:
        return f"{_what(own, row)}: {components[component]} {signed(float(terms[row, component]))}"

    return heat_map(terms, rows, components, _AXES, tip=tip)


def _pictures(components: list[str], own: PromptAttribution, terms: npt.NDArray[Any]) -> list[str]:
    heads = {
        (int(found[1]), int(found[2])): value
        for name, value in zip(components, terms, strict=True)
        if (found := _HEAD.match(name))
    }
    pictures = []
    if heads:
        layers, count = (max(place[axis] for place in heads) + 1 for axis in (0, 1))
        values = np.array([[heads[layer, head] for head in range(count)] for layer in range(layers)])
        labels = [str(at) for at in range(layers)], [str(at) for at in range(count)]
        pictures.append(heat_map(values, *labels, ("layer", "head"), title="heads"))
    order = np.arange(len(terms))
    title = "terms"
    if len(terms) > _STRONGEST:
        order = np.argsort(-np.abs(terms), kind="stable")[:_STRONGEST]
        title = f"the {_STRONGEST} strongest of {len(terms):,} terms"
    pictures.append(bars([Bar(components[at], float(terms[at]), float("nan")) for at in order], title))
    if own.neurons[0]:
        named = [Bar(f"L{layer}N{neuron}", value, float("nan")) for layer, neuron, value in own.neurons[0]]
        pictures.append(bars(named[:_STRONGEST], "neurons"))
    return pictures


def _what(own: PromptAttribution, row: int) -> str:
    answer = repr(own.answers[row]) + (f" against {own.wrong[row]!r}" if own.wrong else "")
    behind = own.tokens[own.positions[row]]
    return f"{answer} behind {behind!r}: {number(float(own.totals[row]))}"

"""Runs and generations for eyes: tokens over the colour of their loss."""

from __future__ import annotations

from math import exp, isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from lensd.views import figures
from lensd.views.html import beside, card, counted, note, number, table
from lensd.views.token_strip import token_strip

if TYPE_CHECKING:
    from lensd.generation import GenerationResult
    from lensd.run import Run

_PROMPTS = 20


def run_html(run: Run) -> str:
    """Each prompt's tokens, the worse predicted the stronger coloured, and what may come next."""
    losses = [run.losses_of(index) for index in range(len(run.tokens))]
    largest = max((loss for row in losses for loss in row if isfinite(loss)), default=0.0)
    parts = [
        beside(
            token_strip(tokens, row, "loss", largest),
            table(
                ["next", "id", "probability"],
                [(repr(each.string), str(each.id), exp(each.logprob)) for each in top],
            )
            if top
            else "",
        )
        for tokens, row, top in zip(run.str_tokens[:_PROMPTS], losses, run.predictions, strict=False)
    ]
    if len(run.tokens) > _PROMPTS:
        parts.append(note(f"and {counted(len(run.tokens) - _PROMPTS, 'prompt')} more"))
    tokens = counted(sum(map(len, run.tokens)), "token")
    recorded = f", recorded as {run.run_id[:12]}" if run.run_id else ""
    coloured = f"; coloured by their losses, up to {largest:.2f} nats" if largest > 0 else ""
    detail = f"on {run.model}: {counted(len(run.tokens), 'prompt')}, {tokens}{recorded}{coloured}"
    return card(f"loss {number(float(run.loss))}", detail, *parts)


def generation_html(result: GenerationResult) -> str:
    """Each prompt and its new tokens, the more surprising the stronger coloured."""
    parts = []
    for index, tokens in enumerate(result.str_tokens[:_PROMPTS]):
        start = result.prompt_lengths[index]
        count = len(tokens) - start
        surprise = [-float(logprob) for logprob in result.logprobs[index][:count]]
        strip = token_strip(tokens, [float("nan")] * start + surprise, "surprise", 8.0)
        parts.append(strip + note(f"{counted(count, 'new token')}, ended by {result.finish_reason[index]}"))
    if len(result.str_tokens) > _PROMPTS:
        parts.append(note(f"and {counted(len(result.str_tokens) - _PROMPTS, 'text')} more"))
    detail = f"by {result.model}, seed {result.seed}; new tokens coloured by their surprise, up to 8 nats"
    return card("generation", detail, *parts)


def plot_run(run: Run, prompt: int, ax: Any) -> Any:
    """Draws the losses of a prompt's tokens as bars on matplotlib's axes."""
    title = f"loss {number(float(run.prompt_losses[prompt]))}"
    losses = np.array(run.losses_of(prompt)[1:])
    labels = [f"{at} {token!r}" for at, token in enumerate(run.str_tokens[prompt])][1:]
    ax = figures.draw_bars(ax, labels, losses, None, "token", title)
    ax.set_ylabel("nats")
    return ax

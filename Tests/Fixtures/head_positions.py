"""What position explains of TransformerLens's patterns, and where they go, in plain NumPy.

The position model is fitted by torch's L-BFGS on the whole rows, mask and all: nothing here knows the fixed point or
the sums that the daemon uses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lens import load_lens_model

CHECKPOINTS = ("gpt-neo-1l-16h", "gpt-neo-3l-local")
LENGTHS = (24, 17, 9, 24, 13)
#: As in `PositionModel.swift`: folds, what is mixed in of even attention, the first row that counts.
FOLDS, MIXTURES, FIRST = 4, (0.001, 0.01, 0.1, 1.0), 2

Array = NDArray[np.float64]


def head_positions() -> list[dict[str, Any]]:
    """A record per checkpoint and head."""
    records = []
    for checkpoint in CHECKPOINTS:
        model = load_lens_model(checkpoint, "processed")
        chance = np.random.default_rng(5)
        # Few different tokens: some come again.
        prompts = [chance.integers(0, 12, length).tolist() for length in LENGTHS]
        patterns = []
        for prompt in prompts:
            _, cache = model.run_with_cache(torch.tensor([prompt]), remove_batch_dim=True)
            patterns.append(
                [cache["pattern", layer].double().numpy() for layer in range(model.cfg.n_layers)]
            )
        for layer in range(model.cfg.n_layers):
            is_local = (model.cfg.attn_types or ["global"] * (layer + 1))[layer] == "local"
            window = model.cfg.window_size if is_local else 10**6
            for head in range(model.cfg.n_heads):
                rows = [pattern[layer][head] for pattern in patterns]
                scores = shares(prompts, rows, window) | explained(rows, window)
                records.append(
                    {"checkpoint": checkpoint, "prompts": prompts, "layer": layer, "head": head}
                    | {name: round(float(value), 7) for name, value in scores.items()}
                )
    return records


def shares(prompts: list[list[int]], patterns: list[Array], window: int) -> dict[str, float]:
    """Means over all destinations from the third on."""
    found: dict[str, list[float]] = {}

    def take(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for prompt, pattern in zip(prompts, patterns, strict=True):
        for row in range(FIRST, len(prompt)):
            a = pattern[row, : row + 1]
            seen = np.arange(row + 1) > row - window
            even = seen / seen.sum()
            take("to_self", a[row])
            take("to_previous", a[row - 1])
            take("to_first", a[0])
            nats = -(a[a > 0] * np.log(a[a > 0])).sum()
            take("entropy", nats / np.log(seen.sum()))
            take("structure", np.log(seen.sum()) - nats)
            earlier = np.array([j for j in range(row) if prompt[j] == prompt[row]], int)
            if earlier.size:
                take("to_duplicate", a[earlier].sum())
                take("to_induction", a[earlier + 1].sum())
                take("even_duplicate", even[earlier].sum())
                take("even_induction", even[earlier + 1].sum())
    return {name: float(np.mean(values)) for name, values in found.items()}


def explained(patterns: list[Array], window: int) -> dict[str, float]:
    """The share of the structure that the best model of distance and first position explains, on held-out rows."""
    rows = [
        (pattern[row, : row + 1], (index + row) % FOLDS)
        for index, pattern in enumerate(patterns)
        for row in range(FIRST, len(pattern))
    ]
    longest = max(len(pattern) for pattern in patterns)
    targets = np.zeros((len(rows), longest))
    places = np.zeros((len(rows), longest), int)  # which parameter a source's score is; 0 the first position's
    hidden = np.ones((len(rows), longest), bool)
    for at, (a, _) in enumerate(rows):
        row = len(a) - 1
        targets[at, : row + 1] = a
        places[at, : row + 1] = np.where(np.arange(row + 1) == 0, 0, row - np.arange(row + 1) + 1)
        hidden[at, : row + 1] = np.arange(row + 1) <= row - window
    even = ~hidden / (~hidden).sum(1, keepdims=True)
    folds = np.array([fold for _, fold in rows])
    known = np.where(targets > 0, targets * np.log(np.where(targets > 0, targets, 1)), 0).sum()
    structure = known + np.log((~hidden).sum(1)).sum()
    gains = []
    for mixture in MIXTURES:
        gain = 0.0
        for fold in range(FOLDS):
            inside = folds != fold
            wanted = np.concatenate([targets[inside], mixture * even])
            where = np.concatenate([places[inside], places])
            mask = np.concatenate([hidden[inside], hidden])
            logits = fit(wanted, where, mask, longest)
            log = log_pattern(logits, places[~inside], hidden[~inside]).numpy()
            uniform = np.log(even[~inside], where=~hidden[~inside], out=np.zeros_like(log))
            gain += (targets[~inside] * (log - uniform)).sum()
        gains.append(gain)
    return {"position": min(max(max(gains) / structure, 0), 1)}


def log_pattern(logits: torch.Tensor, places: Array, hidden: Array) -> torch.Tensor:
    """Logarithms of the model's rows, zero where nothing is seen."""
    mask = torch.tensor(hidden)
    scores = logits[torch.tensor(places)].masked_fill(mask, -torch.inf)
    return torch.log_softmax(scores, 1).masked_fill(mask, 0)


def fit(wanted: Array, places: Array, hidden: Array, longest: int) -> torch.Tensor:
    """The scores of the first position and of each distance that make `wanted` most likely."""
    target = torch.tensor(wanted)
    with torch.enable_grad():
        logits = torch.zeros(longest + 1, dtype=torch.float64, requires_grad=True)
        search = torch.optim.LBFGS(
            [logits], max_iter=2000, tolerance_grad=1e-9, tolerance_change=1e-13, line_search_fn="strong_wolfe"
        )

        def loss() -> torch.Tensor:
            search.zero_grad()
            value = -(target * log_pattern(logits, places, hidden)).sum()
            value.backward()
            return value

        search.step(loss)
    return logits.detach()

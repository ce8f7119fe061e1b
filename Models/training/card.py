"""Writes the model card, `README.md` of the model's folder, from `card.md` and the numbers."""

from __future__ import annotations

import argparse
import json
import math
import re
from pathlib import Path

from sample import write_story
from stories import grammar

SAMPLE_SEED = 1
SAMPLE_TEMPERATURE = 0.7


def thousands(number: int) -> str:
    """The number with commas."""
    return f"{number:,}"


def nats(row: dict[str, float]) -> str:
    """A head's Δloss with its standard error."""
    return f"{row['delta_loss']:+.4f} ± {row['delta_loss_error']:.4f}"


def loss_rows(evaluation: dict) -> str:
    """The table of losses, worst first."""
    held_out = evaluation["held_out"]
    rows = [
        f"| {name} | {loss:.3f} | {math.exp(loss):,.1f} |"
        for name, loss in evaluation["baselines"].items()
    ]
    loss, error = held_out["loss"], held_out["loss_error"]
    return "\n".join(
        [*rows, f"| **tinytales-1l** | **{loss:.3f}** ± {error:.3f} | **{math.exp(loss):.2f}** |"]
    )


def head_rows(evaluation: dict) -> str:
    """The table of the heads."""
    return "\n".join(
        f"| {row['head']} | {', '.join(row['kinds'])} | {row['self']:.2f} | {row['previous']:.2f}"
        f" | {row['distance']:.2f} at {row['best_distance']} | {row['first']:.2f}"
        f" | {row['duplicate']:.2f} ({row['duplicate_lift']:.1f}×) | {row['names_lift']:.1f}×"
        f" | {row['by_distance']:.0%} | {nats(row)} | {row['delta_loss_names']:+.4f} |"
        for row in evaluation["heads"]
    )


def write_card(folder: Path) -> str:
    """The card of the model in `folder`."""
    training = json.loads((folder / "training.json").read_text())
    evaluation = json.loads((folder / "evaluation.json").read_text())
    known = grammar()
    story = write_story(folder, temperature=SAMPLE_TEMPERATURE, seed=SAMPLE_SEED)
    values = {
        **training,
        "parameters": thousands(evaluation["parameters"]),
        "sha": evaluation["weights_sha256"],
        "plots": len(known.plots),
        "names": len({name for group in known.names.values() for name in group}),
        "stories": thousands(training["stories"]),
        "tokens": thousands(training["tokens"]),
        "steps": thousands(training["steps"]),
        "minutes": round(training["seconds"] / 60),
        "held_stories": thousands(evaluation["held_out"]["stories"]),
        "predictions": thousands(evaluation["held_out"]["predictions"]),
        "losses": loss_rows(evaluation),
        "head_stories": evaluation["head_stories"],
        "heads": head_rows(evaluation),
        "all_delta": nats(evaluation["all_heads_ablated"]),
        "all_names": f"{evaluation['all_heads_ablated']['delta_loss_names']:+.4f}",
        "sample_seed": SAMPLE_SEED,
        "sample": story.replace("\n\n", "\n>\n> "),
    }
    template = (Path(__file__).parent / "card.md").read_text()
    return re.sub(r"\$(\w+)", lambda match: str(values[match[1]]), template)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the model's folder")
    options = parser.parse_args()
    (options.folder / "README.md").write_text(write_card(options.folder))


if __name__ == "__main__":
    main()

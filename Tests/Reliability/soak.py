"""Hours of mixed calls: the daemon's memory does not grow."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence

from crowd import Crowd, serial_answers
from questions import some_question
from record import Trial
from subject import subject

GOAL = "2 h soak, mixed: memory slope under 1 MiB per hour after the first half hour"
MOST_SLOPE = 1.0
# A slope over less time is noise: there the whole growth is judged.
LEAST_MINUTES = 15.0
MOST_GROWTH = 8 * (1 << 20)
# Of the whole time, what is left out of the slope.
WARM_UP = 0.25
LONGEST_ROUND = 10.0
CONFIGURATION = 'cache = "8M"\n'
MIB = 1 << 20


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes", type=float, default=120, help="(%(default)s)")
    parser.add_argument("--clients", type=int, default=8, help="(%(default)s)")
    parser.add_argument("--users", type=int, default=4, help="(%(default)s)")
    parser.add_argument("--questions", type=int, default=4000, help="different requests (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    """Asks for so long, looking at the memory now and then."""
    trial = Trial()
    chance = random.Random(options.seed)
    questions = [some_question(chance) for _ in range(options.questions)]
    samples: list[tuple[float, int]] = []
    with subject(configuration=CONFIGURATION) as daemon:
        answers = serial_answers(str(daemon.socket), questions)
        crowd = Crowd(str(daemon.socket), options.users, options.clients, questions, answers)
        length = min(LONGEST_ROUND, options.minutes * 60 / 4)
        begun = time.monotonic()
        first = daemon.resources()
        try:
            while (now := time.monotonic() - begun) < options.minutes * 60:
                for part in crowd.ask(length, options.seed + len(samples)):
                    trial.take(part.trial)
                    trial.count("requests", len(part.seconds))
                samples.append((now, daemon.resources().resident_bytes))
        finally:
            crowd.end()
        time.sleep(1)
        last = daemon.resources()
    kept = [(at, size) for at, size in samples if at >= WARM_UP * options.minutes * 60]
    slope = _slope(kept) * 3600 / MIB
    trial.figures |= {
        "minutes": options.minutes,
        "MiB an hour": round(slope, 2),
        "resident MiB at the beginning": round(samples[0][1] / MIB, 1),
        "resident MiB at the end": round(samples[-1][1] / MIB, 1),
    }
    if options.minutes >= LEAST_MINUTES:
        trial.expect(slope < MOST_SLOPE, f"memory grows by {slope:.2f} MiB an hour; less than {MOST_SLOPE} asked")
    growth = samples[-1][1] - samples[0][1]
    trial.expect(growth < MOST_GROWTH, f"memory grew by {growth / MIB:.1f} MiB")
    trial.expect(
        last.descriptors <= first.descriptors, f"descriptors went from {first.descriptors} to {last.descriptors}"
    )
    return trial


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    """The slope of what grows by 2 MiB an hour under noise of 1 MiB."""
    chance = random.Random(options.seed)
    trial = Trial()
    grows = [(at, int((100 + 2 * at / 3600 + chance.uniform(-0.5, 0.5)) * MIB)) for at in range(0, 5400, 10)]
    slope = _slope(grows) * 3600 / MIB
    trial.expect(slope < MOST_SLOPE, f"memory grows by {slope:.2f} MiB an hour")
    return {"samples that grow by 2 MiB an hour": trial}


def _slope(samples: Sequence[tuple[float, int]]) -> float:
    """Of the line that fits best, in bytes a second."""
    if len(samples) < 2:
        return 0.0
    middle = sum(at for at, _ in samples) / len(samples)
    level = sum(size for _, size in samples) / len(samples)
    return sum((at - middle) * (size - level) for at, size in samples) / sum((at - middle) ** 2 for at, _ in samples)

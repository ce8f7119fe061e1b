"""Many clients of many users at once: every answer is the serial one, and every user gets a fair share."""

from __future__ import annotations

import argparse
import math
import random

from crowd import Crowd, by_user, serial_answers
from questions import some_question
from record import Trial
from subject import subject

GOAL = (
    "64 clients of 8 uids, mixed calls, 500,000 requests: 0 wrong answers against the serial ones, 0 unexplained "
    "errors, every uid at least 0.8 of its fair share"
)
LEAST_SHARE = 0.8
# Seconds that the crowd asks before its answers are looked at.
ROUND = 20.0
# So small that activations come and go.
CONFIGURATION = 'cache = "8M"\n'


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=int, default=500_000, help="requests at least (%(default)s)")
    parser.add_argument("--clients", type=int, default=64, help="(%(default)s)")
    parser.add_argument("--users", type=int, default=8, help="(%(default)s)")
    parser.add_argument("--questions", type=int, default=4000, help="different requests (%(default)s)")
    parser.add_argument("--round", type=float, default=ROUND, help="seconds between two looks (%(default)s)")


def run(options: argparse.Namespace) -> Trial:
    return _crowd(options, options.count)


def controls(options: argparse.Namespace) -> dict[str, Trial]:
    return {
        "two expected answers exchanged": _crowd(options, 1, swaps=True),
        "clients of one user that rest for 0.2 s after each answer": _crowd(options, 1, pause=0.2),
    }


def _crowd(options: argparse.Namespace, count: int, swaps: bool = False, pause: float = 0) -> Trial:
    trial = Trial()
    chance = random.Random(options.seed)
    questions = [some_question(chance) for _ in range(options.questions)]
    with subject(configuration=CONFIGURATION) as daemon:
        answers = serial_answers(str(daemon.socket), questions)
        if swaps:
            # Of the first question's own kind, so that nothing but the numbers tells.
            twin = next(
                index for index in range(1, len(questions)) if questions[index].method == questions[0].method
                and answers[index] != answers[0]
            )  # fmt: skip
            answers[0], answers[twin] = answers[twin], answers[0]
        crowd = Crowd(str(daemon.socket), options.users, options.clients, questions, answers)
        shares: dict[int, int] = {}
        seconds: list[float] = []
        took = 0.0
        try:
            while len(seconds) < count and not trial.violations:
                parts = crowd.ask(options.round, options.seed + len(seconds), pause)
                took += options.round
                for part in parts:
                    trial.take(part.trial)
                    seconds += part.seconds
                for uid, number in by_user(parts).items():
                    shares[uid] = shares.get(uid, 0) + number
        finally:
            crowd.end()
        trial.expect(daemon.is_alive, f"the daemon ended: {daemon.log()[-500:]}")
    trial.count("requests", len(seconds))
    trial.count("questions", len(questions))
    fair = len(seconds) / max(len(shares), 1)
    least = min(shares.values(), default=0) / max(fair, 1)
    trial.figures |= {
        "requests per second": round(len(seconds) / took, 1),
        "least share of the fair one": round(least, 3),
    }
    trial.time("call", seconds)
    # Few answers say little: a count has its noise.
    noise = 3 / math.sqrt(max(fair, 1))
    trial.expect(least >= LEAST_SHARE - noise, f"a user got {least:.2f} of its fair share; {LEAST_SHARE} asked")
    return trial

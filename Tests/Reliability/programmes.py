"""The programmes, from their command line to their record."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from record import Control, Record, Trial

# Each is a module with GOAL, options(parser), run(options) and controls(options): faults that are planted, and what was
# found of them.
FAULTS = ("kills", "system_calls", "ordering", "full_disk", "frames", "disconnects", "access")
LOAD = ("crowded", "waiting", "slow_peers", "throughput", "soak")
# These build what they run.
BUILDING = ("decoder", "races")
NAMES = FAULTS + LOAD + BUILDING


def perform(arguments: Sequence[str]) -> tuple[Record, Path | None]:
    """Runs the programme that is named; its record, and where that is wanted."""
    modules = {name: importlib.import_module(name) for name in NAMES}
    options = _parser(modules).parse_args(arguments)
    module = modules[options.programme]
    controls = [] if options.no_controls else [_judged(*found) for found in module.controls(options).items()]
    for control in controls:
        print(f"{control.planted}: {'caught' if control.is_caught else 'NOT CAUGHT'}", file=sys.stderr)
    begun = time.monotonic()
    trial = module.run(options)
    told = {key: value for key, value in vars(options).items() if key not in ("programme", "record", "no_controls")}
    record = Record(
        programme=options.programme,
        goal=module.GOAL,
        options=told,
        counts=trial.counts,
        figures=trial.figures,
        violations=trial.violations,
        controls=controls,
        seconds=round(time.monotonic() - begun, 1),
    )
    return record, options.record


def _parser(modules: dict[str, ModuleType]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python Tests/Reliability", description="Runs a programme of faults or load.")
    commands = parser.add_subparsers(dest="programme", required=True)
    for name, module in modules.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--seed", type=int, default=1, help="what chance begins with (%(default)s)")
        command.add_argument("--record", type=Path, help="also write the record there")
        command.add_argument("--no-controls", action="store_true", help="plant no faults")
        module.options(command)
    return parser


def _judged(planted: str, trial: Trial) -> Control:
    return Control(planted, bool(trial.violations), trial.violations[0] if trial.violations else "")

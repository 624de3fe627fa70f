"""The verb `study plan`: trials, time, disk, and power."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.cli._output import print_json
from efficienttrust.cli._tables import print_table, text

if TYPE_CHECKING:
    from efficienttrust.study.plan import Plan


def plan(file: Path, /, *, store: str | None = None, pilot: bool = False, json: bool = False) -> int:
    """Show cells, trials by state, the time and disk that are left to pay, and the power of the hypotheses.

    Args:
        file: The study file.
        store: The store, where it is not beside the study file.
        pilot: First run two trials of each class of data, model and mitigation; they stay in the store.
        json: Print one JSON document on stdout.
    """
    from efficienttrust.study.plan import make_plan, run_pilot
    from efficienttrust.study.spec import open_study

    study = open_study(file)
    if pilot:
        for trial, outcome in run_pilot(study, store):
            said = ", ".join(f"{name}={level}" for name, level in trial.factors.items())
            print(f"pilot: {said}, seed {trial.seed}: {outcome.status} {outcome.reason}".rstrip(), file=sys.stderr)
    made = make_plan(study, store)
    if json:
        print_json(dataclasses.asdict(made))
    else:
        _show(made)
    return 0


def _show(made: Plan) -> None:
    print(f"{made.cells} cells × {made.seeds} seeds = {made.trials} trials, of which {made.exclusive} run alone")
    print(", ".join(f"{count} {state}" for state, count in made.states.items() if count))
    if made.fraction:
        print(made.fraction)
    if not made.unknown:
        print_table(["workers", "hours left"], [(n, seconds / 3600) for n, seconds in made.seconds.items()])
    if not math.isnan(made.disk):
        print(f"store at the end: {text(made.disk)} bytes")
    if made.power:
        rows = [(one.hypothesis, one.units, one.detectable, one.effect, one.power, one.note) for one in made.power]
        print_table(["hypothesis", "units", "detectable", "effect", "power", ""], rows)
    for note in made.notes:
        print(f"note: {note}")

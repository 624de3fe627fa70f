"""Studies that have run, for tests of what leaves a store."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

from efficienttrust.study import Constraint, Design, Factor, Outcome
from efficienttrust.study.store import Store, open_store
from tests.study.store.planned import IDENTITY, plan

TARGET = "accuracy >= 0.8"
DESIGN = Design(
    name="small",
    question="Does the model matter?",
    factors=(Factor("model", ("trees", "linear", "mlp"), "linear"),),
    constraints={"none": Constraint("none")},
    hypotheses=(),
    alpha=0.05,
    targets={},
    seeds=(0, 1),
    planned=6,
    spec_hash="s" * 64,
    declared_hash="h" * 64,
)
STUDY = dataclasses.replace(IDENTITY, design=DESIGN.as_plain())


def outcome_of(number: int, shift: float = 0.0) -> Outcome:
    if number == 2:
        return Outcome(
            "failed", reason="ValueError: no", traceback="Traceback (most recent call last):\n  here\nValueError: no"
        )
    if number == 3:
        return Outcome("infeasible", reason="the budget is shorter than one step")
    figures = {
        "metric.accuracy": round(0.8 + number / 100, 2) + shift,
        "metric.robust_accuracy(pgd, eps=0.25)": math.nan if number == 0 else 0.5,
        "hit": 1.0,
        "cost.time_wall": 1.5 + shift,
        "cost.steps": 60.0,
        "run.started": 1_790_000_000.0,
    }
    if number == 4:
        figures["group.accuracy.sex=F"] = 0.77
    return Outcome("done", figures, details={"verdicts": [{"target": TARGET, "status": "met", "reason": ""}]})


@contextlib.contextmanager
def finished(folder: Path, name: str = "study.db", *, count: int = 5, shift: float = 0.0) -> Iterator[Store]:
    """A study of six trials, of which so many have ended: 2 failed, 3 was infeasible, the others are done."""
    trials = plan(6)
    trials = [dataclasses.replace(one, settings={**one.settings, "targets": [TARGET]}) for one in trials]
    with open_store(folder / name) as store:
        store.begin(STUDY, trials)
        for number, lease in enumerate(store.claim("worker 1", seconds=600, limit=count)):
            assert store.finish(lease, outcome_of(number, shift))
        yield store

"""The plan of a study: its trials by state, what is left to pay, and the power of what was declared."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from efficienttrust.study.plan._costs import Observed, observed, wall_seconds
from efficienttrust.study.plan._power import Power, power_of

if TYPE_CHECKING:
    from efficienttrust.study._trial import Trial
    from efficienttrust.study.spec import Study
    from efficienttrust.study.store import StoredTrial

WORKERS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Plan:
    """A plan.

    Attributes:
        name: Of the study.
        cells: How many cells.
        seeds: How many replicates of each.
        trials: How many trials.
        states: How many are `new` to the store, `waiting`, `running`, `done`, `failed`, `infeasible`.
        exclusive: How many trials have to run alone.
        seconds: Wall-clock seconds that the trials left take, by number of workers; NaN where not known.
        unknown: How many of them are of a class that nothing is known about.
        disk: Bytes that the store will have at the end; NaN where not known.
        fraction: What fraction of the full design it is, in words; empty for a full one.
        power: Of each hypothesis.
        declared_hash: Hash of what was declared.
        notes: What a reader should know.
    """

    name: str
    cells: int
    seeds: int
    trials: int
    states: dict[str, int]
    exclusive: int
    seconds: dict[int, float]
    unknown: int
    disk: float
    fraction: str
    power: tuple[Power, ...]
    declared_hash: str
    notes: tuple[str, ...]


def make_plan(study: Study, store: str | Path | None = None) -> Plan:
    """Return the plan of a study against its store, where there is one.

    Args:
        study: The study.
        store: Its store; by default the file beside the study file.

    Raises:
        UsageError: Data cannot be found, two cells are the same, or the store cannot be read.
    """
    trials = study.trials()
    stored, size = _stored(study, store)
    state = {one.trial.key: one.state for one in stored}
    states = Counter(state.get(one.key, "new") for one in trials)
    left = [one for one in trials if state.get(one.key, "new") in ("new", "waiting", "running")]
    costs = observed(stored)
    ended = sum(one.outcome is not None for one in stored)
    other = len(state.keys() - {one.key for one in trials})
    notes = [f"{other} trials of the store are not in this plan: code, data or the file changed since"] if other else []
    unknown = _unknown(left, costs)
    if unknown:
        notes.append("times are not known before a trial of each class has run: add --pilot")
    return Plan(
        name=study.spec.name,
        cells=len(study.cells),
        seeds=len(study.spec.seeds),
        trials=len(trials),
        states={name: states[name] for name in ("new", "waiting", "running", "done", "failed", "infeasible")},
        exclusive=sum(one.exclusive for one in trials),
        seconds={workers: wall_seconds(left, costs, workers) for workers in WORKERS},
        unknown=unknown,
        disk=size / ended * len(trials) if ended and size else math.nan,
        fraction=study.fraction,
        power=tuple(power_of(one, study.design, study.cells, stored) for one in study.design.hypotheses),
        declared_hash=study.design.declared_hash,
        notes=tuple(notes),
    )


def _stored(study: Study, store: str | Path | None) -> tuple[list[StoredTrial], float]:
    """Return the trials of the store and its bytes, 0 where they are not known; none where there is no store."""
    where = str(study.store if store is None else store)
    if "://" not in where and not Path(where).exists():
        return [], 0.0
    from efficienttrust.study.store import open_store

    with open_store(where, read_only=True) as one:
        stored = list(one.trials())
    return stored, 0.0 if "://" in where else float(Path(where).stat().st_size)


def _unknown(trials: list[Trial], costs: Observed) -> int:
    return sum(math.isnan(costs.seconds(one)) for one in trials)

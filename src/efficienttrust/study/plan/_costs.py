"""What trials cost, by what a store has observed."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from efficienttrust.study._trial import Trial

if TYPE_CHECKING:
    from efficienttrust.study.store import StoredTrial

CostClass = tuple[str, str, str]


def cost_class(factors: Mapping[str, str]) -> CostClass:
    """Return what mainly decides what a trial costs: data, model and mitigation."""
    return factors["data"], factors["model"], factors["mitigation"]


@dataclass(frozen=True)
class Observed:
    """Mean wall-clock seconds of finished trials.

    Attributes:
        by_cell: By the address of a cell.
        by_class: By cost class.
    """

    by_cell: Mapping[str, float]
    by_class: Mapping[CostClass, float]

    def seconds(self, trial: Trial) -> float:
        """Return what a trial will take; NaN where nothing like it has run."""
        known = self.by_cell.get(trial.cell)
        return self.by_class.get(cost_class(trial.factors), math.nan) if known is None else known


def observed(stored: Iterable[StoredTrial]) -> Observed:
    """Return what the trials of a store that ended `done` took."""
    cells: dict[str, list[float]] = defaultdict(list)
    classes: dict[CostClass, list[float]] = defaultdict(list)
    for one in stored:
        if one.state == "done" and one.started is not None and one.finished is not None:
            seconds = max(one.finished - one.started, 0.0)
            cells[one.trial.cell].append(seconds)
            classes[cost_class(one.trial.factors)].append(seconds)
    return Observed(
        {cell: statistics.fmean(all_of_it) for cell, all_of_it in cells.items()},
        {name: statistics.fmean(all_of_it) for name, all_of_it in classes.items()},
    )


def wall_seconds(trials: Sequence[Trial], costs: Observed, workers: int) -> float:
    """Return how long workers take for trials of which the exclusive ones run alone; NaN where a cost is not known.

    The rest is shared by the workers, longest first, which comes within a trial's length of this.
    """
    alone = math.fsum(costs.seconds(one) for one in trials if one.exclusive)
    shared = [costs.seconds(one) for one in trials if not one.exclusive]
    return alone + max(math.fsum(shared) / workers, max(shared, default=0.0))

"""Policies on micro-tasks that nobody trained on: paired differences with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats import Policy
from efficienttrust.atats.learning import MicroRuns, Outcome, draw_tasks

HELD_OUT_SEED = 987_654_321
"""Of the tasks to evaluate on. Training draws its tasks from generators seeded otherwise."""


@dataclass(frozen=True)
class Difference:
    """A paired difference.

    Attributes:
        mean: Mean over pairs.
        low: Lower end of the 95 % interval.
        high: Upper end.
        n: Pairs.
    """

    mean: float
    low: float
    high: float
    n: int


def outcomes_on_tasks(policy: Sequence[Policy], *, shifted: bool, seed: int = HELD_OUT_SEED) -> list[Outcome]:
    """Run one policy object per held-out task and return how the runs ended.

    Args:
        policy: As many policies as tasks: each keeps the state of its run.
        shifted: Take tasks from the shifted distribution.
        seed: Of the tasks.
    """
    runs = MicroRuns(draw_tasks(seed, len(policy), shifted=shifted), policy, seed=seed + 1)
    while not runs.finished.all():
        runs.decide()
    return [outcome for outcome in runs.outcomes if outcome is not None]


def paired(values: Sequence[float], others: Sequence[float]) -> Difference:
    """Return the mean of `values` less `others` with its interval by Student's t; NaN ends for fewer than two pairs."""
    from scipy import stats

    difference: NDArray[np.float64] = np.asarray(values, dtype=np.float64) - np.asarray(others, dtype=np.float64)
    n, mean = len(difference), float(difference.mean()) if len(difference) else float("nan")
    if n < 2:
        return Difference(mean, float("nan"), float("nan"), n)
    half = float(stats.t.ppf(0.975, n - 1)) * float(difference.std(ddof=1)) / n**0.5
    return Difference(mean, mean - half, mean + half, n)


def differences(scores: Mapping[str, Sequence[float]]) -> dict[str, Difference]:
    """Return the paired difference of every entry to the first one."""
    first, *others = scores
    return {name: paired(scores[name], scores[first]) for name in others}

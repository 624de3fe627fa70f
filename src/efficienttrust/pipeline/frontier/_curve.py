"""The curve: decision rules of many models that no other rule beats on every axis, found on the calibrate split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import Decision, Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.calibration import calibrate
from efficienttrust.evaluation.choice import TRAINING_ROWS, decision_of, unlabelled_training_rows
from efficienttrust.evaluation.group_head import Head
from efficienttrust.evaluation.rule_data import LABEL_FREE, Calibrated
from efficienttrust.evaluation.splits import calibration_data, score_rows
from efficienttrust.pipeline.frontier._axes import Axes

LADDER = (0.01, 0.02, 0.03, 0.045, 0.06, 0.08, 0.11, 0.15, 1.0)  # bounds on the gap for which a rule is sought
ROWS, ATTACKED_ROWS = 20_000, 3000
FEWEST_ROWS, FEWEST_ATTACKED = 300, 60
THRESHOLDS, LINE = 60, 9


@dataclass(frozen=True, eq=False)
class Point:
    """One model with one decision rule.

    Attributes:
        model: Position of the model.
        decision: Its rule.
        values: [axes] what it comes to on the calibrate split, utility first, each so that higher is better.
    """

    model: int
    decision: Decision
    values: NDArray[np.float64]


def curve(
    problem: Problem,
    scorers: Sequence[Scorer],
    axes: Axes,
    head: Head | None,
    *,
    aware: bool,
    seed: int,
    most: int,
    effort: float = 1.0,
    affordable: Callable[[int], bool] = lambda _: True,
) -> list[Point]:
    """Return at most so many points that none other beats on every axis, by falling utility.

    Args:
        problem: The problem.
        scorers: The models.
        axes: The axes.
        head: Group head of blind calibration.
        aware: Use the true groups at prediction.
        seed: Seed of the attack and of the rows attacked.
        most: Points kept: those that add most to the dominated hypervolume, one after the other.
        effort: Share of the rows that are looked at, in (0, 1].
        affordable: Asked before each model but the first; False ends the search.
    """
    found: list[Point] = []
    for index, scorer in enumerate(scorers):
        if index and not affordable(index):
            break
        found += _of_model(problem, index, scorer, axes, head, aware=aware, seed=seed, effort=effort)
    return sorted(_spread(found, most), key=lambda point: -float(point.values[0]))


def _of_model(
    problem: Problem, index: int, scorer: Scorer, axes: Axes, head: Head | None, *, aware: bool, seed: int,
    effort: float,
) -> list[Point]:  # fmt: skip
    split = problem.splits["calibrate"]
    n = max(FEWEST_ROWS, round(ROWS * effort))
    rows = np.linspace(0, len(split) - 1, min(len(split), n)).astype(np.int64)
    z = score_rows(scorer, split, rows)
    data = calibration_data(
        problem, "calibrate", scorer, z, axes.targets, head, aware=aware,
        attacked_rows=max(FEWEST_ATTACKED, round(ATTACKED_ROWS * effort)), seed=seed, rows=rows,
    )  # fmt: skip
    if axes.fairness is not None and axes.fairness.metric in LABEL_FREE:
        fresh = float(((z > 0) == (data.y > 0)).mean())
        most = round(TRAINING_ROWS * effort)
        more = unlabelled_training_rows(problem, scorer, fresh, head, aware=aware, most=most)
        data = replace(data, more=more)
    points = []
    for bound in LADDER if axes.fairness is not None else LADDER[-1:]:
        targets = [replace(one, bound=bound) if one is axes.fairness else one for one in axes.targets]
        rule = calibrate(data, targets, {}, n_thresholds=THRESHOLDS, line=LINE)
        points.append(Point(index, decision_of(rule, head, aware=aware), _values(rule, axes)))
    return points


def _values(rule: Calibrated, axes: Axes) -> NDArray[np.float64]:
    said = [rule.utility]
    for target in axes.targets:
        value = rule.values[target.key]
        said.append(-value if target.relation == "<=" else value)
    return np.array(said)


def _spread(points: Sequence[Point], most: int) -> list[Point]:
    """Return the points that add most to the dominated hypervolume, above the worst of each axis."""
    import moocore

    if not points:
        return []
    values = np.array([point.values for point in points])
    values = np.nan_to_num(values, nan=-1.0)
    kept = np.flatnonzero(moocore.is_nondominated(values, maximise=True))
    low, high = values[kept].min(axis=0), values[kept].max(axis=0)
    scaled = (values[kept] - low) / np.where(high > low, high - low, 1.0)
    chosen: list[int] = []
    left = list(range(len(kept)))
    while left and len(chosen) < most:
        volumes = [
            moocore.hypervolume(scaled[[*chosen, one]], ref=np.full(scaled.shape[1], -0.1), maximise=True)
            for one in left
        ]
        chosen.append(left.pop(int(np.argmax(volumes))))
    return [points[int(kept[one])] for one in chosen]

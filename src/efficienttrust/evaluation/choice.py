"""The choice among candidates: each is calibrated on the calibrate split, and the first stays unless another is better.

Selection among noisy figures loses more than it gains (prototype, research C): a candidate replaces the preferred one
only if its objective is higher by more than a standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from efficienttrust.compression import Decision, Scorer, score_encoded
from efficienttrust.data import Problem
from efficienttrust.evaluation.calibration import Calibrated, CalibrationData, calibrate, target_margins
from efficienttrust.evaluation.group_head import Head
from efficienttrust.evaluation.splits import calibration_data, split_codes
from efficienttrust.evaluation.targets import Target

ATTACKED_ROWS = 4000
LINE = 25
CONFIDENCE = 1.4  # standard errors of the difference between calibrate and test by which targets are tightened


@dataclass(frozen=True, eq=False)
class Choice:
    """A candidate with its decision rule.

    Attributes:
        index: Position among the candidates.
        decision: The rule that is folded into the exported file.
        calibrated: What it came to on the calibrate split; None where a candidate was not calibrated.
    """

    index: int
    decision: Decision
    calibrated: Calibrated


def choose(
    problem: Problem,
    scorers: Sequence[Scorer],
    targets: Sequence[Target],
    head: Head | None,
    *,
    aware: bool,
    seed: int,
    affordable: Callable[[int], float],
) -> tuple[Choice, list[Calibrated | None]]:
    """Calibrate candidates in order while the budget affords it, and choose one.

    Args:
        problem: The problem.
        scorers: The candidates; the first is preferred and always calibrated.
        targets: The targets.
        head: Group head of blind calibration.
        aware: Use the true groups at prediction.
        seed: Seed of the attacked rows.
        affordable: Asked before each candidate (by position): the share of the full effort that the budget affords,
            in (0, 1]; 0 ends the search (ignored for the first).

    Returns:
        The choice, and what each candidate came to (None where the budget ended before it).
    """
    tried: list[Calibrated | None] = [None] * len(scorers)
    best: int | None = None
    for index, scorer in enumerate(scorers):
        effort = affordable(index)
        if index > 0 and effort <= 0:
            break
        found = _calibrate(problem, scorer, targets, head, aware=aware, seed=seed, effort=min(max(effort, 0.05), 1.0))
        tried[index] = found
        if best is None:
            best = index
            continue
        preferred = tried[best]
        assert preferred is not None
        n = len(problem.splits["calibrate"].y)
        error = math.sqrt(max(preferred.utility * (1 - preferred.utility), 1e-6) / n)
        if found.objective > preferred.objective + error:
            best = index
    assert best is not None, "there is at least one candidate"
    chosen = tried[best]
    assert chosen is not None
    return Choice(best, _decision(chosen, head, aware=aware), chosen), tried


def _calibrate(
    problem: Problem,
    scorer: Scorer,
    targets: Sequence[Target],
    head: Head | None,
    *,
    aware: bool,
    seed: int,
    effort: float,
) -> Calibrated:
    z = score_encoded(scorer, problem.splits["calibrate"].x)
    data: CalibrationData = calibration_data(
        problem, "calibrate", scorer, z, targets, head, aware=aware,
        attacked_rows=max(200, round(ATTACKED_ROWS * effort)), seed=seed,
    )  # fmt: skip
    margins = target_margins(targets, data, split_codes(problem, "test"), CONFIDENCE)
    return calibrate(data, targets, margins, line=max(7, round(LINE * effort)))


def _decision(found: Calibrated, head: Head | None, *, aware: bool) -> Decision:
    if aware:
        return Decision(found.threshold, found.offsets.astype(np.float64), None, by_group=True)
    if head is None or not np.any(found.offsets):
        return Decision(found.threshold)
    return Decision(found.threshold, found.offsets.astype(np.float64), head)

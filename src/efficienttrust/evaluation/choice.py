"""The choice among candidates: each is calibrated on the calibrate split, and the first stays unless another is better.

Selection among noisy figures loses more than it gains (prototype, research C): a candidate replaces the preferred one
only if utility less shortfall is higher by more than a standard error.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import Decision, Scorer
from efficienttrust.data import Problem
from efficienttrust.evaluation.calibration import calibrate, evaluate_rule
from efficienttrust.evaluation.group_head import Head, posterior
from efficienttrust.evaluation.margins import errors_here_and_there, target_margins
from efficienttrust.evaluation.rates import ROBUST_METRICS
from efficienttrust.evaluation.rule_data import LABEL_FREE, Calibrated, CalibrationData, Unlabelled, robustness_key
from efficienttrust.evaluation.selection import Errors
from efficienttrust.evaluation.splits import calibration_data, one_hot, score_rows, split_codes
from efficienttrust.evaluation.targets import Target

ATTACKED_ROWS = 8000
FEWEST_ATTACKED = {"table": 200, "image": 50}
WIDER = (2.0, 2.5, 3.0)  # tried in turn while accuracy hardly falls
CHEAP = 0.25  # standard errors of the accuracy that wider margins may cost in all
LINE = 25
LEAST_EFFORT = 0.05
TRAINING_ROWS = 30_000
CALIBRATION_ROWS = 60_000  # more make no rate visibly sharper, and the search reads them all a hundred times
BY_HEART = 0.03  # more accurate on training rows than on new ones by this, a model knows them by heart
CONFIDENCE = 1.5  # standard errors of the difference between calibrate and test by which targets are tightened


@dataclass(frozen=True, eq=False)
class Choice:
    """A candidate with its decision rule.

    Attributes:
        index: Position among the candidates.
        decision: The rule that is folded into the exported file.
        calibrated: What it came to on the calibrate split.
        effort: Share of the full calibration that the budget afforded for each candidate, in (0, 1].
        errors: For each candidate the standard errors of its targets on calibrate, and on as many rows as certify has;
            None where the budget ended before it.
    """

    index: int
    decision: Decision
    calibrated: Calibrated
    effort: float
    errors: tuple[Errors | None, ...]


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
    errors: list[Errors | None] = [None] * len(scorers)
    best: int | None = None
    effort = 1.0  # that of the first, for all: what is compared is calibrated alike, and costs what was predicted
    for index, scorer in enumerate(scorers):
        share = min(affordable(index), 1.0)
        if index == 0:
            effort = max(share, LEAST_EFFORT)
        elif share < effort:
            break
        found, errors[index] = _calibrate(problem, scorer, targets, head, aware=aware, seed=seed, effort=effort)
        tried[index] = found
        if best is None:
            best = index
            continue
        preferred = tried[best]
        assert preferred is not None
        n = calibration_rows(problem)
        error = math.sqrt(max(preferred.utility * (1 - preferred.utility), 1e-6) / n)
        if found.rank > preferred.rank + error:
            best = index
    assert best is not None, "there is at least one candidate"
    chosen = tried[best]
    assert chosen is not None
    return Choice(best, decision_of(chosen, head, aware=aware), chosen, effort, tuple(errors)), tried


def another(
    choice: Choice, index: int, tried: Sequence[Calibrated | None], head: Head | None, *, aware: bool
) -> Choice:
    """Return the choice of the candidate at `index`, which was calibrated, in place of the one that was chosen."""
    found = tried[index]
    assert found is not None, "only what was calibrated has a rule"
    return dataclasses.replace(choice, index=index, decision=decision_of(found, head, aware=aware), calibrated=found)


def calibration_rows(problem: Problem) -> int:
    """Return how many rows a full calibration reads."""
    return min(len(problem.splits["calibrate"]), CALIBRATION_ROWS)


def _evenly(n: int, most: int) -> NDArray[np.int64]:
    """Return all positions of n rows, or `most` of them evenly, as a source may be in some order."""
    return np.linspace(0, n - 1, min(n, max(most, 1))).astype(np.int64)


def rows_scored(problem: Problem, targets: Sequence[Target], passes: float) -> float:
    """Return how many rows one full calibration scores, at `passes` forward passes for each attacked row."""
    n_calibrate, n_train = calibration_rows(problem), len(problem.splits["train"].y)
    keys = {robustness_key(target) for target in targets if target.metric in ROBUST_METRICS}
    label_free = problem.task == "binary" and any(target.metric in LABEL_FREE for target in targets)
    more = min(TRAINING_ROWS, n_train) if label_free else 0
    return n_calibrate + more + len(keys) * passes * min(ATTACKED_ROWS, n_calibrate)


def _calibrate(
    problem: Problem,
    scorer: Scorer,
    targets: Sequence[Target],
    head: Head | None,
    *,
    aware: bool,
    seed: int,
    effort: float,
) -> tuple[Calibrated, Errors]:
    split = problem.splits["calibrate"]
    rows = _evenly(len(split), round(CALIBRATION_ROWS * effort))
    z = score_rows(scorer, split, rows)
    data = calibration_data(
        problem, "calibrate", scorer, z, targets, head, aware=aware,
        attacked_rows=max(FEWEST_ATTACKED[problem.kind], round(ATTACKED_ROWS * effort)), seed=seed, rows=rows,
    )  # fmt: skip
    if problem.task == "binary" and any(target.metric in LABEL_FREE for target in targets):
        fresh = float(((z > 0) == (data.y > 0)).mean())
        more = unlabelled_training_rows(problem, scorer, fresh, head, aware=aware, most=round(TRAINING_ROWS * effort))
        data = dataclasses.replace(data, more=more)
    wider = WIDER if effort > LEAST_EFFORT else ()  # at the least effort the budget is as good as used up
    found = _with_cheap_margins(
        data, targets, len(problem.splits["test"]), line=max(7, round(LINE * effort)), wider=wider
    )
    n_certify = len(problem.splits["certify"])
    return found, {target.key: errors_here_and_there(target, data, n_certify) for target in targets}


def _with_cheap_margins(
    data: CalibrationData, targets: Sequence[Target], n_new: int, *, line: int, wider: Sequence[float] = WIDER
) -> Calibrated:
    """Calibrate to targets tightened by `CONFIDENCE`, then by more as long as that costs next to no accuracy.

    A target that is met by a wider margin is missed more rarely on new rows, and certified more often. A wider margin
    is taken while it is met and costs less than `CHEAP` standard errors of the accuracy: nobody could measure the loss.
    """
    base = target_margins(targets, data, n_new, CONFIDENCE)
    found = calibrate(data, targets, base, line=line)
    error = math.sqrt(max(found.utility * (1 - found.utility), 1e-6) / len(data.y))
    floor = found.utility - CHEAP * error
    for confidence in wider if found.shortfall <= 0 else ():
        margins = target_margins(targets, data, n_new, confidence)
        tightened = calibrate(data, targets, margins, line=max(5, line // 3), start=found.offsets)
        if tightened.shortfall > 0 or tightened.utility < floor:
            break
        found = tightened
    return evaluate_rule(data, found.threshold, found.offsets, targets, base)


def unlabelled_training_rows(
    problem: Problem, scorer: Scorer, fresh: float, head: Head | None, *, aware: bool, most: int
) -> Unlabelled | None:
    """Return (at most so many) training rows as unlabelled ones, unless the model knows them too well.

    A rule that is fitted on few rows looks better there than it is, and selection rates need no labels. They are the
    same on training rows as on new ones only as long as the model has not learned the former by heart.
    """
    train = problem.splits["train"]
    rows = _evenly(len(train), most)
    z_train = score_rows(scorer, train, rows)
    fitted = float(((z_train > 0) == (train.y[rows] > 0)).mean())
    if fitted - fresh > BY_HEART:
        return None
    codes = split_codes(problem, "train", rows)
    if aware:
        groups = one_hot(*codes[""])
    else:
        groups = np.zeros((len(z_train), 0), np.float32) if head is None else posterior(head, train.x[rows])
    return Unlabelled(z_train, codes, groups, None if train.weight is None else train.weight[rows])


def decision_of(found: Calibrated, head: Head | None, *, aware: bool) -> Decision:
    """Return a calibrated rule as it is folded into a file."""
    if aware:
        return Decision(found.threshold, found.offsets.astype(np.float64), None, by_group=True)
    if head is None or not np.any(found.offsets):
        return Decision(found.threshold)
    return Decision(found.threshold, found.offsets.astype(np.float64), head)

"""Scores of rows by models and calibrators that never saw them: folds, Platt's sigmoid, isotonic steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from efficienttrust.theory._frontier_rows import Codes, Floats

Calibration = Literal["best", "isotonic", "platt", "none"]
LEAST_OF_A_CLASS = 25
"""Positives and negatives that a group needs in the other folds for a calibrator of its own."""
STEPS = 50


def dealt_folds(y: Floats, codes: Codes, folds: int, seed: int) -> Codes:
    """Return the fold of each row [n]; rows of one group and label are spread evenly."""
    order = np.lexsort((np.random.default_rng(seed).random(len(y)), y, codes))
    fold = np.empty(len(y), dtype=np.int64)
    fold[order] = np.arange(len(y)) % folds
    return fold


def cross_calibrated(
    scores: Floats, y: Floats, weight: Floats, codes: Codes, fold: Codes, calibration: Calibration, *, by_group: bool
) -> Floats:
    """Return probabilities [n] for scores [n]: those of a fold by calibrators of the other folds.

    Args:
        scores: What is calibrated, within [0, 1].
        y: Labels.
        weight: Weights.
        codes: Groups.
        fold: Of each row.
        calibration: `isotonic`: any rising function; `platt`: a sigmoid of the score's log-odds; `best`: whichever has
            the lower Brier score out of fold; `none`.
        by_group: Calibrate each group by itself where it has rows enough of both classes, else with all others.
    """
    if calibration == "none":
        return scores
    if calibration == "best":
        kinds: tuple[Calibration, ...] = ("platt", "isotonic")
        tried = [cross_calibrated(scores, y, weight, codes, fold, kind, by_group=by_group) for kind in kinds]
        return min(tried, key=lambda found: float(weight @ (found - y) ** 2))
    fit = _isotonic if calibration == "isotonic" else _platt
    found = np.empty_like(scores)
    for one in np.unique(fold):
        here, other = fold == one, fold != one
        found[here] = fit(scores[other], y[other], weight[other])(scores[here])
        for code in np.unique(codes) if by_group else ():
            own = other & (codes == code)
            if min((y[own] == 1).sum(), (y[own] == 0).sum()) >= LEAST_OF_A_CLASS:
                asked = here & (codes == code)
                found[asked] = fit(scores[own], y[own], weight[own])(scores[asked])
    return found


def _isotonic(scores: Floats, y: Floats, weight: Floats) -> Callable[[Floats], Floats]:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, y, sample_weight=weight)
    return lambda asked: np.clip(model.predict(asked), 0, 1)


def _platt(scores: Floats, y: Floats, weight: Floats) -> Callable[[Floats], Floats]:
    """Fit 1 / (1 + exp(-a - b logit(score))) by Newton's method, to labels drawn in as Platt 1999 does.

    His targets (N1 + 1) / (N1 + 2) and 1 / (N0 + 2) keep a and b finite where scores separate the classes.
    """
    from scipy.special import expit

    positive, total = float(weight @ y), float(weight.sum())
    target = np.where(y == 1, (positive + 1) / (positive + 2), 1 / (total - positive + 2))
    columns = np.stack([np.ones(len(scores)), _log_odds(scores)], axis=1)
    share = float(weight @ target) / total
    found = np.array([np.log(share / (1 - share)), 0.0])
    for _ in range(STEPS):
        said = expit(columns @ found)
        gradient = columns.T @ (weight * (target - said))
        curvature = (columns * (weight * said * (1 - said))[:, None]).T @ columns
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))  # far from the optimum a full step may overshoot
        found += step
        if np.abs(step).max() < 1e-9:
            break
    a, b = found

    def calibrated(asked: Floats) -> Floats:
        probability: Floats = expit(a + b * _log_odds(asked))
        return probability

    return calibrated


def _log_odds(scores: Floats) -> Floats:
    inside = np.clip(scores, 1e-6, 1 - 1e-6)
    odds: Floats = np.log(inside / (1 - inside))
    return odds

"""The two sets of scores that every statistic compares: how they are read, and why a comparison may be impossible."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.metrics.values import Floats, Outcome


def scores_of(outcome: Outcome, metric: str, detector: str) -> tuple[Floats, Floats]:
    """Return the scores (of the rows of an outcome that were scored, of the out-of-distribution rows) of a detector.

    Raises:
        UsageError: The detector was not run on these rows.
    """
    inside, scored = inside_scores(outcome, metric, detector)
    return inside[scored], as_scores(outcome.ood[detector][1])


def inside_scores(outcome: Outcome, metric: str, detector: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Return (the score of every row of an outcome [n], which of them have one [n]); the others are NaN.

    Raises:
        UsageError: The detector was not run on these rows.
    """
    if detector not in outcome.ood:
        known = ", ".join(sorted(outcome.ood)) or "none"
        raise UsageError(f"{metric}({detector}) was not measured on these rows; detectors that were run: {known}")
    inside = as_scores(outcome.ood[detector][0])
    return inside, ~np.isnan(inside)


def as_scores(values: ArrayLike) -> Floats:
    """Return scores as float64 [n]; infinite ones are allowed, as only their order counts."""
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1:
        raise ValueError(f"scores are one number a row, got an array of shape {scores.shape}")
    return scores


def obstacle(inside: Floats, outside: Floats) -> str:
    """Return why the two sets cannot be compared, or an empty text."""
    if len(inside) == 0 or len(outside) == 0:
        return f"needs rows of both kinds, has {len(inside)} in-distribution and {len(outside)} out-of-distribution"
    return "some scores are not numbers" if np.isnan(inside).any() or np.isnan(outside).any() else ""

"""The two sets of scores that every statistic compares: how they are read, and why a comparison may be impossible."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.metrics.values import Floats, Outcome


def scores_of(outcome: Outcome, metric: str, detector: str) -> tuple[Floats, Floats]:
    """Return the scores (of the rows of an outcome, of the out-of-distribution rows) that a detector gave.

    Raises:
        UsageError: The detector was not run on these rows.
    """
    if detector not in outcome.ood:
        known = ", ".join(sorted(outcome.ood)) or "none"
        raise UsageError(f"{metric}({detector}) was not measured on these rows; detectors that were run: {known}")
    inside, outside = outcome.ood[detector]
    return as_scores(inside), as_scores(outside)


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


def weight_note(outcome: Outcome) -> str:
    """Return the note that weights of rows are not used, where there are any."""
    return "" if outcome.weight is None else "weights of rows are not used"

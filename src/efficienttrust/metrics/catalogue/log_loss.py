"""Log loss."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.bootstrap import ROW_REPEATS, generator, percentile_estimate, repeats_for, resampled_sums
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome

CLIP = float(np.finfo(np.float64).eps)
"""Scores are kept this far from 0 and 1, as in scikit-learn."""


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    n = len(outcome.y)
    if obstacle := _obstacle(outcome):
        return Estimate.missing(n, obstacle)
    sums = _sums(outcome)
    return percentile_estimate(_mean(sums.sum(axis=0)), _draws(sums, ROW_REPEATS), level, n)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the upper bootstrap limit; the best possible estimate is a loss of 0 with the same uncertainty."""
    n = len(outcome.y)
    if obstacle := _obstacle(outcome):
        return Limit.missing(n, obstacle)
    sums = _sums(outcome)
    draws = _draws(sums, repeats_for(alpha))
    value, estimate = float(np.quantile(draws, 1 - alpha)), _mean(sums.sum(axis=0))
    return Limit(value, max(0.0, value - estimate), n, f"bootstrap, {len(draws)} resamples")


def _obstacle(outcome: Outcome) -> str:
    if len(outcome.y) == 0:
        return "no rows here"
    return "" if np.isfinite(outcome.score).all() else "some scores are not numbers"


def _sums(outcome: Outcome) -> Floats:
    """Return [n, 2]: weighted loss and weight of each row."""
    right = np.where(outcome.y == 1, outcome.score, 1 - np.asarray(outcome.score, dtype=np.float64))
    weight = np.ones(len(right)) if outcome.weight is None else np.asarray(outcome.weight, dtype=np.float64)
    return np.stack([-weight * np.log(np.clip(right.astype(np.float64), CLIP, 1 - CLIP)), weight], axis=1)


def _mean(sums: Floats) -> float:
    return float(sums[0] / sums[1])


def _draws(sums: Floats, repeats: int) -> Floats:
    drawn = resampled_sums(sums, repeats, generator())
    return drawn[:, 0] / drawn[:, 1]


metrics.register("log_loss")(
    Metric(
        name="log_loss",
        definition="Mean negative log-likelihood of the label under the score, in nats.",
        better="lower",
        low=0.0,
        high=float("inf"),
        parameters={},
        compute=_compute,
        limit=_limit,
    )
)

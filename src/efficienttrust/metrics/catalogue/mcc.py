"""Matthews correlation coefficient."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.confusion import confusion_estimate, confusion_limit, divide
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def mcc_of(hits: Floats, actual: Floats, predicted: Floats) -> Floats:
    """Return the correlation; a constant decision has none with anything, which counts as 0 as in scikit-learn.

    References:
        Gorodkin 2004 for more than two classes.
    """
    total = actual.sum(axis=-1)
    shared = hits.sum(axis=-1) * total - (actual * predicted).sum(axis=-1)
    product = (total**2 - (actual**2).sum(axis=-1)) * (total**2 - (predicted**2).sum(axis=-1))
    spread = np.sqrt(np.maximum(product, 0.0))  # weights are summed with rounding, which may go below 0
    return np.where(spread > 0, divide(shared, spread), 0.0)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return confusion_estimate(mcc_of, outcome, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return confusion_limit(mcc_of, outcome, alpha)


metrics.register("mcc")(
    Metric(
        name="mcc",
        definition="Correlation of decision and label; 0 for a constant decision.",
        better="higher",
        low=-1.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
    )
)

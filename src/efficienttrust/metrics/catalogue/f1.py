"""F1."""

from __future__ import annotations

from efficienttrust.metrics.confusion import confusion_estimate, confusion_limit, divide
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def f1_of(hits: Floats, actual: Floats, predicted: Floats) -> Floats:
    """Return 2 TP / (actual + predicted positives) of confusion tables."""
    return divide(2 * hits[..., 1], actual[..., 1] + predicted[..., 1])


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return confusion_estimate(f1_of, outcome, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return confusion_limit(f1_of, outcome, alpha)


metrics.register("f1")(
    Metric(
        name="f1",
        definition="Harmonic mean of precision and recall of the positive class.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
    )
)

"""Balanced accuracy."""

from __future__ import annotations

from efficienttrust.metrics.confusion import confusion_estimate, confusion_limit, divide
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def balanced_accuracy_of(hits: Floats, actual: Floats, predicted: Floats) -> Floats:
    """Return the mean of recall over the classes of confusion tables."""
    recall: Floats = divide(hits, actual).mean(axis=-1)
    return recall


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return confusion_estimate(balanced_accuracy_of, outcome, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return confusion_limit(balanced_accuracy_of, outcome, alpha)


metrics.register("balanced_accuracy")(
    Metric(
        name="balanced_accuracy",
        definition="Mean over classes of the share of their rows that is decided right (recall).",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"binary", "multiclass"}),
    )
)

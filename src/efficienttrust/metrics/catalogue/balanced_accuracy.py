"""Balanced accuracy."""

from __future__ import annotations

from efficienttrust.metrics.confusion import confusion_estimate, confusion_limit, divide
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def _statistic(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> Floats:
    return (divide(tp, tp + fn) + divide(tn, tn + fp)) / 2


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return confusion_estimate(_statistic, outcome, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return confusion_limit(_statistic, outcome, alpha)


metrics.register("balanced_accuracy")(
    Metric(
        name="balanced_accuracy",
        definition="Mean of the true positive rate and the true negative rate.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
    )
)

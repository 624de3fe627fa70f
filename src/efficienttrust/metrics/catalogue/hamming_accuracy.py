"""Share of labels that are right."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.shares import share_estimate, share_limit
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def _shares(outcome: Outcome) -> Floats:
    return np.asarray(np.mean(outcome.prediction == outcome.y, axis=1), dtype=np.float64)


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return share_estimate(_shares(outcome), outcome.weight, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return share_limit(_shares(outcome), outcome.weight, alpha, "higher")


metrics.register("hamming_accuracy")(
    Metric(
        name="hamming_accuracy",
        definition="Mean over rows of the share of their labels that is decided right (1 - Hamming loss).",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=frozenset({"multilabel"}),
    )
)

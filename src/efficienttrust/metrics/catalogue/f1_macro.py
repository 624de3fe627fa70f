"""F1, averaged over classes."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.classes import ONE_VS_REST
from efficienttrust.metrics.confusion import confusion_estimate, confusion_limit, divide
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ranking import Area, area_estimate, area_limit
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def f1_macro_of(hits: Floats, actual: Floats, predicted: Floats) -> Floats:
    """Return the mean of F1 over the classes of confusion tables."""
    scores: Floats = divide(2 * hits, actual + predicted).mean(axis=-1)
    return scores


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    if outcome.task == "multilabel":
        return area_estimate(*_over_labels(outcome), level, how="delta method on the logit scale")
    return confusion_estimate(f1_macro_of, outcome, level)


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    if outcome.task == "multilabel":
        return area_limit(*_over_labels(outcome), alpha, how="delta method on the logit scale")
    return confusion_limit(f1_macro_of, outcome, alpha)


def _over_labels(outcome: Outcome) -> tuple[Area | None, int, str]:
    """Return the mean over labels with the influence of each row, and why there is none.

    Math: F = 2 sum w t / sum w (a + p) of hits t, labels a and decisions p; a row's influence is w (2 t - F (a + p))
    over the sum below.
    """
    n, y = len(outcome.y), np.asarray(outcome.y, dtype=np.float64)
    w = np.ones(n) if outcome.weight is None else np.asarray(outcome.weight, dtype=np.float64)
    empty = [repr(name) for name, there in zip(outcome.class_names, w @ y, strict=True) if not there]
    if n == 0 or empty:
        return None, n, f"no rows of the label {', '.join(empty[:4])} here" if n else "no rows here"
    hits, either = y * outcome.prediction, y + outcome.prediction
    below = w @ either
    score = 2 * (w @ hits) / below
    influence = w * np.mean((2 * hits - score * either) / below, axis=1) * np.sqrt(n / max(n - 1, 1))
    return Area(float(score.mean()), influence, float(((w @ y) ** 2 / (w**2 @ y)).min())), n, ""


metrics.register("f1_macro")(
    Metric(
        name="f1_macro",
        definition="Mean over classes or labels of F1, the harmonic mean of precision and recall.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={},
        compute=_compute,
        limit=_limit,
        tasks=ONE_VS_REST,
    )
)

"""Several statements at once: p-values of targets, and Holm's adjustment for a family of them.

A certificate at level 1 - alpha is a test at alpha of "the metric is worse than the bound", so the smallest alpha at
which it is given is a p-value. Holm's step-down adjustment keeps the chance of any false statement in a family at
alpha, whatever their dependence, and never proves less than dividing alpha by the number of statements.

Example:
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.metric import metrics
from efficienttrust.metrics.values import Outcome

SMALLEST = 1e-4
"""Smallest p-value that is told apart; limits by bootstrap need 20 / alpha resamples."""


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return the adjusted p-values of a family: those at most alpha may be stated together at level 1 - alpha.

    Args:
        p_values: Name of each statement -> its p-value; NaN for one that cannot be tested, which stays NaN and still
            counts as a member of the family.

    Raises:
        ValueError: A p-value lies outside 0 to 1.

    References:
        Holm 1979.
    """
    p = np.array(list(p_values.values()), dtype=np.float64)
    if ((p < 0) | (p > 1)).any():
        raise ValueError(f"p-values lie between 0 and 1, not {p[(p < 0) | (p > 1)][0]:g}")
    order = np.argsort(p)  # NaN last
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1.0)
    return {name: float(value) for name, value in zip(p_values, adjusted, strict=True)}


def p_value(name: str, outcome: Outcome, bound: float, arguments: Arguments | None = None) -> float:
    """Return the p-value of "the metric is worse than `bound`": the smallest alpha at which it is refuted.

    Args:
        name: Name or alias of the metric.
        outcome: What the model said on rows that it was not chosen by.
        bound: The value that the metric is claimed to keep to.
        arguments: Arguments of the metric.

    Returns:
        A value from `SMALLEST` to 1 (1 for anything above 0.5), NaN where the metric cannot be estimated.
    """
    metric = metrics.get(name)
    resolved, sign = metric.resolve(arguments or {}), -1 if metric.better == "higher" else 1

    def distance(alpha: float) -> float:
        return sign * (metric.limit(outcome, resolved, alpha).value - bound)

    if not distance(0.5) <= 0:
        return float("nan") if np.isnan(distance(0.5)) else 1.0
    if distance(SMALLEST) <= 0:
        return SMALLEST
    low, high = np.log(SMALLEST), np.log(0.5)
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (low, middle) if distance(float(np.exp(middle))) <= 0 else (middle, high)
    return float(np.exp(high))

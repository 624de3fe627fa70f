"""Metrics of one's own: a function from arrays to a number becomes a metric with an interval and a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from efficienttrust.metrics.bootstrap import ROW_REPEATS, generator, percentile_estimate
from efficienttrust.metrics.intervals import two_sided_z
from efficienttrust.metrics.metric import BY, Arguments, Metric
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit, Outcome

Function = Callable[[Any, Any, Any, Any, Any], float]
"""(y, prediction, score, groups, weight) -> value; groups are codes with -1 = unknown, weight may be None."""


def metric_from_function(
    name: str,
    function: Function,
    *,
    better: Literal["higher", "lower"],
    definition: str,
    grouped: bool = False,
    low: float = float("-inf"),
    high: float = float("inf"),
    tasks: Iterable[str] = ("binary",),
    needs: Iterable[str] = (),
) -> Metric:
    """Return a metric that calls a function; register it to measure and to target it by name.

    Its interval is the percentile interval of a bootstrap, stratified by label (not for regression), and by group where
    groups are compared; its limit for certificates adds the normal quantile of the bootstrap's standard error, which
    holds for large n only.

    Args:
        name: Letters, digits and underscores.
        function: (y, prediction, score, groups, weight) -> value, NaN where it cannot be estimated.
        better: Which direction is better.
        definition: One sentence that a report prints.
        grouped: Whether it compares groups; then it takes `by=` one sensitive attribute.
        low: Lowest possible value.
        high: Highest possible value.
        tasks: Tasks for which it is defined.
        needs: What it needs beyond labels and decisions, of `NEEDS`.

    Raises:
        ValueError: The name could not be written in a target.

    Example:
        >>> from efficienttrust.metrics import metric_from_function, metrics
        >>> def refused(y, prediction, score, groups, weight):
        ...     return 1 - prediction.mean()
        >>> share_refused = metric_from_function(
        ...     "share_refused", refused, better="lower", definition="Share of rows decided 0.", low=0, high=1
        ... )
        >>> share_refused is metrics.register("share_refused")(share_refused)
        True
    """
    if not name.isidentifier():
        raise ValueError(f"the name of a metric has letters, digits and underscores only, unlike {name!r}")

    def value_of(outcome: Outcome, groups: Array, rows: Array | slice) -> float:
        weight = None if outcome.weight is None else outcome.weight[rows]
        return float(function(outcome.y[rows], outcome.prediction[rows], outcome.score[rows], groups[rows], weight))

    def sample(outcome: Outcome, arguments: Arguments) -> tuple[float, Floats]:
        groups, _ = outcome.partition(arguments.get("by"))
        value = value_of(outcome, groups, slice(None))
        return value, np.array(
            [value_of(outcome, groups, rows) for rows in _resamples(outcome, groups if grouped else None)]
        )

    def compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
        n = len(outcome.y)
        if n == 0:
            return Estimate.missing(n, "no rows here")
        value, draws = sample(outcome, arguments)
        if np.isnan(value):
            return Estimate.missing(n, f"{name} is not defined on these rows")
        return percentile_estimate(value, draws, level, n)

    def limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
        n = len(outcome.y)
        if n == 0:
            return Limit.missing(n, "no rows here")
        value, draws = sample(outcome, arguments)
        finite = draws[np.isfinite(draws)]
        if np.isnan(value) or len(finite) == 0:
            return Limit.missing(n, f"{name} is not defined on these rows")
        sign, ideal = (-1, high) if better == "higher" else (1, low)
        reach = sign * two_sided_z(1 - 2 * alpha) * float(finite.std())
        found, best = (min(max(end + reach, low), high) for end in (value, ideal))
        return Limit(found, best, n, f"bootstrap standard error, {len(draws)} resamples")

    return Metric(
        name=name,
        definition=definition,
        better=better,
        low=low,
        high=high,
        parameters=BY if grouped else {},
        compute=compute,
        limit=limit,
        tasks=frozenset(tasks),
        needs=frozenset(needs),
    )


def _resamples(outcome: Outcome, groups: Array | None) -> list[Array]:
    """Return the rows of each resample, drawn within every label, and group where groups are compared."""
    strata = np.zeros(len(outcome.y), dtype=np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    if outcome.task in ("binary", "multiclass"):
        strata = strata * len(outcome.class_names) + np.asarray(outcome.y, dtype=np.int64)
    order = np.argsort(strata, kind="stable")
    _, first, size = np.unique(strata[order], return_index=True, return_counts=True)
    start, length = np.repeat(first, size), np.repeat(size, size)
    rng = generator()
    return [order[start + (rng.random(len(order)) * length).astype(np.int64)] for _ in range(ROW_REPEATS)]

"""Metrics of one's own: a function from arrays to a number becomes a metric with an interval and a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    holds for large n only; where no resample differs there is none.

    Args:
        name: Letters, digits and underscores.
        function: (y, prediction, score, groups, weight) -> value, NaN where it cannot be estimated; where it
            raises, the metric has no value, and the note says what was raised.
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

    def value_of(outcome: Outcome, groups: Array, rows: Array | slice) -> tuple[float, str]:
        weight = None if outcome.weight is None else outcome.weight[rows]
        columns = outcome.y[rows], outcome.prediction[rows], outcome.score[rows], groups[rows], weight
        try:
            value = float(function(*columns))
        except Exception as error:  # anybody's code may raise anything, and the other metrics are still to be measured
            reason = " ".join(str(error).split())[:160]
            return float("nan"), f"{name} fails on these rows: {type(error).__name__}: {reason}"
        return value, f"{name} is not defined on these rows" if np.isnan(value) else ""

    def sample(outcome: Outcome, arguments: Arguments) -> tuple[float, Floats, str]:
        if len(outcome.y) == 0:
            return float("nan"), np.empty(0), "no rows here"
        groups, _ = outcome.partition(arguments.get("by"))
        value, obstacle = value_of(outcome, groups, slice(None))
        if obstacle:
            return value, np.empty(0), obstacle
        resamples = _resamples(outcome, groups if grouped else None)
        return value, np.array([value_of(outcome, groups, rows)[0] for rows in resamples]), ""

    def compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
        n, (value, draws, obstacle) = len(outcome.y), sample(outcome, arguments)
        return Estimate.missing(n, obstacle) if obstacle else percentile_estimate(value, draws, level, n)

    def limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
        n, (value, draws, obstacle) = len(outcome.y), sample(outcome, arguments)
        finite = draws[np.isfinite(draws)]
        if obstacle or len(finite) == 0:
            return Limit.missing(n, obstacle or "no resample of these rows has a value")
        if np.ptp(finite) == 0:
            return Limit.missing(n, "all resamples have the same value, which says nothing about other rows")
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


def _resamples(outcome: Outcome, groups: Array | None) -> Iterator[Array]:
    """Yield the rows of each resample, drawn within every label, and group where groups are compared."""
    strata = np.zeros(len(outcome.y), dtype=np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    if outcome.task in ("binary", "multiclass"):
        strata = strata * len(outcome.class_names) + np.asarray(outcome.y, dtype=np.int64)
    order = np.argsort(strata, kind="stable")
    _, first, size = np.unique(strata[order], return_index=True, return_counts=True)
    start, length = np.repeat(first, size), np.repeat(size, size)
    rng = generator()
    for _ in range(ROW_REPEATS):
        yield order[start + (rng.random(len(order)) * length).astype(np.int64)]

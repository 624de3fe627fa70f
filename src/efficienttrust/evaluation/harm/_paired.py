"""Changes between two models that answer the same rows: their intervals take the pairing into account.

Letters of the table of pairs: b rows are wrong after only, c before only, a both times, d never. The change of the
error rate is (b - c) / n; its uncertainty comes from the b + c rows that changed, not from all that are wrong.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.evaluation.harm._answers import Array, Pair
from efficienttrust.metrics import Estimate
from efficienttrust.metrics.intervals import percent, two_sided_z, wilson
from efficienttrust.metrics.means import loss_estimate, mean_of, one_value
from efficienttrust.metrics.rates import SMALL, lowest_rate, overall_rate


def paired_change(
    both: ArrayLike, after_only: ArrayLike, before_only: ArrayLike, neither: ArrayLike, z: float
) -> tuple[Array, Array]:
    """Return Newcombe's interval of the difference of two rates that are measured on the same rows.

    Math: Wilson's distances of each rate from its ends, added in squares less twice their product times phi, the
    correlation of the pairs, with a continuity correction where it is positive.

    Args:
        both: a, rows with the event both times; at least 0.
        after_only: b.
        before_only: c.
        neither: d. Numbers may be fractions: effective counts of weighted rows.
        z: Normal quantile, 1.96 at level 0.95.

    Returns:
        The ends of (a + b) / n - (a + c) / n, within [-1, 1].

    References:
        Newcombe 1998, Statistics in Medicine 17:2635, method 10. His table III: (36, 12, 2, 0) gives
        (0.0569, 0.3404).
    """
    a, b, c, d = (np.asarray(cell, dtype=np.float64) for cell in (both, after_only, before_only, neither))
    n = a + b + c + d
    p1, p2 = (a + b) / n, (a + c) / n
    (low1, high1), (low2, high2) = wilson(a + b, n, z), wilson(a + c, n, z)
    spread = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    excess = a * d - b * c
    excess = np.where(excess > 0, np.maximum(excess - n / 2, 0.0), excess)
    phi = np.divide(excess, spread, out=np.zeros_like(n), where=spread > 0)
    below = (p1 - low1) ** 2 - 2 * phi * (p1 - low1) * (high2 - p2) + (high2 - p2) ** 2
    above = (high1 - p1) ** 2 - 2 * phi * (high1 - p1) * (p2 - low2) + (p2 - low2) ** 2
    change = (b - c) / n
    return change - np.sqrt(np.maximum(below, 0.0)), change + np.sqrt(np.maximum(above, 0.0))


def share(event: Array, weight: Array | None, level: float) -> Estimate:
    """Return the share of rows with an event (bool [n]) and Wilson's interval."""
    if len(event) == 0:
        return Estimate.missing(0, "no rows here")
    return replace(lowest_rate(overall_rate(event, weight), level), note=_few(len(event)))


def error_of(pair: Pair, errors: Array, weight: Array | None, level: float) -> Estimate:
    """Return the error rate, or the mean absolute error of a regression, of rows with these errors [n]."""
    return share(errors > 0, weight, level) if pair.decides else loss_estimate(errors, weight, level)


def error_change(pair: Pair, before: Array, after: Array, weight: Array | None, level: float) -> Estimate:
    """Return the mean of after - before over the same rows: above 0, the compressed model errs more."""
    n = len(before)
    if n == 0 or (weight is not None and not np.any(weight)):
        return Estimate.missing(n, "no rows here")
    return _rate_change(before > 0, after > 0, weight, level) if pair.decides else _mean_change(
        after - before, weight, level
    )  # fmt: skip


def _rate_change(before: Array, after: Array, weight: Array | None, level: float) -> Estimate:
    n = len(before)
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    size = w.sum() ** 2 / (w @ w)
    cells = (before & after, after & ~before, before & ~after, ~(before | after))
    a, b, c, d = (float(size * w[cell].sum() / w.sum()) for cell in cells)
    low, high = paired_change(a, b, c, d, two_sided_z(level))
    how = f"Newcombe paired {percent(level)}" + ("" if weight is None else ", effective size")
    return Estimate((b - c) / float(size), float(low), float(high), n, how, _few(n))


def _mean_change(change: Array, weight: Array | None, level: float) -> Estimate:
    mean = mean_of(change, weight)
    value, n = float(mean.value[0]), len(change)
    if n < 2 or one_value(change, weight):
        if n > 1 and value == 0:
            return Estimate(0.0, np.nan, np.nan, n, "not estimated", "no row changed, so the doubt cannot be estimated")
        return Estimate(value, np.nan, np.nan, n, "not estimated", "all rows changed alike: no spread to judge it by")
    low, high = mean.ends(level)
    return Estimate(value, float(low[0]), float(high[0]), n, f"Student paired {percent(level)}", _few(n))


def _few(n: int) -> str:
    return f"fewer than {SMALL} rows ({n})" if n < SMALL else ""

"""Errors of a regression, exact from the moments of its rows (letters as in `_moments`)."""

from __future__ import annotations

import dataclasses

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.means import LOG_SCALE, Means
from efficienttrust.metrics.spreads import Spread, spread_gap
from efficienttrust.metrics.streaming._means import loss_of_all, means_of
from efficienttrust.metrics.streaming._moments import PARTS
from efficienttrust.metrics.streaming._streamed import Compute, Streamed, streamed_metrics
from efficienttrust.metrics.streaming._tally import Regroup, Tally
from efficienttrust.metrics.values import Estimate, Floats

DISTANCE, SQUARED = np.eye(PARTS)[4], np.eye(PARTS)[5]
"""|e| and e^2 as combinations of v."""
PREDICTION = np.eye(PARTS)[1] + np.eye(PARTS)[3]
"""Prediction minus centre, d + e."""
CONSTANT_LABEL = 1e-13
"""Variance of labels, beside their mean square about the centre, that is nothing but rounding."""


def _means(tally: Tally, regroup: Regroup, combination: Floats) -> Means:
    """Return the means by group of a combination of the entries of v."""
    first, products = regroup(tally.tables["moments"]), regroup(tally.tables["products"])
    crossed, second = products[:, 0] @ combination, np.einsum("i,gij,j->g", combination, products, combination)
    return means_of(tally.cells("cells", regroup).take((slice(None), 0, 0, 0)), first @ combination, crossed, second)


def _mean(combination: Floats) -> Compute:
    def compute(tally: Tally, arguments: Arguments, level: float) -> Estimate:
        obstacle = "" if tally.n else "no rows here"
        return loss_of_all(_means(tally, tally.everyone, combination), tally.n, obstacle, level)

    return compute


def _root(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    squares = _mean(SQUARED)(tally, arguments, level)
    value, low, high = (float(np.sqrt(each)) for each in (squares.value, squares.low, squares.high))
    return dataclasses.replace(squares, value=value, low=low, high=high)


def _r2(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    """Return 1 - A / B: A the mean squared error, B the variance of labels; see `catalogue.r2` for the influence."""
    n, (one, d, d2, _, _, missed) = tally.n, tally.tables["moments"].sum(axis=0)
    if n == 0:
        return Estimate.missing(n, "no rows here")
    mean = d / one
    a, b = missed / one, d2 / one - mean**2
    if b <= CONSTANT_LABEL * d2 / one:
        return Estimate.missing(n, "all rows have the same label")
    influence = SQUARED / b - a / b**2 * np.array([mean**2, -2 * mean, 1, 0, 0, 0])
    variance = influence @ tally.tables["products"].sum(axis=0) @ influence
    error = np.sqrt(max(variance, 0.0) * n / max(n - 1, 1)) / one
    low, high = Means(np.array([a / b]), np.array([error]), np.array([n])).log_ends(level)
    return Estimate(float(1 - a / b), 1 - float(high[0]), 1 - float(low[0]), n, f"{LOG_SCALE} {percent(level)}")


def _rmse_gap(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    names, regroup = tally.groups(arguments["by"])
    sizes = tally.sizes(names, regroup)
    squares = _means(tally, regroup, SQUARED)

    def ends(at: float) -> tuple[Floats, Floats]:
        low, high = squares.log_ends(at)
        return np.sqrt(low), np.sqrt(high)

    roots, note = np.sqrt(squares.value), sizes.small()
    spread = Spread(roots, ends, squares.best, sizes.total, LOG_SCALE, note, sizes.obstacle(2))
    return spread_gap(spread, level, high=float("inf"))


def _mean_outcome_gap(tally: Tally, arguments: Arguments, level: float) -> Estimate:
    names, regroup = tally.groups(arguments["by"])
    sizes = tally.sizes(names, regroup)
    means = _means(tally, regroup, PREDICTION)  # about the centre, which no gap sees
    spread = Spread(means.value, means.ends, means.best, sizes.total, "Student", sizes.small(), sizes.obstacle(2))
    return spread_gap(spread, level, high=float("inf"))


streamed_metrics.register("mean_absolute_error")(Streamed(_mean(DISTANCE)))
streamed_metrics.register("mean_squared_error")(Streamed(_mean(SQUARED)))
streamed_metrics.register("root_mean_squared_error")(Streamed(_root))
streamed_metrics.register("r2")(Streamed(_r2))
streamed_metrics.register("rmse_gap")(Streamed(_rmse_gap))
streamed_metrics.register("mean_outcome_gap")(Streamed(_mean_outcome_gap))

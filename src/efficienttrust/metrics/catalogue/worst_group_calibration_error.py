"""Worst-group expected calibration error."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.bootstrap import ROW_REPEATS, repeats_for
from efficienttrust.metrics.calibration import calibration_error, calibration_resamples, recentred
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    rates, obstacle = _rows(outcome, arguments["by"])
    if obstacle:
        return Estimate.missing(rates.total, obstacle)
    tail = (1 - level) / 2
    ends = _ends(outcome, arguments["by"], ROW_REPEATS, tail / len(rates.names), tail)
    how = f"bootstrap {percent(level)}, recentred, {ROW_REPEATS} resamples, worst of {len(rates.names)} groups"
    value, low, high = (float(end) for end in ends.max(axis=0))
    return Estimate(value, low, high, rates.total, how, rates.small())


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    """Return the largest of the groups' upper limits at alpha, valid for the worst without correction."""
    rates, obstacle = _rows(outcome, arguments["by"])
    if obstacle:
        return Limit.missing(rates.total, obstacle)
    ends = _ends(outcome, arguments["by"], repeats_for(alpha), alpha, alpha)
    method = f"bootstrap, recentred, {repeats_for(alpha)} resamples, worst of {len(rates.names)} groups"
    best = float(np.max(ends[:, 2] - ends[:, 0]))
    return Limit(float(ends[:, 2].max()), best, rates.total, method, rates.small())


def _rows(outcome: Outcome, by: str | None) -> tuple[Rates, str]:
    """Return the groups with their sizes, and why their errors cannot be estimated."""
    codes, names = outcome.partition(by)
    rates = group_rates(codes, names, outcome.y, np.ones(len(outcome.y), dtype=bool), "rows", outcome.weight)
    finite = np.isfinite(outcome.score).all()
    return rates, rates.obstacle(groups=1) or ("" if finite else "some scores are not numbers")


def _ends(outcome: Outcome, by: str | None, repeats: int, low_tail: float, high_tail: float) -> Floats:
    """Return (error, lower end, upper end) of each group, [K, 3]."""
    codes, names = outcome.partition(by)
    ends = []
    for code in range(len(names)):
        rows = codes == code
        data = (outcome.y[rows], outcome.score[rows], None if outcome.weight is None else outcome.weight[rows])
        value = calibration_error(*data)
        ends.append((value, *recentred(value, calibration_resamples(*data, repeats), low_tail, high_tail)))
    return np.array(ends)


metrics.register("worst_group_calibration_error")(
    Metric(
        name="worst_group_calibration_error",
        definition="Largest calibration error (ECE, 15 bins of equal mass, fewer in small groups) among the groups.",
        better="lower",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=_compute,
        limit=_limit,
    )
)

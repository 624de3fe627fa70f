"""Demographic parity ratio, the quantity of the four-fifths rule."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from efficienttrust.metrics.classes import ONE_VS_REST, worst_class, worst_class_limit
from efficienttrust.metrics.exact import ratio_excluded, ratio_lower_limit
from efficienttrust.metrics.gaps import EXACT, even_hits
from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.metric import BY, Arguments, Metric, metrics
from efficienttrust.metrics.ranges import range_estimate, rate_resamples
from efficienttrust.metrics.rates import Rates, group_rates
from efficienttrust.metrics.values import Estimate, Floats, Limit, Outcome


def _rates(outcome: Outcome, arguments: Arguments) -> Rates:
    codes, names = outcome.partition(arguments["by"])
    everyone = np.ones(len(outcome.y), dtype=bool)
    return group_rates(codes, names, outcome.prediction, everyone, "rows", outcome.weight)


def _obstacle(rates: Rates) -> str:
    return rates.obstacle() or ("no group has a positive decision" if rates.rate.max() == 0 else "")


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    return ratio_estimate(_rates(outcome, arguments), level)


def ratio_estimate(rates: Rates, level: float) -> Estimate:
    """Return min / max of the rates with the interval of the range of log rates, half a hit added to every group."""
    if obstacle := _obstacle(rates):
        return Estimate.missing(rates.total, obstacle)
    smoothed, errors, draws = rate_resamples(rates)
    half = 0.5 / (rates.size + 1)
    logs, drawn = np.log(smoothed), np.log(draws * (1 - 2 * half) + half)
    _, low, high = range_estimate(logs, errors / smoothed, drawn - drawn.mean(axis=0), level)
    how = f"log ratio {percent(level)}, {len(rates.names)} groups, {len(draws)} resamples"
    value = float(rates.rate.min() / rates.rate.max())
    return Estimate(value, float(np.exp(-high)), float(np.exp(-low)), rates.total, how, rates.small())


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    rates = _rates(outcome, arguments)
    if obstacle := _obstacle(rates):
        return Limit.missing(rates.total, obstacle)
    if rates.weighted:
        reach = np.sqrt(np.log(2 / alpha) / (2 * rates.size))
        pooled = np.average(rates.rate, weights=rates.size)
        value, best = _hoeffding(rates.rate, reach), _hoeffding(np.full(len(reach), pooled), reach)
        return Limit(value, best, rates.total, "Hoeffding, effective size", rates.small())
    value, best = (_exact(hits, rates.size, alpha) for hits in (rates.hits, even_hits(rates)))
    return Limit(value, best, rates.total, f"{EXACT}, smallest ratio of pairs", rates.small())


def _hoeffding(rate: Floats, reach: Floats) -> float:
    """Return the smallest ratio of a lower limit at alpha / 2 to an upper limit at alpha / 2 of another group."""
    low, high = np.maximum(rate - reach, 0), np.minimum(rate + reach, 1)
    return float(min(low[h] / high[g] for g, h in permutations(range(len(rate)), 2)))


def _exact(hits: Floats, size: Floats, alpha: float) -> float:
    """Return the smallest lower limit over ordered pairs, each at alpha (see `gaps` for why that is valid)."""
    if hits.min() == 0:
        return 0.0
    rate, smallest = hits / size, 1.0
    for g, h in sorted(permutations(range(len(size)), 2), key=lambda pair: rate[pair[1]] / rate[pair[0]]):
        counts = (hits[g], size[g], hits[h], size[h])
        if smallest >= rate[h] / rate[g] or not ratio_excluded(*counts, alpha, smallest):
            smallest = min(smallest, ratio_lower_limit(*counts, alpha))
        if smallest <= 0:
            return 0.0
    return smallest


metrics.register("demographic_parity_ratio")(
    Metric(
        name="demographic_parity_ratio",
        definition="Smallest share of positive decisions among the groups divided by the largest.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters=BY,
        compute=worst_class(_compute, "higher"),
        limit=worst_class_limit(_limit, "higher"),
        tasks=ONE_VS_REST,
    )
)

"""The largest gap between groups, max - min: its interval and its certificate.

Intervals. The gap of two groups takes Newcombe's interval of the signed difference, folded at 0. For more groups the
upper end is the largest upper end over pairs; the lower end is the largest lower end over pairs at a level that holds
for all pairs at once (the quantile of the studentised range, by bootstrap), because the widest pair of many groups is
wide by selection: at no true gap, five groups of 200 show 0.07 on average.

Certificates. The largest of the one-sided limits over ordered pairs, each at alpha, is valid as it stands: it falls
below the true gap only where the limit of the truly widest pair does (an intersection-union test, for two groups the
two one-sided tests of equivalence). No Bonferroni correction for pairs is needed. Each pair's limit is exact.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from efficienttrust.metrics.bootstrap import COUNT_REPEATS
from efficienttrust.metrics.chance import corrected_gap, expected_rate_gap, with_chance
from efficienttrust.metrics.exact import difference_excluded, difference_upper_limit
from efficienttrust.metrics.intervals import folded, newcombe, percent, two_sided_z
from efficienttrust.metrics.ranges import rate_resamples, simultaneous_z
from efficienttrust.metrics.rates import Rates
from efficienttrust.metrics.values import Estimate, Floats, Limit

EXACT = "exact unconditional (Berger-Boos)"
WEIGHTED = "McDiarmid, effective size"


def gap_estimate(rates: Rates, level: float, corrected: bool | None = None) -> Estimate:
    """Return max - min of the rates over groups with its interval, its part of chance noted or taken off."""
    plain = plain_gap_estimate(rates, level)
    if np.isnan(plain.value):
        return plain
    return with_chance(plain, expected_rate_gap(rates), corrected_gap(rates) if corrected else None)


def plain_gap_estimate(rates: Rates, level: float) -> Estimate:
    """Return max - min of the rates over groups with its interval, as it was measured."""
    if obstacle := rates.obstacle():
        return Estimate.missing(rates.total, obstacle)
    first, second = np.triu_indices(len(rates.names), 1)
    z = two_sided_z(level)

    def pairs(quantile: float) -> tuple[Floats, Floats]:
        x, n = rates.hits, rates.size
        return folded(*newcombe(x[first], n[first], x[second], n[second], quantile))

    how = f"Newcombe {percent(level)}"
    if len(rates.names) > 2:
        how += f", {len(rates.names)} groups at once by bootstrap, {COUNT_REPEATS} resamples"
    how += ", effective size" if rates.weighted else ""
    low, high = float(pairs(joint_z(rates, level))[0].max()), float(pairs(z)[1].max())
    return Estimate(float(np.ptp(rates.rate)), low, high, rates.total, how, rates.small())


def gap_limit(rates: Rates, alpha: float) -> Limit:
    """Return the upper limit of max - min of the rates at level 1 - alpha."""
    if obstacle := rates.obstacle():
        return Limit.missing(rates.total, obstacle)
    if rates.weighted:
        reach = [np.sqrt(np.log(1 / alpha) / 2 * (1 / g + 1 / h)) for g, h in permutations(rates.size, 2)]
        gaps = [g - h for g, h in permutations(rates.rate, 2)]
        value, best, method = float(np.max(np.add(gaps, reach))), float(np.max(reach)), WEIGHTED
    else:
        value, best = (_exact_gap_limit(hits, rates.size, alpha) for hits in (rates.hits, even_hits(rates)))
        method = EXACT
    if len(rates.names) > 2:
        method += f", widest of {len(rates.names)} groups' pairs"
    return Limit(min(1.0, value), min(1.0, best), rates.total, method, rates.small())


def joint_z(rates: Rates, level: float) -> float:
    """Return the z at which Newcombe's intervals of all pairs hold at once."""
    if len(rates.names) == 2:
        return two_sided_z(level)
    smoothed, errors, draws = rate_resamples(rates)
    return simultaneous_z(errors, draws - smoothed, level)


def even_hits(rates: Rates) -> Floats:
    """Return the hits closest to no gap at all: every group at the pooled rate, in whole rows."""
    hits: Floats = np.rint(rates.size * rates.hits.sum() / rates.size.sum())
    return hits


def _exact_gap_limit(hits: Floats, size: Floats, alpha: float) -> float:
    """Return the largest upper limit over ordered pairs, searching only the pairs that can be the largest."""
    rate = hits / size
    spread = np.sqrt((hits + 1) * (size - hits + 1) / (size + 2) ** 2 / size)
    pairs = sorted(
        permutations(range(len(size)), 2),
        key=lambda pair: rate[pair[0]] - rate[pair[1]] + 2 * np.hypot(spread[pair[0]], spread[pair[1]]),
        reverse=True,
    )
    largest = -1.0
    for g, h in pairs:
        counts = (hits[g], size[g], hits[h], size[h])
        if largest <= rate[g] - rate[h] or not difference_excluded(*counts, alpha, largest):
            largest = max(largest, difference_upper_limit(*counts, alpha))
    return largest

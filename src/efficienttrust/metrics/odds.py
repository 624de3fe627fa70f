"""Equalized odds: two gaps, of true and of false positive rates, taken together."""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.chance import corrected_gap, expected_larger_gap, expected_rate_gap, with_chance
from efficienttrust.metrics.exact import difference_upper_limit
from efficienttrust.metrics.gaps import EXACT, even_hits, gap_limit, joint_z, plain_gap_estimate
from efficienttrust.metrics.intervals import newcombe
from efficienttrust.metrics.rates import Rates
from efficienttrust.metrics.values import Estimate, Floats, Limit


def mean_gap_estimate(one: Rates, other: Rates, level: float, corrected: bool | None = None) -> Estimate:
    """Return the mean of two gaps in independent rows; their distances to the ends are added in squares.

    For the lower end, these are the distances of the signed differences of the widest pairs, at a level that pays for
    the choice of two signs: gaps have no sign, and two that are nothing but noise would else add up to something.
    """
    a, b = plain_gap_estimate(one, level), plain_gap_estimate(other, level)
    n, note = a.n + b.n, "; ".join(filter(None, (a.note, b.note)))
    if np.isnan(a.value + b.value):
        return Estimate.missing(n, note)
    value = (a.value + b.value) / 2
    a_below, b_below = (_distance_below(rates, joint_z(rates, (1 + level) / 2)) for rates in (one, other))
    below = float(np.hypot(a_below, b_below)) / 2
    above = float(np.hypot(a.high - a.value, b.high - b.value)) / 2
    how = f"{a.how}, added in squares"
    estimate = Estimate(value, max(0.0, value - below), min(1.0, value + above), n, how, note)
    left = (corrected_gap(one) + corrected_gap(other)) / 2 if corrected else None
    return with_chance(estimate, (expected_rate_gap(one) + expected_rate_gap(other)) / 2, left)


def mean_gap_limit(one: Rates, other: Rates, alpha: float) -> Limit:
    """Return the upper limit of the mean of two gaps at level 1 - alpha.

    Two groups: exact limits at alpha, distances added in squares (coverage checked by simulation: nominal where both
    gaps are wide, above elsewhere). More groups, or weighted rows: the mean of the limits at alpha / 2, always valid.
    """
    obstacles = "; ".join(filter(None, (one.obstacle(), other.obstacle())))
    n = one.total + other.total
    if obstacles:
        return Limit.missing(n, obstacles)
    note = "; ".join(filter(None, (one.small(), other.small())))
    if len(one.names) > 2 or one.weighted:
        a, b = gap_limit(one, alpha / 2), gap_limit(other, alpha / 2)
        return Limit((a.value + b.value) / 2, (a.best + b.best) / 2, n, f"{a.method}, each gap at half alpha", note)

    def added(*counts: tuple[Floats, Floats]) -> float:
        sides = [_directed(hits, size, alpha) for hits, size in counts]
        return max((d + e + float(np.hypot(u - d, v - e))) / 2 for d, u in sides[0] for e, v in sides[1])

    value = added((one.hits, one.size), (other.hits, other.size))
    best = added((even_hits(one), one.size), (even_hits(other), other.size))
    return Limit(min(1.0, value), min(1.0, best), n, f"{EXACT}, two gaps added in squares", note)


def larger_gap_estimate(one: Rates, other: Rates, level: float, corrected: bool | None = None) -> Estimate:
    """Return the larger of two gaps; its lower end holds for both gaps at once (Bonferroni).

    Corrected, it is the larger of two corrected gaps, which leaves the bias of picking the larger one.
    """
    a, b = plain_gap_estimate(one, level), plain_gap_estimate(other, level)
    n, note = a.n + b.n, "; ".join(filter(None, (a.note, b.note)))
    if np.isnan(a.value + b.value):
        return Estimate.missing(n, note)
    low = max(plain_gap_estimate(rates, (1 + level) / 2).low for rates in (one, other))
    how = f"{a.how}, larger of two gaps"
    estimate = Estimate(max(a.value, b.value), low, max(a.high, b.high), n, how, note)
    left = max(corrected_gap(one), corrected_gap(other)) if corrected else None
    return with_chance(estimate, expected_larger_gap(one, other), left)


def larger_gap_limit(one: Rates, other: Rates, alpha: float) -> Limit:
    """Return the upper limit of the larger of two gaps: the larger limit, valid by the same argument as for pairs."""
    a, b = gap_limit(one, alpha), gap_limit(other, alpha)
    n, note = a.n + b.n, "; ".join(filter(None, (a.note, b.note)))
    if np.isnan(a.value + b.value):
        return Limit.missing(n, note)
    return Limit(max(a.value, b.value), max(a.best, b.best), n, f"{a.method}, larger of two gaps", note)


def _distance_below(rates: Rates, z: float) -> float:
    """Return the distance of the widest pair's difference from its lower limit, which may lie below 0."""
    g, h = int(rates.rate.argmax()), int(rates.rate.argmin())
    low, _ = newcombe(rates.hits[g], rates.size[g], rates.hits[h], rates.size[h], z)
    return float(rates.rate[g] - rates.rate[h] - low)


def _directed(hits: Floats, size: Floats, alpha: float) -> list[tuple[float, float]]:
    """Return (estimate, upper limit) of the difference of two groups, in both directions."""
    rate = hits / size
    return [
        (float(rate[g] - rate[h]), difference_upper_limit(hits[g], size[g], hits[h], size[h], alpha))
        for g, h in ((0, 1), (1, 0))
    ]

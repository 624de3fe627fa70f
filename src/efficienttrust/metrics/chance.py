"""What a gap owes to chance: max - min over groups is never negative, so noise alone makes one.

Letters: p_g the rate of group g of n_g rows, pooled rate p. At no true gap each p_g is about normal with the variance
p (1 - p) / n_g; the expected gap of two groups is sqrt(2 / pi) sqrt(p (1 - p) (1 / n_1 + 1 / n_2)), that of more an
integral in one dimension. Five groups of 200 with p = 0.25 show 0.071.
"""

from __future__ import annotations

import numpy as np

from efficienttrust.metrics.bootstrap import COUNT_REPEATS, generator
from efficienttrust.metrics.ranges import rate_resamples
from efficienttrust.metrics.rates import Rates
from efficienttrust.metrics.values import Estimate, Floats

WORTH_SAYING = 0.25
"""Share of a gap from which on its part of chance is named in the note."""


def expected_gap(errors: Floats) -> float:
    """Return the expected max - min of K estimates without a true gap, given their standard errors [K]."""
    if len(errors) == 2:
        return float(np.sqrt(2 / np.pi) * np.hypot(*errors))
    from scipy import special

    x = np.linspace(-6, 6, 801) * errors.max()
    below = special.ndtr(x[:, None] / np.maximum(errors, np.finfo(float).tiny))
    neither = 1 - below.prod(axis=1) - (1 - below).prod(axis=1)  # x lies between the smallest and the largest
    return float(np.trapezoid(neither, x))


def expected_rate_gap(rates: Rates) -> float:
    """Return the expected max - min of rates without a true gap, at the pooled rate."""
    return expected_gap(_pooled_errors(rates))


def expected_larger_gap(one: Rates, other: Rates) -> float:
    """Return the expected larger of two independent gaps without true gaps."""
    rng, k = generator(), len(one.names)
    gaps = [np.ptp(rng.standard_normal((COUNT_REPEATS, k)) * _pooled_errors(rates), axis=1) for rates in (one, other)]
    return float(np.mean(np.maximum(*gaps)))


def chance_note(value: float, expected: float) -> str:
    """Return a sentence on the part of chance, or an empty text where it is small beside the gap."""
    if value == 0 or not expected >= WORTH_SAYING * value:
        return ""
    return f"about {expected:.2g} of this is expected by chance with samples of this size"


def corrected_gap(rates: Rates) -> float:
    """Return the gap without its upward bias: the true gap at which the one seen is the median.

    The rates are drawn together to their mean by a factor t in [0, 1], and gaps are drawn at their standard errors; t
    is found where the median of these gaps is the gap as seen, or 0 where even no true gap has a higher median. This is
    median-unbiased for two groups, and for more where their rates are spread as they look.

    References:
        Andrews 1993 (median-unbiased estimation by inverting the median).
    """
    _, errors, _ = rate_resamples(rates)
    noise = generator().standard_normal((COUNT_REPEATS, len(errors))) * errors
    centred, seen = rates.rate - rates.rate.mean(), float(np.ptp(rates.rate))

    def median(t: float) -> float:
        return float(np.median(np.ptp(t * centred + noise, axis=1)))

    low, high = 0.0, 1.0
    if seen == 0 or median(0.0) >= seen:
        return 0.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if median(middle) < seen else (low, middle)
    return low * seen


def with_chance(estimate: Estimate, expected: float, corrected: float | None) -> Estimate:
    """Return an estimate of a gap with its part of chance noted, or, where `corrected` is given, taken off.

    The interval is that of the true gap and does not change with the estimate.
    """
    value, note = estimate.value, chance_note(estimate.value, expected)
    if corrected is not None:
        value, note = corrected, f"without correction {estimate.value:.4g}"
    notes = "; ".join(filter(None, (estimate.note, note)))
    return Estimate(value, estimate.low, estimate.high, estimate.n, estimate.how, notes)


def _pooled_errors(rates: Rates) -> Floats:
    pooled = float(rates.hits.sum() / rates.size.sum())
    errors: Floats = np.sqrt(pooled * (1 - pooled) / rates.size)
    return errors

"""An estimated share with its standard error: interval and limit on the logit scale, so that they stay in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.intervals import two_sided_z, wilson
from efficienttrust.metrics.values import Floats


@dataclass(frozen=True)
class Share:
    """A share estimated from two independent sets of rows.

    Attributes:
        value: The estimate, in [0, 1].
        variance: Its variance; NaN where a set has a single row.
        freedom: Degrees of freedom of the variance.
        size: Rows of the smaller set.
    """

    value: float
    variance: float
    freedom: float
    size: int

    def interval(self, level: float) -> tuple[float, float]:
        """Return the two-sided interval: logit(value) ± t se / (value (1 − value)).

        Without any spread (perfect order, all scores tied, or a single row) the standard error says nothing; then
        Wilson's interval of a rate of `size` trials stands in.
        """
        if not self._has_spread:
            low, high = wilson(self.value * self.size, self.size, two_sided_z(level))
            return float(low), float(high)
        return self._shifted((1 - level) / 2), self._shifted((1 + level) / 2)

    def lower_limit(self, alpha: float) -> tuple[float, float]:
        """Return (lower limit at level 1 − alpha, the same limit of a perfect order).

        A perfect order of m rows of the smaller set proves alpha^(1/m), as m successes in m trials do; no limit is
        above that.
        """
        best: float = alpha ** (1 / self.size)
        if not self._has_spread:
            return min(best, float(wilson(self.value * self.size, self.size, two_sided_z(1 - 2 * alpha))[0])), best
        return min(best, self._shifted(alpha)), best

    @property
    def _has_spread(self) -> bool:
        return self.variance > 0 and 0 < self.value < 1

    def _shifted(self, probability: float) -> float:
        from scipy import special

        scale = math.sqrt(self.variance) / (self.value * (1 - self.value))
        quantile = float(special.stdtrit(self.freedom, probability))
        return float(special.expit(math.log(self.value / (1 - self.value)) + quantile * scale))


def share_of(value: float, first: Floats, second: Floats) -> Share:
    """Return a share from what each row of the two sets contributes to it.

    The degrees of freedom are Satterthwaite's with the fourth moment of the contributions: near 1 a few rows make up
    nearly all of the variance, and a normal quantile would pretend to know it (at a true AUROC of 0.98 from 50 rows,
    intervals at 95 % would hold in 92 of 100 cases).
    """
    n, m = len(first), len(second)
    if min(n, m) < 2:
        return Share(value, math.nan, math.nan, min(n, m))
    (var_first, noise_first), (var_second, noise_second) = _mean_variance(first), _mean_variance(second)
    variance, noise = var_first + var_second, noise_first + noise_second
    freedom = n + m - 2.0 if noise <= 0 else min(n + m - 2.0, max(1.0, 2 * variance**2 / noise))
    return Share(value, variance, freedom, min(n, m))


def _mean_variance(values: Floats) -> tuple[float, float]:
    """Return the estimated variance of the mean, and the variance of that estimate."""
    n = len(values)
    squares = (values - values.mean()) ** 2
    variance = float(squares.sum()) / (n - 1)
    fourth = float(np.mean(squares**2))
    noise = (fourth - variance**2 * (n - 3) / (n - 1)) / n
    return variance / n, noise / n**2

"""Expected calibration error over bins of equal mass, its interval, and what is left of it without its upward bias.

Letters: x_b is what bin b adds, the sum of residuals (hit minus score) over the weight of all rows; the error is
e = sum |x_b|. Noise in a bin has no sign, so e is too high: a perfectly calibrated model of 3,000 rows shows 0.02.
Resampling rows adds the same noise again and cannot take it off (its interval, recentred, covers the truth in 36 % of
such samples). So the law of e is inverted instead. For true errors t p_b of the bins, e is distributed as
sum |t p_b + s_b z_b|, s_b being the standard error of x_b and z_b standard normal; an end of the interval is the total
error t sum p_b at which e as seen is in the tail. How the error is spread over bins is unknown, so each end takes the
spread that is hardest on it: the lower one puts it all into bins that stand out by two standard errors, the upper one
spreads it as seen, and takes no sample for luckier than the median one without an error. The corrected estimate is
where e as seen is the median (median-unbiased, Andrews 1993).

Simulated coverage at 95 %, n from 60 to 3,000, six shapes of miscalibration: 0.93 to 0.995.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.intervals import two_sided_z
from efficienttrust.metrics.values import Array, Floats, Outcome

BINS = 15
"""Bins of equal mass."""
ROWS_PER_BIN = 10
"""Fewer bins are used where they would hold fewer rows than this."""
STANDS_OUT = 2.0
"""Standard errors beyond which a bin counts as miscalibrated for the lower end."""
HOW = "inverted law of the binned error"


@dataclass(frozen=True, eq=False)
class Calibration:
    """What each bin adds to the calibration error.

    Attributes:
        residual: [bins] x_b, residuals of the bin's rows over the weight of all rows.
        spread: [bins] s_b, standard error of each.
    """

    residual: Floats
    spread: Floats

    @property
    def error(self) -> float:
        """The plug-in calibration error, which is biased upwards."""
        return float(np.abs(self.residual).sum())

    def corrected(self) -> float:
        """Return the error at which the one seen is the median."""
        return self._total_at(np.abs(self.residual), 0.0, self.error)

    def ends(self, low_tail: float, high_tail: float) -> tuple[float, float]:
        """Return the interval of the true error, which leaves the given share on each side."""
        seen = np.abs(self.residual)
        standing = seen / self.spread
        narrow = np.where(standing >= min(STANDS_OUT, standing.max()), seen, 0.0)
        low = self._total_at(narrow, two_sided_z(1 - 2 * low_tail), self.error)
        wide = np.maximum(seen, 0.1 * self.spread)
        usual = self._quantile(np.zeros_like(seen), 0.0)  # what no error shows: luckier samples prove no more
        high = self._total_at(wide, -two_sided_z(1 - 2 * high_tail), max(self.error, usual))
        return low, min(1.0, max(self.error, high))

    def _total_at(self, pattern: Floats, z: float, error: float) -> float:
        """Return the total error, spread as `pattern`, of which `error` is the quantile with the normal score z."""
        if pattern.sum() == 0 or self._quantile(0 * pattern, z) >= error:
            return 0.0
        low, high = 0.0, 1.0
        while self._quantile(high * pattern, z) < error:
            high *= 2
        for _ in range(25):
            middle = (low + high) / 2
            low, high = (middle, high) if self._quantile(middle * pattern, z) < error else (low, middle)
        return float(low * pattern.sum())

    def _quantile(self, mean: Floats, z: float) -> float:
        """Return a quantile of sum |m_b + s_b z_b|: Pearson's type III with the same three moments."""
        from scipy import special

        a = mean / self.spread
        density, inside = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi), 2 * special.ndtr(a) - 1
        first, second = 2 * density + a * inside, 1 + a**2
        third = (a**3 + 3 * a) * inside + 2 * (a**2 + 2) * density
        variance = float((self.spread**2) @ (second - first**2))
        skewness = float((self.spread**3) @ (third - 3 * first * second + 2 * first**3)) / variance**1.5
        if skewness > 1e-6:  # Wilson and Hilferty
            z = 2 / skewness * ((1 + skewness * z / 6 - skewness**2 / 36) ** 3 - 1)
        return float(self.spread @ first + z * np.sqrt(variance))


def calibration_of(outcome: Outcome, rows: Array | None = None) -> Calibration:
    """Return the calibration of the positive class (binary) or of the decided class (multiclass) on the given rows."""
    index = slice(None) if rows is None else rows
    score, hit = np.asarray(outcome.score[index], dtype=np.float64), np.asarray(outcome.y[index])
    if outcome.task == "multiclass":
        decided = np.asarray(outcome.prediction[index], dtype=np.int64)
        score, hit = score[np.arange(len(score)), decided], hit == decided
    return binned(hit, score, None if outcome.weight is None else outcome.weight[index])


def binned(hit: Array, score: Floats, weight: Array | None) -> Calibration:
    """Return the calibration of scores [n] against hits [n] in bins of equal mass; at least one row."""
    n = len(score)
    bins = int(np.clip(n // ROWS_PER_BIN, 1, BINS))
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.empty(0)
    bin_of, k = np.searchsorted(edges, score, side="right"), len(edges) + 1
    w = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    residual = w * (hit - score)
    count = np.maximum(np.bincount(bin_of, minlength=k), 1)
    total = np.bincount(bin_of, residual, k)
    squares = np.bincount(bin_of, residual**2, k) - total**2 / count
    # A quarter of a row's squared weight more, so that bins without an error do not mean no doubt.
    variance = np.maximum(squares, 0) * count / np.maximum(count - 1, 1) + np.mean(w**2) / 4
    return Calibration(total / w.sum(), np.sqrt(variance) / w.sum())

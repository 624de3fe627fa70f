"""Exact one-sided limits for two independent rates: what a fairness certificate rests on.

Letters: x_g hits of n_g in the first group, x_h of n_h in the second; p_g, p_h the true rates. The hypothesis to
reject is p_g >= slope p_h + shift: slope 1 is a difference of at least `shift`, slope 1/r with shift 0 a ratio
p_h / p_g of at most r. Its p-value is the largest probability, over p_h in a confidence set of level 1 - beta, of a
table at least as extreme as the one seen, plus beta (Berger and Boos 1994; that this is valid at any n is their lemma).
"Extreme" is ordered by the difference in units of its standard error on the boundary of the hypothesis, made monotone
in both counts, so that the worst case lies on the boundary. The only approximation is the grid over p_h, a quarter of a
standard error apart; enumeration of all tables in the tests finds no size above alpha.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from efficienttrust.metrics.intervals import clopper_pearson
from efficienttrust.metrics.values import Floats

NUISANCE_SHARE = 0.05
"""Share of alpha that pays for the confidence set of the nuisance rate p_h."""
GRID_STEP = 0.25
"""Distance of the grid over p_h, in standard errors."""
PRECISION = 1e-5
"""Width at which the search for a limit stops."""


def difference_upper_limit(x_g: float, n_g: float, x_h: float, n_h: float, alpha: float) -> float:
    """Return the upper confidence limit of p_g - p_h at level 1 - alpha: any larger difference is rejected."""
    return _bisect(lambda gap: difference_excluded(x_g, n_g, x_h, n_h, alpha, gap), 1.0, x_g / n_g - x_h / n_h)


def difference_excluded(x_g: float, n_g: float, x_h: float, n_h: float, alpha: float, gap: float) -> bool:
    """Return whether p_g - p_h >= gap is rejected at level alpha."""
    if n_g > n_h:  # count misses instead of hits, so that the nuisance rate is that of the larger group
        x_g, n_g, x_h, n_h = n_h - x_h, n_h, n_g - x_g, n_g
    return exceedance_p_value(x_g, n_g, x_h, n_h, alpha, shift=gap) <= alpha


def ratio_lower_limit(x_g: float, n_g: float, x_h: float, n_h: float, alpha: float) -> float:
    """Return the lower confidence limit of p_h / p_g at level 1 - alpha, at most 1: any smaller ratio is rejected."""
    estimate = 1.0 if x_h * n_g >= x_g * n_h else (x_h / n_h) / (x_g / n_g)
    return _bisect(lambda ratio: ratio_excluded(x_g, n_g, x_h, n_h, alpha, ratio), 0.0, estimate)


def ratio_excluded(x_g: float, n_g: float, x_h: float, n_h: float, alpha: float, ratio: float) -> bool:
    """Return whether p_h / p_g <= ratio is rejected at level alpha."""
    return exceedance_p_value(x_g, n_g, x_h, n_h, alpha, slope=1 / ratio) <= alpha


def exceedance_p_value(
    x_g: float, n_g: float, x_h: float, n_h: float, alpha: float, *, slope: float = 1.0, shift: float = 0.0
) -> float:
    """Return the p-value of the hypothesis p_g >= slope p_h + shift, valid at any n; compare it with alpha."""
    beta = NUISANCE_SHARE * alpha
    low, high = (float(end) for end in clopper_pearson(x_h, n_h, beta / 2))
    low, high = max(low, -shift / slope), min(high, (1 - shift) / slope)
    if low > high:  # every nuisance rate that could go with the hypothesis is excluded already
        return beta

    angle_low, angle_high = np.arcsin(np.sqrt((low, high)))
    points = int(np.ceil((angle_high - angle_low) * 2 * np.sqrt(max(n_h, n_g)) / GRID_STEP)) + 2
    p_h = np.sin(np.linspace(angle_low, angle_high, points)) ** 2
    first_y, mass_h = _binomial(n_h, p_h)
    first_x, mass_g = _binomial(n_g, np.clip(slope * p_h + shift, 0, 1))

    def spread(count: Floats) -> Floats:
        rate = (count + 1) / (n_h + 2)
        other: Floats = np.clip(slope * rate + shift, 0, 1)
        return np.sqrt(slope**2 * rate * (1 - rate) / n_h + other * (1 - other) / n_g)

    seen = (x_g / n_g - slope * x_h / n_h - shift) / spread(np.array(x_h, dtype=np.float64))
    y = first_y + np.arange(mass_h.shape[1], dtype=np.float64)
    x_max = np.floor(n_g * (slope * y / n_h + shift + seen * spread(y)) + 1e-9)
    x_max = np.maximum.accumulate(x_max)
    below = np.concatenate([np.zeros((points, 1)), np.cumsum(mass_g, axis=1)], axis=1)
    index = np.clip(x_max - first_x + 1, 0, mass_g.shape[1]).astype(np.int64)
    return float(np.max(np.sum(mass_h * below[:, index], axis=1))) + beta


def _binomial(n: float, p: Floats) -> tuple[int, Floats]:
    """Return the first count of a window that holds all but about 1e-9 of the mass, and the masses [len(p), window]."""
    from scipy import special

    half = 7 * np.sqrt(n * np.max(p * (1 - p))) + 30
    first, last = int(max(0, np.floor(n * p.min() - half))), int(min(n, np.ceil(n * p.max() + half)))
    k = np.arange(first, last + 1.0)
    log_choose = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return first, np.exp(log_choose + special.xlogy(k, p[:, None]) + special.xlog1py(n - k, -p[:, None]))


def _bisect(rejected: Callable[[float], bool], far: float, near: float) -> float:
    """Return the rejected value nearest to `near`, between it and `far`, which counts as rejected."""
    while abs(far - near) > PRECISION:
        middle = (far + near) / 2
        if rejected(middle):
            far = middle
        else:
            near = middle
    return float(far)

"""Area under the ROC curve of inside against outside rows, with DeLong's interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.metrics.intervals import percent
from efficienttrust.metrics.ood._scores import as_scores, obstacle
from efficienttrust.metrics.ood._share import Share, share_of
from efficienttrust.metrics.values import Estimate, Floats, Limit


def auroc(inside: ArrayLike, outside: ArrayLike, level: float = 0.95) -> Estimate:
    """Return the chance that an inside row scores higher than an outside one, ties counted half.

    Args:
        inside: Scores of in-distribution rows [n]; higher means more in-distribution.
        outside: Scores of out-of-distribution rows [m].
        level: Level of the two-sided interval.

    References:
        DeLong, DeLong and Clarke-Pearson 1988 for the variance; Sun and Xu 2014 for its computation by sorting. The
        interval is taken on the logit scale (Pepe 2003), which keeps its coverage near 1.
    """
    x, y = as_scores(inside), as_scores(outside)
    if reason := obstacle(x, y):
        return Estimate.missing(len(x) + len(y), reason)
    area = _delong(x, y)
    return Estimate(area.value, *area.interval(level), len(x) + len(y), f"DeLong {percent(level)}, logit scale")


def auroc_limit(inside: ArrayLike, outside: ArrayLike, alpha: float) -> Limit:
    """Return the lower limit of the AUROC at level 1 − alpha."""
    x, y = as_scores(inside), as_scores(outside)
    if reason := obstacle(x, y):
        return Limit.missing(len(x) + len(y), reason)
    return Limit(*_delong(x, y).lower_limit(alpha), len(x) + len(y), "DeLong, logit scale")


def _delong(inside: Floats, outside: Floats) -> Share:
    """Return the area from the share of the other set that each row beats."""
    x, y = np.sort(inside), np.sort(outside)
    n, m = len(x), len(y)
    won = (np.searchsorted(y, x, side="left") + np.searchsorted(y, x, side="right")) / (2 * m)
    lost = (np.searchsorted(x, y, side="left") + np.searchsorted(x, y, side="right")) / (2 * n)
    return share_of(float(won.mean()), won, lost)

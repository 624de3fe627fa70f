"""Metrics: what a model's answers on one split are worth, each number with its interval, its n and its definition.

An `Outcome` holds what a model said on one split: labels, decisions, scores, groups, and which rows stayed right under
which attack. `measure` turns it into a `Measurement`: a point estimate between two ends, never a naked float. What
cannot be estimated (a group without positives has no true positive rate) is NaN with a note that names the group, never
a flattering 0. The names clash in the literature, so they are exact here: `equalized_odds_difference` is the mean of
the gaps of the true and the false positive rate, `equalized_odds_difference_max` the larger of them.

One module in `catalogue` is one metric; it registers a `Metric`, which also knows its one-sided confidence `limit`:
what a certificate rests on. Rates take Wilson's interval and Clopper-Pearson's limit; gaps take Newcombe's interval and
an exact unconditional limit; what has no closed form is resampled with a fixed seed.

Example:
    >>> import numpy as np
    >>> from efficienttrust.metrics import Outcome, measure
    >>> rng = np.random.default_rng(0)
    >>> y, sex = rng.integers(0, 2, 1000), rng.integers(0, 2, 1000)
    >>> score = 0.5 * y + 0.5 * rng.random(1000)
    >>> outcome = Outcome(y=y, prediction=score > 0.5, score=score, groups=sex, group_names=("Female", "Male"))
    >>> gap = measure("dpd", outcome)
    >>> gap.low <= gap.value <= gap.high
    True
"""

from __future__ import annotations

from efficienttrust.metrics.group_table import group_table as group_table
from efficienttrust.metrics.metric import NORMS as NORMS
from efficienttrust.metrics.metric import REQUIRED as REQUIRED
from efficienttrust.metrics.metric import Metric as Metric
from efficienttrust.metrics.metric import measure as measure
from efficienttrust.metrics.metric import metric_key as metric_key
from efficienttrust.metrics.metric import metrics as metrics
from efficienttrust.metrics.metric import robust_key as robust_key
from efficienttrust.metrics.values import Estimate as Estimate
from efficienttrust.metrics.values import Limit as Limit
from efficienttrust.metrics.values import Measurement as Measurement
from efficienttrust.metrics.values import Outcome as Outcome

__all__ = [
    "NORMS",
    "REQUIRED",
    "Estimate",
    "Limit",
    "Measurement",
    "Metric",
    "Outcome",
    "group_table",
    "measure",
    "metric_key",
    "metrics",
    "robust_key",
]

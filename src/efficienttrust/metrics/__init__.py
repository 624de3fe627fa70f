"""Metrics: what a model's answers on one split are worth, each number with its interval, its n and its definition.

An `Outcome` holds what a model said on one split: labels, decisions, scores, groups, and which rows stayed right under
which attack. `measure` turns it into a `Measurement`: a point estimate between two ends, never a naked float. What
cannot be estimated (a group without positives has no true positive rate) is NaN with a note that names the group, never
a flattering 0. The names clash in the literature, so they are exact here: `equalized_odds_difference` is the mean of
the gaps of the true and the false positive rate, `equalized_odds_difference_max` the larger of them.

Every metric is also a plain function of columns: `from efficienttrust.metrics import demographic_parity_difference`.

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
    >>> from efficienttrust.metrics import demographic_parity_difference
    >>> gap == demographic_parity_difference(y, score > 0.5, groups=np.where(sex, "Male", "Female"))
    True
"""

from __future__ import annotations

from collections.abc import Callable

from efficienttrust.metrics.class_table import class_table as class_table
from efficienttrust.metrics.columns import outcome_from as outcome_from
from efficienttrust.metrics.families import holm as holm
from efficienttrust.metrics.families import p_value as p_value
from efficienttrust.metrics.group_table import group_table as group_table
from efficienttrust.metrics.metric import NEEDS as NEEDS
from efficienttrust.metrics.metric import NORMS as NORMS
from efficienttrust.metrics.metric import REQUIRED as REQUIRED
from efficienttrust.metrics.metric import Metric as Metric
from efficienttrust.metrics.metric import corruption_key as corruption_key
from efficienttrust.metrics.metric import measure as measure
from efficienttrust.metrics.metric import metric_key as metric_key
from efficienttrust.metrics.metric import metrics as metrics
from efficienttrust.metrics.metric import robust_key as robust_key
from efficienttrust.metrics.own import metric_from_function as metric_from_function
from efficienttrust.metrics.values import TASKS as TASKS
from efficienttrust.metrics.values import Estimate as Estimate
from efficienttrust.metrics.values import Limit as Limit
from efficienttrust.metrics.values import Measurement as Measurement
from efficienttrust.metrics.values import Outcome as Outcome

__all__ = [
    "NEEDS",
    "NORMS",
    "REQUIRED",
    "TASKS",
    "Estimate",
    "Limit",
    "Measurement",
    "Metric",
    "Outcome",
    "class_table",
    "corruption_key",
    "group_table",
    "holm",
    "measure",
    "metric_from_function",
    "metric_key",
    "metrics",
    "outcome_from",
    "p_value",
    "robust_key",
]


def __getattr__(name: str) -> Callable[..., Measurement]:
    """Return the metric of that name or alias as a plain function (PEP 562)."""
    if not name.startswith("_"):
        from efficienttrust.errors import UsageError
        from efficienttrust.metrics.plain import plain_function

        try:
            function = plain_function(name)
        except UsageError as error:
            raise AttributeError(f"module 'efficienttrust.metrics' has no attribute {name!r}: {error}") from None
        globals()[name] = function
        return function
    raise AttributeError(f"module 'efficienttrust.metrics' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names and all metrics."""
    return sorted({*globals(), *metrics.names()})

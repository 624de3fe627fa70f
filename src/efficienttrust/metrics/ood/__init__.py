"""Out-of-distribution detection: how well a score tells rows like those of training from others, with intervals.

A detector gives every row a score; higher means more in-distribution. Two sets of scores are compared: `inside`, of
rows that the model is meant for, and `outside`, of rows that it is not. Inside rows are the positives, except in
`aupr_out`. AUROC is the chance that an inside row scores higher than an outside one; the false positive rate at 95 %
true positive rate is the share of outside rows that pass a threshold which 95 % of the inside rows pass.

The other 5 % of the inside rows are false alarms. Over all groups they are 5 % by construction, in one group they may
be many more: `false_alarm_rates` and `false_alarm_gap` show which group would be turned away. Everything costs one
sort: two million scores take a third of a second. The same numbers are metrics of an `Outcome`: `ood_auroc(energy)`.

Example:
    >>> import numpy as np
    >>> from efficienttrust.metrics.ood import auroc
    >>> rng = np.random.default_rng(0)
    >>> area = auroc(rng.normal(1.0, 1.0, 1000), rng.normal(0.0, 1.0, 1000))
    >>> area.low < 0.7602 < area.high  # the normal distribution function at 1 / sqrt(2)
    True
"""

from __future__ import annotations

from efficienttrust.metrics.ood._auroc import auroc as auroc
from efficienttrust.metrics.ood._auroc import auroc_limit as auroc_limit
from efficienttrust.metrics.ood._average_precision import aupr_in as aupr_in
from efficienttrust.metrics.ood._average_precision import aupr_limit as aupr_limit
from efficienttrust.metrics.ood._average_precision import aupr_out as aupr_out
from efficienttrust.metrics.ood._false_alarms import false_alarm_gap as false_alarm_gap
from efficienttrust.metrics.ood._false_alarms import false_alarm_rates as false_alarm_rates
from efficienttrust.metrics.ood._false_positives import fpr_at_95_tpr as fpr_at_95_tpr
from efficienttrust.metrics.ood._false_positives import fpr_at_95_tpr_limit as fpr_at_95_tpr_limit
from efficienttrust.metrics.ood._scores import scores_of as scores_of
from efficienttrust.metrics.ood._threshold import threshold_at_95_tpr as threshold_at_95_tpr

__all__ = [
    "aupr_in",
    "aupr_limit",
    "aupr_out",
    "auroc",
    "auroc_limit",
    "false_alarm_gap",
    "false_alarm_rates",
    "fpr_at_95_tpr",
    "fpr_at_95_tpr_limit",
    "scores_of",
    "threshold_at_95_tpr",
]

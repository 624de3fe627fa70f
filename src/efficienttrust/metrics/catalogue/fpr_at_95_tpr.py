"""False positive rate of an out-of-distribution detector at 95 % true positive rate."""

from __future__ import annotations

from efficienttrust.metrics.metric import metrics
from efficienttrust.metrics.ood._false_positives import fpr_at_95_tpr, fpr_at_95_tpr_limit
from efficienttrust.metrics.ood._metric import detection_metric

metrics.register("fpr_at_95_tpr")(
    detection_metric(
        name="fpr_at_95_tpr",
        definition="Share of out-of-distribution rows that pass the threshold which 95 % of in-distribution rows pass.",
        better="lower",
        estimate=fpr_at_95_tpr,
        limit=fpr_at_95_tpr_limit,
    )
)

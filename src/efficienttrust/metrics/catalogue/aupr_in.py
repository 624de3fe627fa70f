"""Average precision of finding in-distribution rows by a detector's score."""

from __future__ import annotations

from efficienttrust.metrics.metric import metrics
from efficienttrust.metrics.ood._average_precision import aupr_in, aupr_limit
from efficienttrust.metrics.ood._metric import detection_metric

metrics.register("aupr_in")(
    detection_metric(
        name="aupr_in",
        definition="Average precision of finding the in-distribution rows, at the given numbers of rows of both kinds.",
        better="higher",
        estimate=aupr_in,
        limit=aupr_limit,
    )
)

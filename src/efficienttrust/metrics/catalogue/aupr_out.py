"""Average precision of finding out-of-distribution rows by a detector's low score."""

from __future__ import annotations

from efficienttrust.metrics.metric import metrics
from efficienttrust.metrics.ood._average_precision import aupr_limit, aupr_out
from efficienttrust.metrics.ood._metric import detection_metric

metrics.register("aupr_out")(
    detection_metric(
        name="aupr_out",
        definition="Average precision of finding the other rows by a low score, at the given numbers of both kinds.",
        better="higher",
        estimate=aupr_out,
        limit=lambda inside, outside, alpha: aupr_limit(-outside, -inside, alpha),
    )
)

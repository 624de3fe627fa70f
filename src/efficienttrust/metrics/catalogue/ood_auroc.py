"""Area under the ROC curve of telling in-distribution from out-of-distribution rows."""

from __future__ import annotations

from efficienttrust.metrics.metric import metrics
from efficienttrust.metrics.ood._auroc import auroc, auroc_limit
from efficienttrust.metrics.ood._metric import detection_metric

metrics.register("ood_auroc")(
    detection_metric(
        name="ood_auroc",
        definition="Probability that an in-distribution row has a higher score of the detector than another row.",
        better="higher",
        estimate=auroc,
        limit=auroc_limit,
    )
)

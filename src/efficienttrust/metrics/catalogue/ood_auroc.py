"""Area under the ROC curve of telling in-distribution from out-of-distribution rows."""

from __future__ import annotations

from dataclasses import replace

from efficienttrust.metrics.arguments import REQUIRED
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ood._auroc import auroc, auroc_limit
from efficienttrust.metrics.ood._scores import scores_of, weight_note
from efficienttrust.metrics.values import TASKS, Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    estimate = auroc(*scores_of(outcome, METRIC.name, arguments["detector"]), level)
    return replace(estimate, note=estimate.note or weight_note(outcome))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return auroc_limit(*scores_of(outcome, METRIC.name, arguments["detector"]), alpha)


METRIC = metrics.register("ood_auroc")(
    Metric(
        name="ood_auroc",
        definition="Probability that an in-distribution row has a higher score of the detector than another row.",
        better="higher",
        low=0.0,
        high=1.0,
        parameters={"detector": REQUIRED},
        compute=_compute,
        limit=_limit,
        tasks=frozenset(TASKS),
        needs=frozenset({"ood"}),
    )
)

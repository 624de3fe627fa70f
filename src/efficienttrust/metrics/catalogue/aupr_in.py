"""Average precision of finding in-distribution rows by a detector's score."""

from __future__ import annotations

from dataclasses import replace

from efficienttrust.metrics.arguments import REQUIRED
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ood._average_precision import aupr_in, aupr_limit
from efficienttrust.metrics.ood._scores import scores_of, weight_note
from efficienttrust.metrics.values import TASKS, Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    estimate = aupr_in(*scores_of(outcome, METRIC.name, arguments["detector"]), level)
    return replace(estimate, note=estimate.note or weight_note(outcome))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    return aupr_limit(*scores_of(outcome, METRIC.name, arguments["detector"]), alpha)


METRIC = metrics.register("aupr_in")(
    Metric(
        name="aupr_in",
        definition="Average precision of finding the in-distribution rows, at the given numbers of rows of both kinds.",
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

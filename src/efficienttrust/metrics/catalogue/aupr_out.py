"""Average precision of finding out-of-distribution rows by a detector's low score."""

from __future__ import annotations

from dataclasses import replace

from efficienttrust.metrics.arguments import REQUIRED
from efficienttrust.metrics.metric import Arguments, Metric, metrics
from efficienttrust.metrics.ood._average_precision import aupr_limit, aupr_out
from efficienttrust.metrics.ood._scores import scores_of, weight_note
from efficienttrust.metrics.values import TASKS, Estimate, Limit, Outcome


def _compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
    estimate = aupr_out(*scores_of(outcome, METRIC.name, arguments["detector"]), level)
    return replace(estimate, note=estimate.note or weight_note(outcome))


def _limit(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
    inside, outside = scores_of(outcome, METRIC.name, arguments["detector"])
    return aupr_limit(-outside, -inside, alpha)


METRIC = metrics.register("aupr_out")(
    Metric(
        name="aupr_out",
        definition="Average precision of finding the other rows by a low score, at the given numbers of both kinds.",
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

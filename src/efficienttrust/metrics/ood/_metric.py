"""A statistic of two sets of scores as a metric of an outcome, asked with the name of a detector."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from efficienttrust.metrics.arguments import REQUIRED
from efficienttrust.metrics.metric import Arguments, Metric
from efficienttrust.metrics.ood._scores import inside_scores, scores_of
from efficienttrust.metrics.values import TASKS, Estimate, Floats, Limit, Outcome


def detection_metric(
    name: str,
    definition: str,
    better: Literal["higher", "lower"],
    estimate: Callable[[Floats, Floats, float], Estimate],
    limit: Callable[[Floats, Floats, float], Limit],
) -> Metric:
    """Return the metric that compares the scores of a detector on the rows of an outcome and on rows from elsewhere.

    Args:
        name: Its name.
        definition: One sentence that a report prints.
        better: Which direction is better.
        estimate: (scores of inside rows, of outside rows, level) -> estimate.
        limit: (scores of inside rows, of outside rows, alpha) -> limit on the worse side.
    """

    def compute(outcome: Outcome, arguments: Arguments, level: float) -> Estimate:
        found = estimate(*scores_of(outcome, name, arguments["detector"]), level)
        return replace(found, note=found.note or _note(outcome, name, arguments["detector"]))

    def bound(outcome: Outcome, arguments: Arguments, alpha: float) -> Limit:
        return limit(*scores_of(outcome, name, arguments["detector"]), alpha)

    return Metric(
        name=name,
        definition=definition,
        better=better,
        low=0.0,
        high=1.0,
        parameters={"detector": REQUIRED},
        compute=compute,
        limit=bound,
        tasks=frozenset(TASKS),
        needs=frozenset({"ood"}),
    )


def _note(outcome: Outcome, name: str, detector: str) -> str:
    """Return what a reader must know about which rows count, and how much."""
    _, scored = inside_scores(outcome, name, detector)
    notes = [] if scored.all() else [f"{int(scored.sum())} of {len(scored)} rows were scored by the detector"]
    return "; ".join([*notes, *([] if outcome.weight is None else ["weights of rows are not used"])])

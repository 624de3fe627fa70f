"""Hypotheses of a study file as values of the design."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.errors import UsageError, unknown_name
from efficienttrust.study._columns import ASKED, COST, GROUP, METRIC, OVERRUN
from efficienttrust.study._design import Hypothesis
from efficienttrust.study.spec._models import HypothesisSpec

COSTS = (
    "time_wall", "time_cpu", "steps", "samples", "flops", "memory", "parameters", "nonzero_parameters", "size",
    "latency", "throughput",
)  # fmt: skip


def column_of(metric: str, targets: Sequence[str]) -> str:
    """Return the column of the table of results that a metric of a hypothesis names.

    Args:
        metric: A metric as in a target, without its bound; or a column.
        targets: Texts of the targets of the study, as metrics with arguments are measured where a target asks for them.

    Raises:
        UsageError: An unknown metric or cost, or one that nothing measures.
    """
    from efficienttrust.evaluation.targets import parse_target
    from efficienttrust.metrics import metrics

    if metric == "hit" or metric.startswith((GROUP, OVERRUN, ASKED)):
        return metric
    if metric.startswith(COST):
        if metric.removeprefix(COST) not in COSTS:
            raise unknown_name("cost", metric.removeprefix(COST), COSTS)
        return metric
    text = metric.removeprefix(METRIC)
    known = metrics.get(text.partition("(")[0].strip())
    relation = "<=" if known.better == "lower" else ">="
    key = parse_target(f"{text} {relation} {min(max(0.0, known.low), known.high)}").key
    if "(" in key and key not in {parse_target(one).key for one in targets}:
        raise UsageError(
            f"{key} is measured only where a target asks for it: add one to targets, as {key} {relation} …"
        )
    return f"{METRIC}{key}"


def hypothesis_of(one: HypothesisSpec, targets: Sequence[str]) -> Hypothesis:
    """Return a hypothesis as the design holds it."""
    return Hypothesis(
        name=one.name,
        family=one.family,
        statement=one.statement,
        metric=column_of(one.metric, targets),
        factor=one.factor,
        contrast=dict(one.contrast),
        where={name: tuple(levels) for name, levels in one.where.items()},
        test=one.test,
        direction=one.direction,
        margin=one.margin or 0.0,
    )

"""A metric as a function of what was counted, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.arguments import Arguments
from efficienttrust.metrics.classes import worst_class
from efficienttrust.metrics.streaming._tally import Tally, one_against_rest
from efficienttrust.metrics.values import Estimate, Floats, Outcome
from efficienttrust.registry import Registry

Compute = Callable[[Tally, Arguments, float], Estimate]
"""(tally, arguments, level) -> the estimate that the metric of the same name gives on the rows."""

Value = Callable[[Floats, Floats, bool], Floats]
"""The metric on many tables of counts at once: (groups [repeats, G, tables, labels, decisions], all rows [repeats,
tables, labels, decisions], whether there are many classes) -> value of each resample [repeats]."""


@dataclass(frozen=True)
class Streamed:
    """One metric of what was counted.

    Attributes:
        compute: How it is estimated.
        value: Its value on resampled counts; None where counts are not enough.
        scores: Whether it needs scores.
    """

    compute: Compute
    value: Value | None = None
    scores: bool = False


streamed_metrics: Registry[Streamed] = Registry("streamed metric", "efficienttrust.metrics.streaming.catalogue")
"""Metrics that can be had from counts, under the names that they have in `metrics`."""


def of_worst_class(compute: Compute, better: str) -> Compute:
    """Return a metric of two classes for any number of them: that of the worst class, as on rows."""

    def of_worst(tally: Tally, arguments: Arguments, level: float) -> Estimate:
        if tally.schema.task == "binary":
            return compute(tally, arguments, level)
        views = tally.class_views()
        # `worst_class` asks an outcome for its classes only; this one has no rows
        column, table = np.empty(0, dtype=np.int64), np.empty((0, len(views)))
        labels = table.astype(np.int64) if tally.schema.task == "multilabel" else column
        stand_in = Outcome(labels, labels, table, column, task=tally.schema.task, classes=tally.schema.classes)
        return worst_class(lambda view, given, at: compute(views[view.classes[1]], given, at), better)(
            stand_in, arguments, level
        )

    return of_worst


def of_worst_class_value(value: Callable[[Floats], Floats], better: str) -> Value:
    """Return the value of the worst class from that of two classes, a function of the groups [repeats, G, 2, 2]."""

    def of_worst(groups: Floats, everyone: Floats, many: bool) -> Floats:
        if not many:
            return value(groups[:, :, 0])
        found = [value(one_against_rest(groups[:, :, 0], code)) for code in range(groups.shape[-1])]
        worst: Floats = np.min(found, axis=0) if better == "higher" else np.max(found, axis=0)
        return worst

    return of_worst

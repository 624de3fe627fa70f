"""The section on limits: what was said of the targets before training, and how far the model is from the attainable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efficienttrust.report._figures import Figure, LegendItem, Table
from efficienttrust.report._format import number
from efficienttrust.report._frontier_figure import scatter_panels
from efficienttrust.report._frontier_read import Axis, CurvePoint
from efficienttrust.report._limit import LIMIT_WORDS, LimitCurve, distance_table, read_limit
from efficienttrust.report._read import Document, Estimate, part, read_estimate, rows


@dataclass(frozen=True, eq=False)
class LimitSection:
    """What the section shows.

    Attributes:
        beforehand: Verdicts of the results on the targets; None where no target was set.
        figure: The stages of the run and the limit; None where no limit was estimated.
        why_not: Why there is no limit; empty where there is one.
    """

    beforehand: Table | None
    figure: Figure | None
    why_not: str


def limit_section(document: Document) -> LimitSection | None:
    """Return the section, or None where a run recorded nothing about limits."""
    said, limit = rows(document, "limits"), read_limit(document)
    if not said and limit is None:
        return None
    why_not = str(part(document, "limit").get("why_not") or "")
    return LimitSection(_beforehand(said), None if limit is None else _figure(document, limit), why_not)


def _beforehand(said: Sequence[Mapping[str, object]]) -> Table | None:
    body = [
        [str(one.get("target")), str(one.get("verdict")), str(one["result"]), str(one.get("sentence"))]
        for one in said
        if one.get("result")
    ]
    return Table("Before training", ["target", "verdict", "result", "why"], body) if body else None


def _figure(document: Document, limit: LimitCurve) -> Figure | None:
    utility = str(part(document, "limit").get("utility_metric") or "accuracy")
    axes = [Axis(utility, True, utility), Axis(limit.key, False, limit.key)]
    stages = [
        (str(row.get("name") or ""), part(row, "metrics")) for row in rows(document, "stages")[1:]
    ]  # trained ones
    points = [_point(index, name, metrics, axes) for index, (name, metrics) in enumerate(stages)]
    drawn = [point for point in points if all(one.known for one in point.test)]
    if not drawn:
        return None
    last = drawn[-1]
    distance = limit.distance(last.test[0], last.test[1].value)
    finding = (
        f"“{last.name}” has {utility} {last.test[0].text()} at {limit.key} {number(last.test[1].value)}; "
        f"{limit.at(last.test[1].value).text()} is estimated to be attainable there: "
        f"{number(abs(distance.value))} {'more' if distance.value >= 0 else 'less'}."
    )
    table = distance_table(limit, [(one.name, one.test[0], one.test[1].value) for one in drawn], utility)
    return Figure(
        name="limit",
        finding=finding,
        alt=f"Scatter plot of {len(drawn)} stages with 95 % intervals, and the limit as a dashed line. {finding}",
        table=table,
        legend=[LegendItem("deployed", "a stage on the test rows, 95 % interval"), LegendItem("limit", LIMIT_WORDS)],
        panels=scatter_panels(drawn, axes, limit),
        note="; ".join(f"{one.number}: {one.name}" for one in drawn),
    )


def _point(index: int, name: str, metrics: Mapping[str, object], axes: Sequence[Axis]) -> CurvePoint:
    missing = Estimate(math.nan)
    test = [read_estimate(metrics[axis.key]) if axis.key in metrics else missing for axis in axes]
    return CurvePoint(name, str(index + 1), "", {}, math.nan, (), test, [math.nan] * len(axes), math.nan)

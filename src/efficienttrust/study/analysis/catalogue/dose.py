"""Metric against how tight a constraint is."""

from __future__ import annotations

from typing import Literal

import numpy as np

from efficienttrust.study._design import Factor
from efficienttrust.study.analysis._constraint_rows import DosePoint, DoseTrend, Threshold
from efficienttrust.study.analysis._document import DoseResponse, Refusal
from efficienttrust.study.analysis._kinds import Kind, constraint_of, kinds_of
from efficienttrust.study.analysis._monotone import monotone
from efficienttrust.study.analysis._pairs import Paired, paired
from efficienttrust.study.analysis._rows import POOLED
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import Floats, Ints
from efficienttrust.study.analysis._units import mean_of_blocks, percentile, within, within_each

METHOD = (
    (
        "Differences to the reference level of the constraint (the unconstrained) are paired as the effects are; "
        "intervals are by t over the seeds within data sets."
    ),
    (
        "The monotone curve is the isotonic regression of the mean differences, in the direction of their trend, with"
        " percentiles of the hierarchical bootstrap."
    ),
    (
        "The trend is a straight line against the logarithm of the dose, fitted in each unit; its slope is per "
        "halving of the dose where less is tighter, per doubling where more is. The unconstrained has no dose and no "
        "part in it."
    ),
    (
        "A metric has left the margin at the first level whose whole interval lies outside; it is within up to the "
        "last level for which it and all looser ones lie wholly inside."
    ),
)


@sections.register("dose")
def dose(material: Material) -> DoseResponse:
    """Draw the curve of every metric and cost over the doses of every kind of constraint."""
    table = material.table
    factor, kinds = constraint_of(table), kinds_of(table)
    refusals: list[Refusal] = []
    if factor is None or not kinds:
        refusals.append(Refusal("dose-response", "no constraint with a dose varies in the table"))
        return DoseResponse(title="Dose and response", method=METHOD, refusals=tuple(refusals))
    points: list[DosePoint] = []
    trends: list[DoseTrend] = []
    thresholds: list[Threshold] = []
    refusals += [
        Refusal(f"trend over {kind.name}", "fewer than two doses above 0")
        for kind in kinds
        if sum(one > 0 for one in kind.doses) < 2
    ]
    without = []
    for column in material.columns:
        if not material.varies(column):
            continue
        margin, source = _margin(material, column)
        if not margin and column in material.headline:
            without.append(column)
        pairs = paired(material, column, factor)
        spread = material.values(column)
        for kind in kinds:
            for block, data in [(-1, POOLED), *enumerate(table.blocks)]:
                drawn = _points(material, pairs, column, kind, block, data)
                points += drawn
                trends += _trend(material, factor, spread, column, kind, block, data)
                if margin:
                    thresholds.append(_threshold(drawn, margin, source))
    if without:
        refusals.append(
            Refusal(f"thresholds of {', '.join(without)}", "no equivalence margin was declared or given for them")
        )
    return DoseResponse(
        title="Dose and response",
        method=METHOD,
        refusals=tuple(refusals),
        points=tuple(points),
        trends=tuple(trends),
        thresholds=tuple(thresholds),
    )


def _points(material: Material, pairs: Paired, column: str, kind: Kind, block: int, data: str) -> list[DosePoint]:
    at, level = list(kind.at), material.options.level
    chosen, blocks = _chosen(material, block)
    difference = pairs.difference[chosen][:, at]
    means = mean_of_blocks(pairs.mean[chosen][:, at], blocks)
    tested = [one.estimate for one in within_each(difference, blocks, level)]
    values = mean_of_blocks(difference, blocks)
    sampling = material.resampling if block < 0 else material.resampling_of(block)
    slope = float(np.nansum((np.arange(len(at)) - (len(at) - 1) / 2) * values)) if len(at) > 1 else 0.0
    sign = -1.0 if slope < 0 else 1.0
    curve = sign * monotone(sign * values[None])[0]
    replicates = sign * monotone(sign * sampling.means(difference))
    return [
        DosePoint(
            column, kind.name, data, kind.levels[i], kind.doses[i], kind.unit, float(means[i]), tested[i],
            percentile(float(curve[i]), replicates[:, i], level),
        )
        for i in range(len(at))
    ]  # fmt: skip


def _trend(
    material: Material, factor: Factor, values: Floats, column: str, kind: Kind, block: int, data: str
) -> list[DoseTrend]:
    doses = np.array(kind.doses)
    if (doses > 0).sum() < 2:
        return []
    chosen, blocks = _chosen(material, block)
    spread = material.table.spread(values, material.table.factors.index(factor))[chosen][:, list(kind.at)]
    x = (1.0 if kind.tighter == "up" else -1.0) * np.log2(np.where(doses > 0, doses, np.nan))
    tested = within(slopes(x, spread), blocks, material.options.level)
    per: Literal["halving", "doubling"] = "doubling" if kind.tighter == "up" else "halving"
    return [DoseTrend(column, kind.name, data, per, tested.estimate, tested.p)]


def slopes(x: Floats, y: Floats) -> Floats:
    """Return the slope over doses by unit, within the levels of all other factors.

    Args:
        x: Logarithm of each dose; NaN where there is none [doses].
        y: Figures [units, doses, others].
    """
    known = np.isfinite(y) & np.isfinite(x)[None, :, None]
    with np.errstate(invalid="ignore"):
        count = known.sum(1, keepdims=True)
        centred = np.where(known, x[None, :, None], 0.0)
        centred = np.where(known, centred - centred.sum(1, keepdims=True) / count, 0.0)
        slope: Floats = (centred * np.where(known, y, 0.0)).sum((1, 2)) / (centred**2).sum((1, 2))
    return slope


def _threshold(points: list[DosePoint], margin: float, source: str) -> Threshold:
    first = points[0]
    left = next(
        (one for one in points if one.difference.low > margin or one.difference.high < -margin),
        None,
    )
    inside = ""
    for one in points:
        if not (one.difference.low > -margin and one.difference.high < margin):
            break
        inside = one.level
    return Threshold(
        first.metric, first.kind, first.data, margin, source,
        left.level if left else "", left.dose if left else float("nan"), inside,
    )  # fmt: skip


def _margin(material: Material, column: str) -> tuple[float, str]:
    for one in material.table.design.hypotheses:
        if one.metric == column and one.test == "equivalence" and one.margin > 0:
            return one.margin, one.name
    return material.options.margins.get(column, 0.0), "options"


def _chosen(material: Material, block: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Ints]:
    """Return the units of a data set (of all: −1), and their data sets counted from 0."""
    blocks = material.table.block_of_unit
    chosen = np.ones(len(blocks), dtype=bool) if block < 0 else blocks == block
    return chosen, blocks if block < 0 else np.zeros(int(chosen.sum()), dtype=np.int64)

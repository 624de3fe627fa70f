"""Trade-off curves, hypervolumes and attainment: utility against gap, and each against every cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from efficienttrust.study._columns import COST
from efficienttrust.study.analysis._constraint_rows import AttainmentRow, FrontPoint, HypervolumeRow
from efficienttrust.study.analysis._document import Pareto, Refusal
from efficienttrust.study.analysis._kinds import CONSTRAINT, MITIGATION
from efficienttrust.study.analysis._rows import POOLED
from efficienttrust.study.analysis._sections import GAPS, Material, sections
from efficienttrust.study.analysis._table import Floats, bare, better
from efficienttrust.study.analysis._units import nanmean, within

AXES = ("cost.time_cpu", "cost.time_wall", "cost.memory", "cost.flops", "cost.size", "cost.latency")
SHARES = (0.25, 0.5, 0.75)
METHOD = (
    (
        "A point of a curve is the mean over seeds and the factors other than mitigation and constraint, by data set;"
        " it is on the front where no other point of its data set is at least as good in both and better in one."
    ),
    (
        "Hypervolume is taken in each unit over the levels of the other factors (constraint empty: over all "
        "constraints too), after both objectives are scaled so that the ideal is 0 and the reference 1; ideal and "
        "reference are the best and the worst figure of any trial of the data set, the same for all that is compared."
        " Comparable in one study only."
    ),
    "A corner of an attainment surface is reached in both objectives by that share of the seeds.",
)


@sections.register("pareto")
def pareto(material: Material) -> Pareto:
    """Draw trade-off curves of the headline metrics and sum them up."""
    measured = [name for name in AXES if name in material.table.frame.columns]
    refusals = [Refusal(f"trade-off against {name}", why) for name in measured if (why := material.refused(name))]
    chosen = [name for name in material.headline if better(name)]
    refusals += [
        Refusal(f"trade-off of {name}", "it is not known which direction is better")
        for name in material.headline
        if not better(name)
    ]
    costs = [name for name in AXES if name in material.columns]
    if absent := [name.removeprefix(COST) for name in AXES if name not in material.table.frame.columns]:
        refusals.append(Refusal(f"trade-off against {', '.join(absent)}", "not measured in this study"))
    gaps = [name for name in chosen if any(word in bare(name) for word in GAPS)]
    others = [name for name in chosen if name not in gaps]
    planes = [(x, y) for i, x in enumerate(others) for y in [*gaps, *others[i + 1 :]]]
    if not planes:
        refusals.append(Refusal("hypervolume and attainment", "fewer than two headline metrics with a known direction"))
    points = [one for x, y in [*((x, y) for x in costs for y in chosen), *planes] for one in _points(material, x, y)]
    volumes, corners = [], []
    for plane in planes:
        rows, attained = _sets(material, plane)
        volumes += rows
        corners += attained
    return Pareto(
        title="Trade-offs",
        method=METHOD,
        refusals=tuple(refusals),
        points=tuple(points),
        hypervolumes=tuple(volumes),
        attainment=tuple(corners),
    )


def _points(material: Material, x_column: str, y_column: str) -> list[FrontPoint]:
    import moocore

    table = material.table
    x, y = (_arranged(material, name) for name in (x_column, y_column))
    both = np.isfinite(x) & np.isfinite(y)
    mitigations, constraints = _names(material)
    by_data = [
        np.stack([nanmean(np.where(both, one, np.nan)[table.block_of_unit == i], (0, 3)) for one in (x, y)], axis=-1)
        for i in range(len(table.blocks))
    ]
    rows = []
    for data, at in [(POOLED, np.mean(by_data, axis=0)), *zip(table.blocks, by_data, strict=True)]:
        known = np.argwhere(np.isfinite(at).all(-1))
        if not len(known):
            continue
        pairs = at[known[:, 0], known[:, 1]]
        worse = pairs * [_sign(x_column), _sign(y_column)]
        front = moocore.is_nondominated(worse, keep_weakly=True)
        rows += [
            FrontPoint(data, mitigations[m], constraints[c], x_column, y_column, float(a), float(b), bool(on))
            for (c, m), (a, b), on in zip(known, pairs, front, strict=True)
        ]
    return rows


def hypervolumes(points: Floats) -> Floats:
    """Return the area between points and (1, 1), less being better; NaN where none is known.

    Args:
        points: In 0 … 1; NaN where unknown [sets, points, 2].
    """
    known: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(2))
    x, y = np.where(known[:, :, None], points, 1.0).transpose(2, 0, 1)
    order = np.argsort(x, axis=1)
    x, lowest = np.take_along_axis(x, order, 1), np.minimum.accumulate(np.take_along_axis(y, order, 1), axis=1)
    area: Floats = np.where(known.any(1), (np.diff(x, axis=1, append=1.0) * (1 - lowest)).sum(1), np.nan)
    return area


def _sets(material: Material, plane: tuple[str, str]) -> tuple[list[HypervolumeRow], list[AttainmentRow]]:
    table, level = material.table, material.options.level
    mitigations, constraints = _names(material)
    signs = np.array([_sign(one) for one in plane])
    worse = np.stack([_arranged(material, one) for one in plane], axis=-1) * signs
    worse = np.where(np.isfinite(worse).all(-1, keepdims=True), worse, np.nan)
    ideal, reference, scaled = _scaled(worse, table.block_of_unit)
    volumes, corners = [], []
    for m, mitigation in enumerate(mitigations):
        for c, constraint in enumerate((*constraints, "")):
            points = (scaled[:, c, m] if constraint else scaled[:, :, m]).reshape(table.units, -1, 2)
            volume = hypervolumes(points)
            for block, data in [(-1, POOLED), *enumerate(table.blocks)]:
                mine = np.where((table.block_of_unit == block) | (block < 0), volume, np.nan)
                if not np.isfinite(mine).any():
                    continue
                ends = (np.full(2, np.nan),) * 2 if block < 0 else (reference[block] * signs, ideal[block] * signs)
                worst, best = ((float(one[0]), float(one[1])) for one in ends)
                estimate = within(mine, table.block_of_unit, level).estimate
                volumes.append(HypervolumeRow(plane, worst, best, mitigation, constraint, data, estimate))
                if block >= 0 and constraint:
                    corners += _attained(
                        worse[table.block_of_unit == block][:, c, m], signs, plane, mitigation, constraint, data
                    )
    return volumes, corners


def _attained(
    worse: Floats, signs: Floats, plane: tuple[str, str], mitigation: str, constraint: str, data: str
) -> list[AttainmentRow]:
    import moocore

    known = np.isfinite(worse).all(-1)
    seeds = np.broadcast_to(np.arange(len(worse))[:, None], known.shape)[known]
    found = moocore.eaf(worse[known], sets=seeds, percentiles=[100 * share for share in SHARES])
    rows = []
    for share in SHARES:
        corners = found[np.isclose(found[:, 2], 100 * share), :2] * signs
        points = tuple((float(x), float(y)) for x, y in corners)
        rows.append(AttainmentRow(plane, mitigation, constraint, data, share, points))
    return rows


def _scaled(worse: Floats, blocks: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[Floats, Floats, Floats]:
    """Return (ideal by data set, reference by data set, objectives scaled to 0 … 1)."""
    ideal, reference, scaled = [], [], np.full(worse.shape, np.nan)
    for block in range(int(blocks.max()) + 1):
        own = worse[blocks == block]
        known = own[np.isfinite(own).all(-1)]
        low, high = (known.min(0), known.max(0)) if len(known) else (np.full(2, np.nan),) * 2
        scaled[blocks == block] = (own - low) / np.where(high > low, high - low, 1.0)
        ideal.append(low)
        reference.append(high)
    return np.stack(ideal), np.stack(reference), scaled


def _sign(column: str) -> float:
    """Return the factor after which less is better."""
    return -1.0 if better(column) == "higher" else 1.0


def _arranged(material: Material, column: str) -> Floats:
    """Return a column by [units, constraints, mitigations, other factors]; one level where a factor does not vary."""
    table, values = material.table, material.values(column)
    constraint, mitigation = table.factor(CONSTRAINT), table.factor(MITIGATION)
    if constraint is None and mitigation is None:
        return values[:, None, None, :]
    if constraint is None:
        assert mitigation is not None
        return table.spread(values, mitigation)[:, None]
    if mitigation is None:
        return table.spread(values, constraint)[:, :, None]
    return table.spread(values, constraint, mitigation)


def _names(material: Material) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the levels of mitigation and of constraint; one empty name for a factor that does not vary."""
    table = material.table
    at = [table.factor(name) for name in (MITIGATION, CONSTRAINT)]
    mitigations, constraints = (("",) if i is None else table.factors[i].levels for i in at)
    return mitigations, tuple(name or "all" for name in constraints) if at[1] is not None else ("all",)

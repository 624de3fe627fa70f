"""Differences to the reference level, in natural units."""

from __future__ import annotations

import numpy as np

from efficienttrust.study._design import Factor
from efficienttrust.study.analysis._adjust import holm
from efficienttrust.study.analysis._document import Effects
from efficienttrust.study.analysis._pairs import paired
from efficienttrust.study.analysis._refusals import Refusals
from efficienttrust.study.analysis._rows import DataEffectRow, EffectRow
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._units import (
    FEW_DATA_SETS,
    across_each,
    mean_of_blocks,
    percentile,
    within_each,
)

METHOD = (
    (
        "A difference is paired: within data set, seed and the levels of all other factors, then averaged over these "
        "in each unit (data set × seed); only pairs with both figures count, so it is conditional on both being "
        "feasible."
    ),
    (
        "The interval of the difference is by t over the seeds within data sets, with Satterthwaite's degrees of "
        "freedom; data sets weigh alike. It is about these data sets."
    ),
    (
        "About data sets like these: a hierarchical bootstrap (data sets, then seeds; percentiles), and t over the "
        "means of the data sets."
    ),
    (
        "p is adjusted by Holm's method over the levels of a factor, for each metric by itself. All rows are "
        "exploratory; what was declared before stands under the hypotheses."
    ),
)


@sections.register("effects")
def effects(material: Material) -> Effects:
    """Compare every level with the reference of its factor, for every metric and cost."""
    table = material.table
    pooled: list[EffectRow] = []
    by_data: list[DataEffectRow] = []
    refusals = Refusals()
    for column in material.columns:
        if not material.varies(column):
            refusals.add("effects on", column, "zero variance: all trials have the same figure")
            continue
        for factor in table.factors:
            rows, alone = _of_factor(material, column, factor, refusals)
            pooled += rows
            by_data += alone
    notes = []
    if 1 < len(table.blocks) < FEW_DATA_SETS:
        notes.append(
            f"With {len(table.blocks)} data sets the bootstrap interval about data sets like these is too short; read "
            "the one by t."
        )
    return Effects(
        title="Effects in natural units",
        method=METHOD,
        notes=tuple(notes),
        refusals=refusals.listed(),
        pooled=tuple(pooled),
        by_data=tuple(by_data),
    )


def _of_factor(
    material: Material, column: str, factor: Factor, refusals: Refusals
) -> tuple[list[EffectRow], list[DataEffectRow]]:
    table, level = material.table, material.options.level
    pairs = paired(material, column, factor)
    replicates = material.resampling.means(pairs.difference)
    mean, reference = (mean_of_blocks(one, table.block_of_unit) for one in (pairs.mean, pairs.reference))
    names = [name for name in factor.levels if name != factor.reference]
    at = [factor.levels.index(name) for name in names]
    tested = within_each(pairs.difference[:, at], table.block_of_unit, level)
    over_data = across_each(pairs.difference[:, at], table.block_of_unit, level)
    alone_by_data = [
        within_each(
            pairs.difference[table.block_of_unit == block][:, at],
            np.zeros(int((table.block_of_unit == block).sum()), np.int64),
            level,
        )
        for block in range(len(table.blocks))
    ]
    adjusted = holm([one.p for one in tested])
    declared = {one.factor: one.name for one in table.design.hypotheses if one.metric == column}
    rows, alone = [], []
    for place, (name, i, test, p) in enumerate(zip(names, at, tested, adjusted, strict=True)):
        known = np.isfinite(pairs.difference[:, i])
        if not known.any():
            refusals.add(f"effect of {factor.name} {name!r} on", column, "no pair has both figures: empty cells")
            continue
        rows.append(
            EffectRow(
                column,
                factor.name,
                name,
                factor.reference,
                float(mean[i]),
                float(reference[i]),
                test.estimate,
                percentile(test.estimate.value, replicates[:, i], level),
                over_data[place].estimate,
                test.p,
                p,
                int(known.sum()),
                int(pairs.pairs[:, i].sum()),
                declared.get(factor.name, ""),
            )
        )
        for block, data in enumerate(table.blocks):
            mine = known & (table.block_of_unit == block)
            if mine.any():
                own = alone_by_data[block][place].estimate
                alone.append(DataEffectRow(column, factor.name, name, factor.reference, data, own, int(mine.sum())))
    return rows, alone

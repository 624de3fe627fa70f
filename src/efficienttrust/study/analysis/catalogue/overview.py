"""What was planned and what came of it."""

from __future__ import annotations

import numpy as np

from efficienttrust.study._columns import FACTOR
from efficienttrust.study._design import hash_of_declared
from efficienttrust.study.analysis._document import Overview, Refusal
from efficienttrust.study.analysis._rows import Column, LevelCount
from efficienttrust.study.analysis._sections import Material, sections
from efficienttrust.study.analysis._table import better, label
from efficienttrust.study.analysis._units import FEW_DATA_SETS

STATUSES = ("done", "infeasible", "failed")


@sections.register("overview")
def overview(material: Material) -> Overview:
    """Count trials by status and level, and check that the hypotheses are those that were declared."""
    table = material.table
    design, frame = table.design, table.frame
    counts = {status: int((frame["status"] == status).sum()) for status in STATUSES}
    levels = []
    for factor in design.factors:
        by = frame.groupby([FACTOR + factor.name, "status"]).size()
        levels += [
            LevelCount(factor.name, level, *(int(by.get((level, status), 0)) for status in STATUSES))
            for level in factor.levels
        ]
    notes, refusals = [], []
    if design.planned > len(frame):
        notes.append(f"{design.planned - len(frame)} of {design.planned} planned trials are not in the table.")
    if counts["failed"]:
        notes.append(f"{counts['failed']} trials failed; they count neither as feasible nor as infeasible.")
    if design.fraction:
        notes.append(f"Fractional design: {design.fraction}.")
    if 1 < len(table.blocks) < FEW_DATA_SETS:
        notes.append(
            f"{len(table.blocks)} data sets: what is said about data sets like these rests on few, and bootstrap "
            "intervals over them are too short."
        )
    if len(table.blocks) == 1:
        refusals.append(Refusal("statements about other data sets", "the study has one data set"))
    if len(np.unique(table.seed_of_unit)) == 1:
        refusals.append(
            Refusal(
                "intervals and tests about these data sets",
                "one seed: the scatter of replicates is not known; plan two or more",
            )
        )
    refusals += [
        Refusal(f"effects of {factor.name}", "the factor has one level in the table")
        for factor in design.factors
        if not factor.block and table.factor(factor.name) is None
    ]
    return Overview(
        title="What was planned and what came of it",
        notes=tuple(notes),
        refusals=tuple(refusals),
        planned=design.planned,
        counts=counts,
        data_sets=table.blocks,
        units=table.units,
        levels=tuple(levels),
        columns=tuple(
            Column(name, label(name), better(name), int(np.isfinite(table.figures(name)).sum()))
            for name in material.columns
        ),
        declared=_declared(material),
        environment={str(name): str(value) for name, value in table.metadata.get("environment", {}).items()},
        command=str(table.metadata.get("command", "")),
    )


def _declared(material: Material) -> str:
    design = material.table.design
    if not design.hypotheses:
        return "nothing declared"
    return "as declared" if hash_of_declared(design.hypotheses) == design.declared_hash else "changed"

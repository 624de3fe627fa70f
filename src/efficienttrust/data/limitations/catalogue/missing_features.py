"""Missing features: columns that were never collected, or cells that were lost along the way.

Cells go missing completely at random (Rubin 1976), each on its own.
"""

from __future__ import annotations

from efficienttrust.data._problem import Problem
from efficienttrust.data._random import uniforms
from efficienttrust.data.limitations._cells import without_cells, without_columns
from efficienttrust.data.limitations._draws import shuffled
from efficienttrust.data.limitations._limitation import Limitation, LimitationKind, limitations
from efficienttrust.data.limitations._rows import LIMITED, refuse_images


def missing_features(problem: Problem, limitation: Limitation, key: tuple[object, ...]) -> tuple[Problem, str]:
    """Take away whole columns from the model, or single cells from the rows it learns from."""
    refuse_images(problem, limitation)
    names, level = list(problem.encoder.columns), limitation.level
    if limitation.kind == "columns":
        gone = shuffled(names, *key)[: int(level * len(names) + 1e-9)]
        return without_columns(problem, gone), f"input columns removed: {', '.join(sorted(gone)) or 'none'}"
    rows = {split: problem.splits[split].rows for split in LIMITED}
    lost = {name: {split: uniforms(rows[split], *key, name) < level for split in LIMITED} for name in names}
    counts = {split: sum(int(lost[name][split].sum()) for name in names) for split in LIMITED}
    said = ", ".join(f"{counts[split]:,} of {len(names) * len(rows[split]):,} in {split}" for split in LIMITED)
    return without_cells(problem, lost), f"cells made missing: {said}"


limitations.register("missing_features")(
    LimitationKind(
        name="missing_features",
        definition="Input columns, drawn at random, are taken from the model (kind=columns), or input cells go missing "
        "completely at random where it learns (kind=cells).",
        level="share of the input columns, rounded down; or the probability that a cell is missing",
        run=missing_features,
        kinds=("columns", "cells"),
    )
)

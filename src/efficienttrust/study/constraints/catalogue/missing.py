"""Missing inputs: columns or cells that the model does not get."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import limitation_of_the_data
from efficienttrust.study.constraints._kind import ConstraintLevel, Misfit, Situation, constraint_kinds


def _unfit(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    return Misfit(("data",), "images have no columns to miss") if situation.image else None


constraint_kinds.register("missing")(
    limitation_of_the_data(
        "missing",
        "missing_features",
        "share of the columns or cells",
        "missing=0.3",
        "A share of the input columns, or of the cells with `how` = cells, is missing.",
        options=("how",),
        unfit=_unfit,
    )
)

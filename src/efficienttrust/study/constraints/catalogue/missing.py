"""Missing inputs: columns or cells that the model does not get."""

from __future__ import annotations

from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._amounts import limited_by, with_limitation
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Misfit,
    Reference,
    Settings,
    Situation,
    constraint_kinds,
)


def _dose(level: ConstraintLevel) -> Constraint:
    return Constraint("missing", limited_by("missing_features", level).level, "share of the columns or cells", "up")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    return with_limitation(settings, limited_by("missing_features", level).text)


def _unfit(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    return Misfit(("data",), "images have no columns to miss") if situation.image else None


constraint_kinds.register("missing")(
    ConstraintKind(
        "missing",
        "A share of the input columns, or of the cells with `how` = cells, is missing.",
        "missing=0.3",
        _dose,
        _apply,
        options=("how",),
        unfit=_unfit,
    )
)

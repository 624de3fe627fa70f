"""Label noise: labels to learn from are wrong."""

from __future__ import annotations

from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._amounts import has_the_group, limited_by, with_limitation
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Reference,
    Settings,
    constraint_kinds,
)


def _dose(level: ConstraintLevel) -> Constraint:
    return Constraint("label_noise", limited_by("label_noise", level).level, "share of the labels", "up")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    return with_limitation(settings, limited_by("label_noise", level).text)


constraint_kinds.register("label_noise")(
    ConstraintKind(
        "label_noise",
        "A share of the labels to learn from is wrong.",
        "label_noise=0.2",
        _dose,
        _apply,
        options=("by", "group", "how"),
        unfit=has_the_group,
    )
)

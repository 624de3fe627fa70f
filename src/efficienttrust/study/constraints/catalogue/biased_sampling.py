"""Biased sampling: one group is under-represented."""

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
    return Constraint("biased_sampling", limited_by("biased_sampling", level).level, "share of the group's rows", "up")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    return with_limitation(settings, limited_by("biased_sampling", level).text)


constraint_kinds.register("biased_sampling")(
    ConstraintKind(
        "biased_sampling",
        "A share of the rows of one group, named by `by` and `group`, is removed.",
        "biased_sampling=0.8, by=sex, group=Female",
        _dose,
        _apply,
        options=("by", "group"),
        required=("by", "group"),
        unfit=has_the_group,
    )
)

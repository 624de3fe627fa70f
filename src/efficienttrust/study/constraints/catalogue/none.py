"""No constraint: the reference itself."""

from __future__ import annotations

from efficienttrust.errors import UsageError
from efficienttrust.study._design import NONE, Constraint
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Reference,
    Settings,
    constraint_kinds,
)


def _dose(level: ConstraintLevel) -> Constraint:
    if level.level != NONE:
        raise UsageError(f"{NONE} has no level; leave out {level.level!r}")
    return Constraint(NONE)


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    return settings


constraint_kinds.register(NONE)(ConstraintKind(NONE, "Nothing beyond the reference's time.", NONE, _dose, _apply))

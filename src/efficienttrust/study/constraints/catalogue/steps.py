"""Steps of the optimiser."""

from __future__ import annotations

from efficienttrust.errors import UsageError
from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._amounts import (
    OF_THE_REFERENCE,
    ignores_time,
    share_of,
    share_of_time,
    time_limit,
    with_limit,
)
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Reference,
    Settings,
    constraint_kinds,
)


def _dose(level: ConstraintLevel) -> Constraint:
    share = share_of(level)
    if share is not None:
        return Constraint("steps", share, OF_THE_REFERENCE)
    limit = time_limit(level, "steps")
    if limit.clock != "steps":
        raise UsageError(f"steps={level.level} is not in steps; use the kind time for {limit.clock}")
    return Constraint("steps", limit.amount, "steps")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    share = share_of(level)
    limit = time_limit(level, "steps") if share is None else share_of_time(reference, share, clock="steps")
    return with_limit(settings, time=limit)


constraint_kinds.register("steps")(
    ConstraintKind(
        "steps",
        "A limit in steps: a share of the reference's, which has to be in steps, or a number.",
        "steps=120",
        _dose,
        _apply,
        unfit=ignores_time,
        sets=("budget.time",),
    )
)

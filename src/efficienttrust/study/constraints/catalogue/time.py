"""Training time, on whichever clock the reference or the amount names."""

from __future__ import annotations

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
        return Constraint("time", share, OF_THE_REFERENCE)
    limit = time_limit(level, "")
    return Constraint("time", limit.amount, f"s {limit.clock}" if limit.clock in ("wall", "cpu") else limit.clock)


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    share = share_of(level)
    return with_limit(settings, time=time_limit(level, "") if share is None else share_of_time(reference, share))


constraint_kinds.register("time")(
    ConstraintKind(
        "time",
        "A limit on training time: a share of the reference's, on its clock, or an amount such as `20s cpu`.",
        "time=30%",
        _dose,
        _apply,
        unfit=ignores_time,
        sets=("budget.time",),
    )
)

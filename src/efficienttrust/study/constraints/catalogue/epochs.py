"""Passes over the training rows."""

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
    Misfit,
    Reference,
    Settings,
    Situation,
    constraint_kinds,
)


def _dose(level: ConstraintLevel) -> Constraint:
    share = share_of(level)
    if share is not None:
        return Constraint("epochs", share, OF_THE_REFERENCE)
    limit = time_limit(level, "epochs")
    if limit.clock != "epochs":
        raise UsageError(f"epochs={level.level} is not in epochs; use the kind time for {limit.clock}")
    return Constraint("epochs", limit.amount, "epochs")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    share = share_of(level)
    limit = time_limit(level, "epochs") if share is None else share_of_time(reference, share, clock="epochs")
    return with_limit(settings, time=limit)


def _unfit(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    if situation.trainer != "network":
        return Misfit(("model",), f"{situation.trainer} make no passes over the rows; use the kind time")
    return ignores_time(situation, level)


constraint_kinds.register("epochs")(
    ConstraintKind(
        "epochs",
        "A limit in epochs: a share of the reference's, which has to be in epochs, or a number.",
        "epochs=3",
        _dose,
        _apply,
        unfit=_unfit,
        sets=("budget.time",),
    )
)

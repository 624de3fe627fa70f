"""Passes over the training rows."""

from __future__ import annotations

from efficienttrust.study.constraints._amounts import ignores_time, limit_in
from efficienttrust.study.constraints._kind import ConstraintLevel, Misfit, Situation, constraint_kinds


def _unfit(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    if situation.trainer != "network":
        return Misfit(("model",), f"{situation.trainer} make no passes over the rows; use the kind time")
    return ignores_time(situation, level)


constraint_kinds.register("epochs")(limit_in("epochs", "epochs=3", _unfit))

"""Distillation: boosted trees teach a network by their probabilities."""

from __future__ import annotations

from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._amounts import number_of
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
    return Constraint("distil", number_of(level, low=0.0, high=1.0), "share of the loss", "up")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    return {**settings, "distil": number_of(level, low=0.0, high=1.0)}


def _unfit(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    what = "boosted trees teach a network two classes from a table, and nothing else"
    if situation.image or situation.task not in (None, "binary"):
        return Misfit(("data",), what)
    return None if situation.trainer == "network" else Misfit(("model",), what)


constraint_kinds.register("distil")(
    ConstraintKind(
        "distil",
        "A share of the network's loss is on the probabilities of boosted trees.",
        "distil=0.5",
        _dose,
        _apply,
        unfit=_unfit,
        sets=("distil",),
    )
)

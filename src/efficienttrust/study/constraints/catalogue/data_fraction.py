"""Data fraction: only a share of the rows is learned from."""

from __future__ import annotations

from efficienttrust.data.limitations import parse_limitation
from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._amounts import number_of, with_limitation
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Reference,
    Settings,
    constraint_kinds,
)


def _dose(level: ConstraintLevel) -> Constraint:
    return Constraint("data_fraction", number_of(level, low=0.0, high=1.0), "share of the rows")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    kept = number_of(level, low=0.0, high=1.0)
    return with_limitation(settings, parse_limitation(f"fewer_rows({round(1 - kept, 12)!r})").text)


constraint_kinds.register("data_fraction")(
    ConstraintKind(
        "data_fraction",
        "A share of the rows that are learned from is kept.",
        "data_fraction=25%",
        _dose,
        _apply,
    )
)

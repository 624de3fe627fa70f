"""Bits: the weights of the deployed file are rounded."""

from __future__ import annotations

from efficienttrust.compression.quantisation import parse_quantisation
from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Reference,
    Settings,
    constraint_kinds,
    networks_alone,
)


def _dose(level: ConstraintLevel) -> Constraint:
    return Constraint("bits", float(parse_quantisation(_text(level)).bits), "bits a weight")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    return {**settings, "quantize": parse_quantisation(_text(level)).text}


def _text(level: ConstraintLevel) -> str:
    return f"weights:{level.level}" if level.level.isdigit() else level.level


constraint_kinds.register("bits")(
    ConstraintKind(
        "bits",
        "Weights of the deployed file are rounded to so many bits, or quantised by a method by name.",
        "bits=4",
        _dose,
        _apply,
        unfit=networks_alone,
        sets=("quantize",),
    )
)

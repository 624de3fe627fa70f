"""Pruning while training: a share of the weights becomes zero, by a method that the level names."""

from __future__ import annotations

from efficienttrust.compression.pruning import parse_pruning
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
    return Constraint("prune", parse_pruning(_text(level)).amount, "share of the weights", "up")


def _apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
    return {**settings, "prune": parse_pruning(_text(level)).text}


def _text(level: ConstraintLevel) -> str:
    """Return `gradual:0.8` for `gradual:0.8` and for `0.8`; other methods are named in front or by `how`."""
    return level.level if ":" in level.level else f"{level.options.get('how', 'gradual')}:{level.level}"


constraint_kinds.register("prune")(
    ConstraintKind(
        "prune",
        "A share of the weights is pruned, gradually unless another method is named by `how` or in front of a colon.",
        "prune=structured:0.5",
        _dose,
        _apply,
        options=("how",),
        unfit=networks_alone,
        sets=("prune",),
    )
)

"""Constraints as levels of a factor: what each one changes in the settings of a trial, and how much, as a dose.

A level has a kind (`time`, `prune`, `label_noise` ...) and an amount: a share of the reference (`30%`), which is what
100 % means in this study, or an absolute one (`120 steps`, `int8`, `0.2`). A kind checks the amount, says whether it
fits a cell (trees have no width), and patches the settings; it changes nothing else, so that a trial is decided by its
settings alone.

Where the levels of `efficienttrust.pipeline.levels` are shares of what one finished run used, those of a study are
shares of amounts that the study file states, so that all trials are known, and have their keys, before the first one
ran. Adding a kind is adding one module to `catalogue/`.

    >>> from efficienttrust.study.constraints import constraint_kinds, parse_constraint
    >>> level = parse_constraint("time=30%")
    >>> kind = constraint_kinds.get(level.kind)
    >>> kind.dose(level)
    Constraint(kind='time', dose=0.3, unit='share of the reference', tighter='down')
    >>> kind.apply({"budget": "time=400 steps"}, level, Reference.parse("time=400 steps"))["budget"]
    'time=120 steps'
"""

from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Reference,
    Situation,
    constraint_kinds,
    parse_constraint,
)

__all__ = [
    "ConstraintKind",
    "ConstraintLevel",
    "Reference",
    "Situation",
    "constraint_kinds",
    "parse_constraint",
]

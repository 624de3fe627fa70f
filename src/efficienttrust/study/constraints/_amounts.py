"""Amounts of levels: shares of the reference, absolute limits of a budget, and plain shares."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from efficienttrust.data.limitations import Limitation, parse_limitation
from efficienttrust.errors import UsageError
from efficienttrust.resources import Budget, TimeLimit
from efficienttrust.study._design import Constraint
from efficienttrust.study.constraints._kind import (
    ConstraintKind,
    ConstraintLevel,
    Misfit,
    Reference,
    Settings,
    Situation,
    Unfit,
)

OF_THE_REFERENCE = "share of the reference"


def share_of(level: ConstraintLevel) -> float | None:
    """Return the share that `30%` says, in (0, 1]; None for an amount of another form.

    Raises:
        UsageError: It is no percentage above 0 and at most 100.
    """
    text = level.level
    if not text.endswith("%"):
        return None
    try:
        share = float(text[:-1]) / 100
    except ValueError:
        share = math.nan
    if not 0 < share <= 1:
        raise UsageError(f"{level.kind}={text} is not above 0% and at most 100%, the reference itself")
    return float(f"{share:.12g}")


def number_of(level: ConstraintLevel, *, low: float, high: float, open_low: bool = True) -> float:
    """Return a plain number or a percentage in (low, high), or in [low, high) where `open_low` is off.

    Raises:
        UsageError: It is not.
    """
    text, scale = (level.level[:-1], 100.0) if level.level.endswith("%") else (level.level, 1.0)
    try:
        value = float(f"{float(text) / scale:.12g}")
    except ValueError:
        value = math.nan
    if not (low < value < high or (value == low and not open_low)):
        raise UsageError(f"{level.kind}={level.level} is no number between {low:g} and {high:g}")
    return value


def limit_of_the_budget(name: str, unit: str, example: str, what: str, whole: bool) -> ConstraintKind:
    """Return the kind that limits one resource of the budget other than time.

    Args:
        name: The resource, as the budget calls it.
        unit: Unit of an absolute dose.
        example: A level.
        what: What is limited, for the definition.
        whole: Whether amounts are whole numbers.
    """

    def dose(level: ConstraintLevel) -> Constraint:
        share = share_of(level)
        if share is not None:
            return Constraint(name, share, OF_THE_REFERENCE)
        return Constraint(name, float(getattr(Budget.parse(f"{name}={level.level}"), name)), unit)

    def apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
        share = share_of(level)
        if share is None:
            limit: Any = getattr(Budget.parse(f"{name}={level.level}"), name)
        else:
            whole_of_it = amount_of(reference, name)
            limit = max(1, math.floor(share * whole_of_it)) if whole else float(f"{share * whole_of_it:.6g}")
        return with_limit(settings, **{name: limit})

    definition = f"A limit on {what}: a share of the reference's, or an amount."
    return ConstraintKind(name, definition, example, dose, apply, sets=(f"budget.{name}",))


def limit_in(clock: str, example: str, unfit: Unfit | None = None) -> ConstraintKind:
    """Return the kind that limits time on one counted clock.

    Args:
        clock: `steps` or `epochs`.
        example: A level.
        unfit: As of `ConstraintKind`; by default `ignores_time`.
    """

    def limit_of(level: ConstraintLevel) -> TimeLimit:
        limit = time_limit(level, clock)
        if limit.clock != clock:
            raise UsageError(f"{clock}={level.level} is not in {clock}; use the kind time for {limit.clock}")
        return limit

    def dose(level: ConstraintLevel) -> Constraint:
        share = share_of(level)
        if share is not None:
            return Constraint(clock, share, OF_THE_REFERENCE)
        return Constraint(clock, limit_of(level).amount, clock)

    def apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
        share = share_of(level)
        limit = limit_of(level) if share is None else share_of_time(reference, share, clock=clock)
        return with_limit(settings, time=limit)

    definition = f"A limit in {clock}: a share of the reference's, which has to be in {clock}, or a number."
    return ConstraintKind(clock, definition, example, dose, apply, unfit=unfit or ignores_time, sets=("budget.time",))


def limitation_of_the_data(
    name: str,
    limitation: str,
    unit: str,
    example: str,
    definition: str,
    *,
    options: tuple[str, ...],
    required: tuple[str, ...] = (),
    unfit: Unfit | None = None,
) -> ConstraintKind:
    """Return the kind that takes something away from the data.

    Args:
        name: Of the kind.
        limitation: Of the data, as `data.limitations` calls it.
        unit: Of the dose.
        example: A level.
        definition: In one sentence.
        options: Of a level.
        required: Those that have to be given.
        unfit: As of `ConstraintKind`; by default `has_the_group`.
    """

    def dose(level: ConstraintLevel) -> Constraint:
        return Constraint(name, limited_by(limitation, level).level, unit, "up")

    def apply(settings: Settings, level: ConstraintLevel, reference: Reference) -> Settings:
        return with_limitation(settings, limited_by(limitation, level).text)

    return ConstraintKind(
        name, definition, example, dose, apply, options=options, required=required, unfit=unfit or has_the_group
    )


def amount_of(reference: Reference, resource: str) -> float:
    """Return what 100 % of a resource is; raises `UsageError` where the reference does not say."""
    amount = getattr(reference.budget, resource)
    if amount is None:
        raise UsageError(
            f"{resource} as a share needs to know what 100 % is: state {resource} under reference, or give an amount"
        )
    return float(amount)


def time_limit(level: ConstraintLevel, unit: str) -> TimeLimit:
    """Return an absolute limit on time; a number alone counts in the unit given, which may be empty."""
    text = level.level if any(letter.isalpha() for letter in level.level[-1:]) or not unit else f"{level.level} {unit}"
    return TimeLimit.parse(text, where=f"{level.kind}={level.level}")


def share_of_time(reference: Reference, share: float, *, clock: str | None = None) -> TimeLimit:
    """Return a share of the reference's time, on its clock.

    Raises:
        UsageError: The reference has no time, or one on another clock than was asked for.
    """
    whole = reference.budget.time
    if whole is None:
        raise UsageError("time as a share needs to know what 100 % is: state steps or another clock under reference")
    if clock is not None and whole.clock != clock:
        raise UsageError(
            f"{clock} as a share needs the reference in {clock}, which is in {whole.clock}: state {clock} under "
            "reference, or use the kind time"
        )
    amount = share * whole.amount
    if whole.clock in ("steps", "samples"):
        amount = float(max(1, math.floor(amount + 0.5)))
    return TimeLimit(float(f"{amount:.12g}"), whole.clock)


def with_limit(settings: Settings, **limit: Any) -> Settings:
    """Return settings with one limit of the budget set, the others kept."""
    return {**settings, "budget": str(replace(Budget.parse(str(settings["budget"])), **limit))}


def with_limitation(settings: Settings, text: str) -> Settings:
    """Return settings whose data lack one thing more."""
    data = settings["data"]
    return {**settings, "data": {**data, "limitations": [*(data.get("limitations") or ()), text]}}


def ignores_time(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    """Return why a limit on time means nothing to a method that trains without one; None where it does."""
    if situation.method != "unconstrained":
        return None
    return Misfit(
        ("mitigation",), "unconstrained trains without a limit on time; use early_stop for plain training under one"
    )


def has_the_group(situation: Situation, level: ConstraintLevel) -> Misfit | None:
    """Return why a constraint on one group does not fit data without groups; None where it does."""
    if "group" not in level.options or situation.sensitive:
        return None
    column = level.options.get("by", "of the group")
    return Misfit(("data",), f"there are no groups: name the column {column} as sensitive")


def limited_by(name: str, level: ConstraintLevel) -> Limitation:
    """Return the limitation of the data that a level stands for; `how` of the level is its `kind`.

    Raises:
        UsageError: The amount is outside (0, 1), or an option does not fit.
    """
    share = number_of(level, low=0.0, high=1.0)
    options = "".join(f", {'kind' if key == 'how' else key}={value}" for key, value in level.options.items())
    return parse_limitation(f"{name}({share!r}{options})")

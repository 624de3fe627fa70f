"""What a kind of constraint is, a level of one, what they are shares of, and the registry of kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from efficienttrust.errors import UsageError, did_you_mean
from efficienttrust.registry import Registry
from efficienttrust.resources import Budget
from efficienttrust.study._design import NONE, Constraint

Settings = Mapping[str, Any]
"""Settings of a trial, as plain JSON values."""


@dataclass(frozen=True)
class ConstraintLevel:
    """A constraint at a level.

    Attributes:
        kind: Name of the kind.
        level: How much: `30%` of the reference, or an amount of the kind's own.
        options: Further options of the kind, such as `by` and `group`.
    """

    kind: str
    level: str
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join([f"{self.kind}={self.level}", *(f"{name}={value}" for name, value in self.options.items())])


@dataclass(frozen=True)
class Reference:
    """What 100 % means, by resource.

    Attributes:
        budget: Amounts as limits of a budget: `time=400 steps, size=60kB`.
    """

    budget: Budget

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read amounts as a budget is written; raises `UsageError`."""
        return cls(Budget.parse(text))


@dataclass(frozen=True)
class Situation:
    """What a constraint has to fit.

    Attributes:
        image: Whether the data are images.
        task: Of the label; None where the data decide.
        sensitive: Whether groups are named, or the data set has some by default.
        trainer: What trains: `network`, `trees`, `lightgbm` ...
        network: Name of the network; empty for other trainers.
        options: Options of the network that were given.
        method: Name of the method, `fit` for a policy.
    """

    image: bool
    task: str | None
    sensitive: bool
    trainer: str
    network: str
    options: Mapping[str, Any]
    method: str


@dataclass(frozen=True)
class Misfit:
    """Why a constraint does not fit a cell.

    Attributes:
        factors: Whose levels it does not go with: `data`, `model`, `mitigation`.
        reason: Why, in words.
    """

    factors: tuple[str, ...]
    reason: str


Unfit = Callable[[Situation, "ConstraintLevel"], Misfit | None]
"""Returns why a constraint does not fit a situation; None where it does."""


def fits_all(_situation: Situation, _level: ConstraintLevel) -> None:
    """Return no misfit: the constraint fits every cell."""


def networks_alone(situation: Situation, _level: ConstraintLevel) -> Misfit | None:
    """Return why a constraint on weights does not fit what is no network; None where it does."""
    if situation.trainer == "network":
        return None
    return Misfit(("model",), f"{situation.trainer} are no network: nothing to narrow, prune or round")


@dataclass(frozen=True)
class ConstraintKind:
    """One kind of constraint, as registered.

    Attributes:
        name: Its name.
        definition: What the level says and what becomes of it, in one sentence.
        example: A level, for messages and docs.
        dose: Reads the level as a dose; raises `UsageError` for an amount that it cannot be.
        apply: Called as `apply(settings, level, reference)`; returns new settings. Raises `UsageError` where the
            reference has no amount that the level is a share of.
        options: Names of the options that it takes.
        required: Those that must be given.
        unfit: Returns why it does not fit a situation; None where it does.
        sets: What of the settings it sets, so that nothing else may: `budget.time`, `model`.
    """

    name: str
    definition: str
    example: str
    dose: Callable[[ConstraintLevel], Constraint]
    apply: Callable[[Settings, ConstraintLevel, Reference], Settings]
    options: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    unfit: Unfit = fits_all
    sets: tuple[str, ...] = ()


constraint_kinds: Registry[ConstraintKind] = Registry(
    "constraint kind", "efficienttrust.study.constraints.catalogue", of=ConstraintKind
)


def parse_constraint(text: str) -> ConstraintLevel:
    """Read a level such as `time=30%`, `prune=structured:0.5` or `biased_sampling=0.8, by=sex, group=Female`.

    Raises:
        UsageError: Unknown kind or option, or an amount that the kind cannot be.
    """
    parts = [part.partition("=") for part in text.split(",")] if text.strip() != NONE else [(NONE, "=", NONE)]
    (kind, _, amount), *rest = ((name.strip(), equals, value.strip()) for name, equals, value in parts)
    return checked(ConstraintLevel(kind, amount, {name: value for name, _, value in rest}))


def checked(level: ConstraintLevel) -> ConstraintLevel:
    """Return a level with its full kind; raises `UsageError` as `parse_constraint` does."""
    kind = constraint_kinds.get(level.kind)
    level = ConstraintLevel(kind.name, level.level, level.options)
    for option, value in level.options.items():
        if option not in kind.options:
            hint = did_you_mean(option, kind.options) or " It takes none."
            raise UsageError(f"{kind.name} takes no option {option!r}.{hint}")
        if not value:
            raise UsageError(f"{kind.name}: option {option!r} has no value")
    for option in kind.required:
        if option not in level.options:
            raise UsageError(f"{kind.name} lacks {option}: write for example {kind.example}")
    if not level.level:
        raise UsageError(f"{kind.name} has no level: write for example {kind.example}")
    kind.dose(level)
    return level

"""A level: a constraint with the share of the baseline's resource that may be used."""

from __future__ import annotations

from dataclasses import dataclass

from efficienttrust.errors import UsageError
from efficienttrust.pipeline.levels._constraint import constraints


@dataclass(frozen=True)
class Level:
    """A constraint at a level.

    Attributes:
        constraint: Name of the constraint.
        share: Of what the baseline used, in (0, 1]; 1 is the baseline.
    """

    constraint: str
    share: float

    def __str__(self) -> str:
        return f"{self.constraint}={100 * self.share:.12g}%"


def parse_level(text: str) -> Level:
    """Read a level, e.g. `time=50%`.

    Raises:
        UsageError: Unknown constraint, no percent sign, or a level outside (0 %, 100 %].
    """
    name, equals, amount = (part.strip() for part in text.partition("="))
    if not (equals and amount):
        raise UsageError(f"level {text!r} is not of the form CONSTRAINT=PERCENT, for example time=50%")
    name = constraints.canonical(name)
    number = amount.removesuffix("%")
    try:
        percent = float(number)
    except ValueError:
        percent = -1.0
    if number == amount:
        raise UsageError(f"level {text!r}: say the share of the baseline in percent, for example {name}=50%")
    if not 0 < percent <= 100:
        raise UsageError(f"level {text!r}: {amount} is not above 0% and at most 100%, the baseline itself")
    return Level(name, percent / 100)


def parse_levels(texts: tuple[str, ...]) -> tuple[Level, ...]:
    """Read several levels that shall act together.

    Raises:
        UsageError: As `parse_level` raises it; or two of them set the same thing.
    """
    levels = tuple(parse_level(text) for text in texts)
    taken: dict[str, Level] = {}
    for level in levels:
        for claim in constraints.get(level.constraint).claims:
            if claim in taken:
                raise UsageError(
                    f"levels {taken[claim]} and {level} both set {claim.replace('.', ': ')}; give one of the two"
                )
            taken[claim] = level
    return levels

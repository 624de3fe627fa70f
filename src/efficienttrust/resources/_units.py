"""Amounts with units: `300kB`, `1.5h`, `20k`. Parsed exactly; errors say the value and the remedy."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from efficienttrust.errors import UsageError, did_you_mean

_NUMBER = r"[+-]?(?:[0-9]+(?:_[0-9]+)*\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|[+-]?(?:nan|inf(?:inity)?)"
_AMOUNT = re.compile(rf"({_NUMBER})(.*)", re.IGNORECASE | re.DOTALL)
_MULTIPLES = {"": Fraction(1), "k": Fraction(1000), "M": Fraction(10**6), "G": Fraction(10**9), "T": Fraction(10**12)}


@dataclass(frozen=True)
class Kind:
    """A kind of quantity with the units it may be written in.

    Attributes:
        units: Factor of each unit; the empty unit is there when a bare number is allowed.
        example: An amount for error messages.
        whole: Whether only whole numbers make sense.
    """

    units: Mapping[str, Fraction]
    example: str
    whole: bool = False


BYTES = Kind(
    {
        **{f"{prefix}B": factor for prefix, factor in _MULTIPLES.items()},
        **{f"{prefix}iB": Fraction(1024**power) for power, prefix in enumerate("KMGT", start=1)},
    },
    example="300kB",
    whole=True,
)
SECONDS = Kind(
    {"us": Fraction(1, 10**6), "ms": Fraction(1, 1000), "s": Fraction(1), "min": Fraction(60), "h": Fraction(3600)},
    example="20s",
)
MILLISECONDS = Kind({"us": Fraction(1, 1000), "ms": Fraction(1), "s": Fraction(1000)}, example="2ms")
COUNT = Kind(_MULTIPLES, example="20k", whole=True)
AMOUNT = Kind(_MULTIPLES, example="2.5")
RATE = Kind(
    {prefix + unit: factor for prefix, factor in _MULTIPLES.items() for unit in ("rows/s", "", "/s")}, "10k rows/s"
)

_MEASURES = {
    "time": SECONDS.units,
    "bytes": BYTES.units,
    "rows per second": {unit: factor for unit, factor in RATE.units.items() if unit.endswith("/s")},
}


def split_amount(text: str, where: str, example: str) -> tuple[str, str]:
    """Split `"1.5 h cpu"` into `("1.5", "h cpu")`.

    Args:
        text: What the user wrote.
        where: How to name it in the error, e.g. `"time=soon"`.
        example: A correct amount, for the error.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{where}: {text.strip()!r} does not start with a number; write for example {example}")
    return match[1], match[2].strip()


def positive(value: float, where: str) -> None:
    """Raise unless `value` is a finite number above zero."""
    if not math.isfinite(value):
        raise UsageError(f"{where}: {value} is not a finite number; leave the resource out when it has no limit")
    if value <= 0:
        raise UsageError(f"{where}: a budget must be above zero; leave the resource out when it has no limit")


def quantity(number: str, unit: str, kind: Kind, where: str) -> float:
    """Return an amount in the base unit of its kind, e.g. `("300", "kB")` as `300000.0`.

    Args:
        number: The digits, as split off by `split_amount`.
        unit: What followed them, without clock words.
        kind: What is asked for.
        where: How to name it in errors.
    """
    positive(float(number), where)
    value = float(Fraction(number) * _factor(unit.strip(), kind, where))
    positive(value, where)
    if kind.whole:
        whole(value, where)
    return value


def whole(value: float, where: str) -> int:
    """Return a float that is a whole number as an int; raises otherwise."""
    if value != int(value):
        raise UsageError(f"{where}: {plain(value)} is not a whole number")
    return int(value)


def plain(value: float) -> str:
    """Write a number as short as it still reads back to the same value: `20`, `0.5`, `1e+16`."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def bytes_text(value: int) -> str:
    """Write a number of bytes in the largest decimal unit that divides it: `300kB`."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 1000)):
        if value % factor == 0:
            return f"{value // factor}{unit}"
    return f"{value}B"


def _factor(unit: str, kind: Kind, where: str) -> Fraction:
    key = _fold(unit)
    for known, factor in kind.units.items():
        if _fold(known) == key:
            return factor
    example = f"write for example {where.partition('=')[0]}={kind.example}"
    if not unit:
        raise UsageError(f"{where}: the unit is missing; {example}")
    for measure, units in _MEASURES.items():
        if any(_fold(known) == key for known in units):
            raise UsageError(f"{where}: {unit!r} is a unit of {measure}, which does not fit here; {example}")
    raise UsageError(f"{where}: unknown unit {unit!r}.{did_you_mean(unit, [name for name in kind.units if name])}")


def _fold(unit: str) -> str:
    return "".join(unit.split()).replace("µ", "u").replace("μ", "u").lower()

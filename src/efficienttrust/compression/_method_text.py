"""How a method of compression is written: `NAME` or `NAME:AMOUNT`, and options, as `gradual:0.9, regrow=0.3`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from efficienttrust.errors import UsageError, unknown_name


@dataclass(frozen=True)
class MethodText:
    """A method as it was written.

    Attributes:
        name: Its name, not yet looked up.
        amount: What stands after the colon; empty without one.
        options: Numbers by name.
    """

    name: str
    amount: str
    options: Mapping[str, float]


def parse_method(text: str, what: str, known: Mapping[str, Mapping[str, float]]) -> MethodText:
    """Read a method.

    Args:
        text: As the user wrote it.
        what: What it is called in errors, e.g. `--prune structured:0.5`.
        known: Method name to its options and their defaults.

    Raises:
        UsageError: An unknown method or option, or an option that is given twice or is no number.
    """
    head, *parts = (part.strip() for part in text.split(","))
    name, _, amount = (piece.strip() for piece in head.partition(":"))
    if name not in known:
        raise unknown_name(f"method in {what}", name, known)
    options: dict[str, float] = {}
    for part in filter(None, parts):
        option, _, value = (piece.strip() for piece in part.partition("="))
        if option not in known[name]:
            raise unknown_name(f"option of {name} in {what}", option, known[name])
        if option in options:
            raise UsageError(f"{what}: {option} is given twice: leave out one of the two")
        try:
            options[option] = float(value)
        except ValueError:
            options[option] = math.nan
        if not math.isfinite(options[option]):
            raise UsageError(f"{what}: write {option}=NUMBER, not {part!r}")
    return MethodText(name, amount, options)

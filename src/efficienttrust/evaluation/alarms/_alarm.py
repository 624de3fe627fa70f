"""What an alarm is, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from efficienttrust.evaluation.alarms._evidence import Evidence
from efficienttrust.registry import Registry

LEAST_ROWS = 2
"""Rows that must show a fault before a share of rows fires: any attack misses a single row now and then."""


@dataclass(frozen=True)
class Alarm:
    """One way in which robust accuracy can be wrong, looked for, with the number that decided.

    Attributes:
        name: E.g. `zero_gradients`.
        fired: Whether the fault was seen; None where it could not be looked for, and `detail` says why.
        value: The number; None where there is none.
        threshold: Above which value it fires; None where it could not be looked for.
        meaning: What the fault does to the figures.
        detail: What was seen, on how many rows.
    """

    name: str
    fired: bool | None
    value: float | None
    threshold: float | None
    meaning: str
    detail: str


Inspect = Callable[[Evidence], Alarm]

alarms: Registry[Inspect] = Registry("alarm", "efficienttrust.evaluation.alarms.catalogue")
"""All alarms by name; each looks at the evidence and says what it saw."""


def raise_alarms(evidence: Evidence, leave_out: Sequence[str] = ()) -> tuple[Alarm, ...]:
    """Return every alarm, fired or not; what several of them need is computed once.

    Args:
        evidence: What was attacked, and where.
        leave_out: Names that were looked for elsewhere.
    """
    return tuple(alarms.get(name)(evidence) for name in alarms.names() if name not in leave_out)


def of_rows(name: str, hits: int, n: int, threshold: float, meaning: str, detail: str) -> Alarm:
    """Return the alarm that fires where more than a share of n rows, and at least `LEAST_ROWS`, show a fault."""
    share = hits / n
    return Alarm(name, share > threshold and hits >= LEAST_ROWS, share, threshold, meaning, detail)


def not_looked_for(name: str, meaning: str, why: str) -> Alarm:
    """Return the alarm of a fault that could not be looked for."""
    return Alarm(name, None, None, None, meaning, why)

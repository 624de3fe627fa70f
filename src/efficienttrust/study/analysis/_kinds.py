"""Levels of the factor `constraint`, by kind and from loose to tight."""

from __future__ import annotations

from dataclasses import dataclass

from efficienttrust.study._design import NONE, Factor
from efficienttrust.study.analysis._table import Table

CONSTRAINT, MITIGATION = "constraint", "mitigation"


@dataclass(frozen=True)
class Kind:
    """A kind of constraint with the levels that have a dose.

    Attributes:
        name: As `time`.
        unit: Of the doses.
        tighter: Whether a larger dose constrains more (`up`) or less (`down`).
        levels: From loose to tight.
        doses: Of these.
        at: Their positions among the levels of the factor.
    """

    name: str
    unit: str
    tighter: str
    levels: tuple[str, ...]
    doses: tuple[float, ...]
    at: tuple[int, ...]


def constraint_of(table: Table) -> Factor | None:
    """Return the factor `constraint`, or None where it does not vary."""
    position = table.factor(CONSTRAINT)
    return None if position is None else table.factors[position]


def kinds_of(table: Table) -> list[Kind]:
    """Return the kinds of constraint of a table, in the order of the study file."""
    factor = constraint_of(table)
    if factor is None:
        return []
    present = set(table.cells[:, table.factors.index(factor)].tolist())
    found = []
    for name in dict.fromkeys(one.kind for one in table.design.constraints.values()):
        chosen = [
            (one.dose, level, one)
            for level, one in table.design.constraints.items()
            if one.kind == name != NONE and one.dose is not None and level in factor.levels
        ]
        chosen = [one for one in chosen if factor.levels.index(one[1]) in present]
        if not chosen:
            continue
        tighter = chosen[0][2].tighter
        chosen.sort(key=lambda one: one[0], reverse=tighter == "down")
        levels = tuple(level for _, level, _ in chosen)
        doses = tuple(float(dose) for dose, _, _ in chosen)
        found.append(
            Kind(name, chosen[0][2].unit, tighter, levels, doses, tuple(factor.levels.index(one) for one in levels))
        )
    return found

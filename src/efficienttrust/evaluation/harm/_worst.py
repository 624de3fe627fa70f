"""The group that a compression hurt most, with an interval that allows for its being picked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from efficienttrust.evaluation.harm._answers import Array
from efficienttrust.evaluation.harm._effects import Effects
from efficienttrust.evaluation.harm._groups import ALL
from efficienttrust.metrics import Estimate
from efficienttrust.metrics.rates import SMALL


@dataclass(frozen=True)
class Worst:
    """The group whose error rose most.

    Attributes:
        by: The attribute, "" for the intersections of all.
        group: Name of the group.
        n: Rows.
        candidates: Groups that it was picked from: those with at least 30 rows, or all where none has.
        error_change: The change in its error; the interval is one of as many that hold together (Bonferroni).
    """

    by: str
    group: str
    n: int
    candidates: int
    error_change: Estimate


def worst_of(rows: Mapping[tuple[str, str], Array], effects: Effects) -> Worst | None:
    """Return the group whose error rose most, among groups of single attributes.

    Intersections are left to the long tail: there are many, and small. Equal changes go to the larger group, then to
    the first.

    Args:
        rows: (attribute, group) -> positions of its rows.
        effects: Effects of the pair of models.
    """
    single = {key: part for key, part in rows.items() if key[0] != ALL and len(part)}
    enough = {key: part for key, part in single.items() if len(part) >= SMALL} or single
    if not enough:
        return None
    joint = 1 - (1 - effects.level) / len(enough)
    changes = {key: effects.change(part, joint) for key, part in enough.items()}
    by, group = max(enough, key=lambda key: (np.nan_to_num(changes[key].value, nan=-np.inf), len(enough[key])))
    return Worst(by, group, len(enough[by, group]), len(enough), changes[by, group])

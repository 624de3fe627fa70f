"""The values metrics work with: what a model said on one split, and what was measured, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError, unknown_name

Array = NDArray[Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """One measured number with its interval: no naked floats leave an evaluation.

    Attributes:
        name: The metric with its arguments, e.g. `demographic_parity_difference(by=sex)`.
        value: The point estimate; NaN where it cannot be estimated, and then `note` says why.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Rows the number rests on.
        how: Method and level of the interval, e.g. `Newcombe 95%`.
        definition: What the metric is, in one sentence.
        note: What a reader must know: small groups, empty cells. Empty when there is nothing to say.
    """

    name: str
    value: float
    low: float
    high: float
    n: int
    how: str
    definition: str
    note: str = ""


@dataclass(frozen=True)
class Estimate:
    """What a metric computes: a `Measurement` that does not yet carry the name and definition of its metric."""

    value: float
    low: float
    high: float
    n: int
    how: str
    note: str = ""

    @classmethod
    def missing(cls, n: int, note: str) -> Estimate:
        """Return the estimate of a number that cannot be estimated, for the reason given in `note`."""
        return cls(np.nan, np.nan, np.nan, n, "not estimated", note)


@dataclass(frozen=True)
class Limit:
    """A one-sided confidence limit on a metric, in the direction in which the metric gets worse.

    Attributes:
        value: Upper limit where lower is better, lower limit where higher is better; NaN where there is none.
        best: The same limit had these n rows shown the best possible estimate: what this n could prove at most.
        n: Rows the limit rests on.
        method: How it was obtained.
        note: Why there is no limit, or what weakens it.
    """

    value: float
    best: float
    n: int
    method: str
    note: str = ""

    @classmethod
    def missing(cls, n: int, note: str) -> Limit:
        """Return the absent limit of a number that cannot be estimated, for the reason given in `note`."""
        return cls(np.nan, np.nan, n, "not estimated", note)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything a metric may need about one split of n rows.

    Attributes:
        y: Labels, 0 or 1.
        prediction: Decisions, 0 or 1.
        score: Probability of the positive class.
        groups: Code of the intersection of all sensitive attributes; -1 = unknown, left out of group metrics.
        group_names: Names of the intersections, by code.
        attributes: Attribute name -> (codes, names), for metrics asked `by=` one attribute.
        robust: Robustness key (see `robust_key`) -> whether each attacked row is still right under attack.
        robust_rows: Robustness key -> positions of those rows in this split.
        weight: Weight of each row, or None.
    """

    y: Array
    prediction: Array
    score: Array
    groups: Array
    group_names: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[Array, tuple[str, ...]]] = field(default_factory=dict)
    robust: Mapping[str, Array] = field(default_factory=dict)
    robust_rows: Mapping[str, Array] = field(default_factory=dict)
    weight: Array | None = None

    def __post_init__(self) -> None:
        for name in ("prediction", "score", "groups", "weight"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.y):
                raise ValueError(f"{name} has {len(column)} rows, y has {len(self.y)}: give one value a row")

    def partition(self, by: str | None) -> tuple[Array, tuple[str, ...]]:
        """Return (codes, names) of the groups of one sensitive attribute, or of the intersections for None."""
        if by is None:
            return self.groups, self.group_names
        if by not in self.attributes:
            raise unknown_name("sensitive attribute", by, self.attributes)
        return self.attributes[by]

    def attacked(self, key: str) -> tuple[Array, Array]:
        """Return (still right, positions of the rows) for the attack behind a robustness key."""
        if key not in self.robust:
            measured = ", ".join(sorted(self.robust)) or "none"
            raise UsageError(f"{key} was not measured on these rows; attacks measured: {measured}")
        return np.asarray(self.robust[key], dtype=bool), self.robust_rows[key]

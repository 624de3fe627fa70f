"""Right answers counted once by environment and group; every rate of a shift is a sum of these cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from efficienttrust.evaluation.shift._environments import Environments
from efficienttrust.metrics import Measurement
from efficienttrust.metrics.intervals import newcombe, percent, two_sided_z, wilson
from efficienttrust.metrics.rates import SMALL, Rates, lowest_rate
from efficienttrust.metrics.values import Array, Floats


@dataclass(frozen=True)
class Cell:
    """Rows that were pooled.

    Attributes:
        n: Rows, 0 where none has weight.
        rate: Share of right answers, weighted; NaN where n is 0.
        size: Effective rows: n, or Kish's (sum w)^2 / sum w^2.
        weighted: Whether rows are weighted.
    """

    n: int
    rate: float
    size: float
    weighted: bool

    @property
    def hits(self) -> float:
        """Right answers among `size` rows; a whole number where rows are not weighted."""
        return self.rate * self.size if self.weighted else float(np.rint(self.rate * self.size))

    def accuracy(self, where: str, level: float) -> Measurement:
        """Return the accuracy with its Wilson interval."""
        name, definition = f"accuracy({where})", "Share of right decisions among the rows of the environment."
        if not self.n:
            return _missing(name, definition, 0, "no rows here")
        low, high = wilson(self.hits, self.size, two_sided_z(level))
        return Measurement(
            name, self.rate, float(low), float(high), self.n, self._how("Wilson", level), definition, self._small()
        )

    def minus(self, other: Cell, name: str, definition: str, called: str, level: float) -> Measurement:
        """Return the accuracy here minus that of other rows, with Newcombe's interval; `called` names these rows."""
        n = self.n + other.n
        if not self.n:
            return _missing(name, definition, n, f"no rows in {called}")
        if not other.n:
            return _missing(name, definition, n, "no rows here")
        low, high = newcombe(self.hits, self.size, other.hits, other.size, two_sided_z(level))
        note = other._small() or (f"fewer than {SMALL} rows in {called} ({self.n})" if self.n < SMALL else "")
        how = self._how("Newcombe", level)
        return Measurement(name, self.rate - other.rate, float(low), float(high), n, how, definition, note)

    def _how(self, method: str, level: float) -> str:
        return f"{method} {percent(level)}" + (", effective size" if self.weighted else "")

    def _small(self) -> str:
        return f"fewer than {SMALL} rows ({self.n})" if self.n < SMALL else ""


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of right answers.

    Attributes:
        column: The column that names the environment.
        environments: Names of the e environments.
        groups: Names of the g groups; empty where there is nothing to compare.
        sums: float64 [4, e, g + 1]: rows with weight, sum of weights, weight of right rows, sum of squared weights;
            the last group holds the rows of unknown group.
        weighted: Whether rows are weighted.
    """

    column: str
    environments: tuple[str, ...]
    groups: tuple[str, ...]
    sums: Floats
    weighted: bool

    def cell(self, environment: int, group: int | None = None) -> Cell:
        """Return the rows of one environment, of all groups or of one."""
        chosen = np.zeros(len(self.environments), dtype=bool)
        chosen[environment] = True
        return self.pooled(chosen, group)

    def pooled(self, environments: NDArray[np.bool_], group: int | None = None) -> Cell:
        """Return the rows of several environments together, of all groups or of one."""
        part = self.sums[:, environments]
        n, mass, right, squares = (part.sum(axis=(1, 2)) if group is None else part[:, :, group].sum(axis=1)).tolist()
        if not n:
            return Cell(0, np.nan, 0.0, self.weighted)
        return Cell(int(n), right / mass, mass**2 / squares, self.weighted)

    def worst_group(self, environment: int, where: str, level: float) -> Measurement:
        """Return the lowest accuracy among the groups that occur in an environment."""
        cells = {group: self.cell(environment, code) for code, group in enumerate(self.groups)}
        present = {group: cell for group, cell in cells.items() if cell.n}
        name, definition = f"worst_group_accuracy({where})", "Lowest accuracy among the groups of the environment."
        if not present:
            return _missing(name, definition, 0, "no rows of a known group here")
        absent = [group for group in cells if group not in present]
        note = f"no rows of {', '.join(map(repr, absent))} here" if absent else ""
        return _lowest(present, name, definition, note, level)[1]

    def lowest_environment(self, level: float) -> tuple[str, Measurement]:
        """Return the environment with the lowest accuracy, and that accuracy."""
        cells = {name: self.cell(place) for place, name in enumerate(self.environments)}
        present = {name: cell for name, cell in cells.items() if cell.n}
        name, definition = "worst_environment_accuracy", "Lowest accuracy among the environments."
        if not present:
            return "", _missing(name, definition, 0, "no rows with weight")
        return _lowest(present, name, definition, "", level)


def tally(
    right: Array, environments: Environments, groups: Array, group_names: tuple[str, ...], weight: Array | None
) -> Tally:
    """Count right answers by environment and group; a single group is no group.

    Args:
        right: bool [n].
        environments: Environments of the n rows; rows without one are left out.
        groups: Group codes [n], -1 unknown.
        group_names: Their names.
        weight: Weights [n], or None.
    """
    names = group_names if len(group_names) > 1 else ()
    width, count = len(names) + 1, len(environments.names)
    inside = environments.codes >= 0
    known = np.where((groups >= 0) & (groups < len(names)), groups, len(names))
    code = (environments.codes * width + known)[inside]
    w = np.ones(len(code)) if weight is None else np.asarray(weight, dtype=np.float64)[inside]
    columns = ((w > 0).astype(np.float64), w, w * np.asarray(right)[inside], w * w)
    sums = [np.bincount(code, weights=column, minlength=width * count) for column in columns]
    cells = np.array(sums, dtype=np.float64).reshape(4, count, width)
    return Tally(environments.column, environments.names, names, cells, weight is not None)


def _lowest(cells: dict[str, Cell], name: str, definition: str, note: str, level: float) -> tuple[str, Measurement]:
    rates = Rates(
        names=tuple(cells),
        rate=np.array([cell.rate for cell in cells.values()]),
        n=np.array([cell.n for cell in cells.values()]),
        size=np.array([cell.size for cell in cells.values()]),
        unit="rows",
        weighted=any(cell.weighted for cell in cells.values()),
    )
    found = lowest_rate(rates, level)
    notes = "; ".join(filter(None, (note, found.note)))
    worst = rates.names[int(np.argmin(rates.rate))]
    return worst, Measurement(name, found.value, found.low, found.high, found.n, found.how, definition, notes)


def _missing(name: str, definition: str, n: int, note: str) -> Measurement:
    return Measurement(name, np.nan, np.nan, np.nan, n, "not estimated", definition, note)

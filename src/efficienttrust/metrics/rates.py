"""Rates by group: the cells that nearly every metric is made of, with what stands in the way of estimating them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.metrics.intervals import clopper_pearson, percent, two_sided_z, wilson
from efficienttrust.metrics.values import Array, Estimate, Floats, Limit, Outcome

SMALL = 30
"""Cells with fewer rows than this are named in a note."""


@dataclass(frozen=True, eq=False)
class Rates:
    """One rate per group, each with what it rests on.

    Attributes:
        names: Group names.
        rate: Share of hits in each group; NaN where the group has no trials.
        n: Trials (rows) in each group.
        size: Effective size: n, or Kish's (sum w)^2 / sum w^2 when rows are weighted.
        unit: What a trial is, for messages: `rows`, `positives`, `negatives`, `predicted positives`.
        weighted: Whether rows were weighted, in which case exact binomial limits do not apply.
    """

    names: tuple[str, ...]
    rate: Floats
    n: Array
    size: Floats
    unit: str
    weighted: bool

    @property
    def hits(self) -> Floats:
        """Hits in each group (of `size` trials); whole numbers when rows are not weighted."""
        return self.rate * self.size if self.weighted else np.rint(self.rate * self.size)

    @property
    def total(self) -> int:
        """Trials in all groups."""
        return int(self.n.sum())

    def obstacle(self, groups: int = 2) -> str:
        """Return why a comparison of at least `groups` groups cannot be made, or an empty text."""
        if len(self.names) < groups:
            return f"needs at least {groups} groups, has {len(self.names)}"
        empty = [name for name, n in zip(self.names, self.n, strict=True) if n == 0]
        return f"{_named(empty)} no {self.unit} here" if empty else ""

    def small(self) -> str:
        """Return a note that names the groups with too few rows for a tight interval, or an empty text."""
        few = [f"{name!r} ({n})" for name, n in zip(self.names, self.n, strict=True) if 0 < n < SMALL]
        return f"fewer than {SMALL} {self.unit} in {', '.join(few)}" if few else ""


def group_rates(
    codes: Array, names: tuple[str, ...], event: Array, given: Array, unit: str, weight: Array | None = None
) -> Rates:
    """Return the share of rows with `event` among those with `given`, per group; rows with code -1 are left out."""
    keep = np.asarray(given, dtype=bool) & (codes >= 0)
    code, k = codes[keep], len(names)
    n = np.bincount(code, minlength=k)
    w = np.ones(len(code)) if weight is None else np.asarray(weight[keep], dtype=np.float64)
    mass = np.bincount(code, weights=w, minlength=k)
    hit = np.bincount(code, weights=w * event[keep], minlength=k)
    squares = np.bincount(code, weights=w * w, minlength=k)
    return rates_of_sums(names, n, hit, mass, squares, unit, weighted=weight is not None)


def rates_of_sums(
    names: tuple[str, ...], n: Array, hit: Array, mass: Array, squares: Array, unit: str, *, weighted: bool
) -> Rates:
    """Return rates from sums per group [G]: rows, weight of hits, weight, squared weight."""
    with np.errstate(invalid="ignore", divide="ignore"):
        rate, size = hit / mass, mass**2 / squares
    n = np.where(mass > 0, n, 0)
    return Rates(names, rate, n, np.where(n > 0, size, 0.0), unit, weighted)


def overall_rate(event: Array, weight: Array | None = None) -> Rates:
    """Return the share of rows with `event` among all rows, as rates of a single group."""
    everyone = np.zeros(len(event), dtype=np.int64)
    return group_rates(everyone, ("all rows",), event, np.ones(len(event), dtype=bool), "rows", weight)


def odds_rates(outcome: Outcome, by: str | None) -> tuple[Rates, Rates]:
    """Return (true positive rates, false positive rates) of the groups."""
    codes, names = outcome.partition(by)
    return (
        group_rates(codes, names, outcome.prediction, outcome.y == 1, "positives", outcome.weight),
        group_rates(codes, names, outcome.prediction, outcome.y == 0, "negatives", outcome.weight),
    )


def lowest_rate(rates: Rates, level: float) -> Estimate:
    """Return the lowest of the rates with its interval.

    The lower end is the lowest Wilson limit. The upper end is the lowest of limits that hold for all groups at once
    (Šidák): the group that looks worst is picked because it looks bad, which pulls its own interval down.
    """
    if obstacle := rates.obstacle(groups=1):
        return Estimate.missing(rates.total, obstacle)
    groups = len(rates.names)
    tail = (1 - level) / 2
    low, _ = wilson(rates.hits, rates.size, two_sided_z(level))
    _, high = wilson(rates.hits, rates.size, two_sided_z(2 * (1 - tail) ** (1 / groups) - 1))
    how = f"Wilson {percent(level)}" + (f", worst of {groups} groups" if groups > 1 else "")
    how += ", effective size" if rates.weighted else ""
    return Estimate(float(rates.rate.min()), float(low.min()), float(high.min()), rates.total, how, rates.small())


def lowest_rate_limit(rates: Rates, alpha: float) -> Limit:
    """Return the lower limit of the lowest of the rates at level 1 - alpha.

    The lowest of the groups' own limits at alpha is valid without a correction for the number of groups: it exceeds the
    truth only where the limit of the truly worst group does (an intersection-union test). Exact (Clopper-Pearson), or
    Hoeffding's with the effective size where rows are weighted.
    """
    if obstacle := rates.obstacle(groups=1):
        return Limit.missing(rates.total, obstacle)
    if rates.weighted:
        slack = np.sqrt(np.log(1 / alpha) / (2 * rates.size))
        value, best, method = (rates.rate - slack).min(), (1 - slack).min(), "Hoeffding, effective size"
    else:
        value = clopper_pearson(rates.hits, rates.size, alpha)[0].min()
        best = clopper_pearson(rates.size, rates.size, alpha)[0].min()
        method = "Clopper-Pearson"
    if len(rates.names) > 1:
        method += f", worst of {len(rates.names)} groups"
    return Limit(max(0.0, float(value)), max(0.0, float(best)), rates.total, method, rates.small())


def _named(groups: list[str]) -> str:
    shown = ", ".join(repr(name) for name in groups[:4]) + (", …" if len(groups) > 4 else "")
    return f"group {shown} has" if len(groups) == 1 else f"groups {shown} have"

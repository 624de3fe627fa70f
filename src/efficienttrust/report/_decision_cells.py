"""Counts behind rates: which rates of groups must be withheld so that no decision, error or label of a few is told.

A rate and its rows give a count: 0.350 of 20 rows are 7 decisions. So a rate goes where its count, or the count of the
rows that it leaves, lies in 1..least-1. What is left may still tell: base rate, selection rate and accuracy give the
four counts of a decision table (true and false positives and negatives), and those of one group are all less those of
the others. `withheld_rates` therefore plays a reader who knows every rate shown and the totals over all groups: a
count of a few that has one possible value for that reader takes further rates with it until it has two.

References:
    Hundepool et al. 2012, "Statistical Disclosure Control", chapter 4: a table is protected where every small cell has
    more than one value among all tables of whole numbers that agree with what is published. Here an integer programme
    (scipy's HiGHS) over all groups at once looks for another table, and pays for every rate that would contradict it.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from efficienttrust.report._complementary import Cell, equations_of
from efficienttrust.report._format import as_float

BY_LABEL = ("base_rate", "tpr", "fpr")
"""Rates that go where the labels of a group are withheld."""
_WHOLE = 1e-6
"""How far a count may be from a whole number, relative to its rows: farther off are sums of weights."""
_SECONDS = 5.0
"""Longest search for one table, of which the best so far is taken."""
_GAP = 0.1
"""How much dearer than the cheapest the rates may be that are hidden, relatively."""
_DEAR = 2.5
"""What hiding a rate that is no rate by label costs, in such rates; small groups cost up to one less."""

Part = tuple[float, ...]
Hidden = set[tuple[Cell, str]]


@dataclass(frozen=True)
class Layout:
    """The counts that a row of a table consists of, and what a reader computes from them.

    Attributes:
        parts: How many counts partition the rows of a group.
        shown: Rate -> which of these it counts; in the order in which they are given up.
        told: What must not have one possible value below the least.
    """

    parts: int
    shown: Mapping[str, Part]
    told: Sequence[Part]


DECISIONS = Layout(
    4,  # true positives, false positives, false negatives, true negatives
    {
        "fpr": (0, 1, 0, 0),
        "tpr": (1, 0, 0, 0),
        "base_rate": (1, 0, 1, 0),
        "selection_rate": (1, 1, 0, 0),
        "accuracy": (1, 0, 0, 1),
    },
    [
        *((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)),
        *((1, 0, 1, 0), (0, 1, 0, 1), (1, 1, 0, 0), (0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 1, 0)),
    ],
)


def share_of(name: str) -> Layout:
    """Return the layout of a table that has one rate."""
    return Layout(2, {name: (1, 0)}, [(1, 0), (0, 1)])


def is_few(rate: object, n: object, least: int) -> bool:
    """Tell whether a rate gives a count, or a count of the rest, of at least one and fewer than `least` rows."""
    hits = as_float(rate) * as_float(n)
    return math.isfinite(hits) and any(0 < round(each) < least for each in (hits, as_float(n) - hits))


def limit_of_few(certificate: Mapping[str, Any], least: int) -> bool:
    """Tell whether an exact limit of a rate, its level and its rows give a count as `is_few` looks for."""
    bound, level, n = (as_float(certificate.get(name)) for name in ("bound", "level", "n"))
    if not str(certificate.get("method")).startswith("Clopper-Pearson") or not all(
        map(math.isfinite, (bound, level, n))
    ):
        return False
    from scipy.special import betaincinv

    few = [float(count) for count in range(1, min(least, int(n)))]
    lows = [float(betaincinv(hits, n - hits + 1, 1 - level)) for errors in few for hits in (errors, n - errors)]
    return any(math.isclose(low, bound, rel_tol=1e-6) for low in lows)


def withheld_rates(
    rows: Sequence[tuple[Cell, Mapping[str, Any]]], gone: set[Cell], unlabelled: set[Cell], least: int
) -> Hidden:
    """Return which rates of which groups are withheld, beside the rows and labels that are.

    Args:
        rows: Groups with their rates: cells `{value, n}`, or one `value` on the row itself.
        gone: Groups that are withheld as a whole.
        unlabelled: Groups whose labels are withheld.
        least: Smallest count that is shown.
    """
    names = list(dict.fromkeys(name for _, row in rows for name in row if _rate_of(row, name) is not None))
    of_decisions = all(name in names for name in ("base_rate", "selection_rate", "accuracy"))
    layouts = [DECISIONS] if of_decisions else []
    layouts += [share_of(name) for name in names if not (of_decisions and name in DECISIONS.shown)]
    found: Hidden = set()
    for layout in layouts:
        groups = [_group(cell, row, layout, least) for cell, row in rows]
        for group in groups:
            labels = {name for name in BY_LABEL if name in layout.shown} if group.cell in unlabelled else set()
            group.hidden |= set(layout.shown) if group.cell in gone else labels
        _Reader(layout, groups, gone, unlabelled, least).silence()
        found |= {(group.cell, name) for group in groups for name in group.hidden}
    return found


@dataclass
class _Group:
    """A row of a table: its counts (None where they are not known or not whole) and the rates that are hidden."""

    cell: Cell
    n: float
    counts: tuple[int, ...] | None
    hidden: set[str] = field(default_factory=set)


def _rate_of(row: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """Return a rate and its rows; None where there is none of that name."""
    raw = row.get(name)
    if name == "value" and not isinstance(raw, Mapping):
        return as_float(raw), as_float(row.get("n"))
    if not isinstance(raw, Mapping) or "value" not in raw or "n" not in raw:
        return None
    value = as_float(raw["value"])
    return (value, as_float(raw["n"])) if not value < 0 and not value > 1 else None


def _group(cell: Cell, row: Mapping[str, Any], layout: Layout, least: int) -> _Group:
    rates = {name: _rate_of(row, name) or (math.nan, math.nan) for name in layout.shown}
    few = {name for name, (value, n) in rates.items() if is_few(value, n, least)}
    hits = {name: 0.0 if n == 0 else value * n for name, (value, n) in rates.items()}
    n = as_float(row.get("n")) if layout is DECISIONS else next(iter(rates.values()))[1]
    if layout is not DECISIONS:
        (hit,) = hits.values()
        return _Group(cell, n, _whole((hit, n - hit), n), few)
    positives, selected, right = (hits[name] for name in ("base_rate", "selection_rate", "accuracy"))
    true_positives = (positives + selected + right - n) / 2
    parts = (true_positives, selected - true_positives, positives - true_positives, right - true_positives)
    return _Group(cell, n, _whole(parts, n), few)


def _whole(parts: Sequence[float], n: float) -> tuple[int, ...] | None:
    if not all(math.isfinite(part) and abs(part - round(part)) <= _WHOLE * max(n, 1.0) for part in parts):
        return None
    counts = tuple(round(part) for part in parts)
    return counts if min(counts) >= 0 else None


class _Reader:
    """Somebody who knows all that is shown, and looks for counts that have one possible value."""

    def __init__(
        self, layout: Layout, groups: Sequence[_Group], gone: set[Cell], unlabelled: set[Cell], least: int
    ) -> None:
        self._layout, self._least, self._gone, self._unlabelled = layout, least, gone, unlabelled
        self._groups = [group for group in groups if group.counts is not None]
        self._place = {group.cell: place for place, group in enumerate(self._groups)}
        self._truth = [count for group in self._groups for count in group.counts or ()]
        self._equations = equations_of(self._place) if len(self._groups) == len(groups) else []
        self._possible = [self._truth]  # tables that agree with what is shown; hiding more only adds to them

    def silence(self) -> None:
        """Hide rates until every count of a few has two possible values; what the totals tell stays told."""
        if not any(group.hidden for group in self._groups):
            return
        for place, vector in list(self._few()):
            if len({self._count(table, place, vector) for table in self._possible}) > 1:
                continue
            found = self._other(place, vector, 1) or self._other(place, vector, -1)
            if found is not None:
                table, hide = found
                self._possible.append(table)
                for group, name in hide:
                    group.hidden.add(name)

    def _few(self) -> Iterator[tuple[int, Part]]:
        for place in range(len(self._groups)):
            for vector in self._layout.told:
                if 0 < self._count(self._truth, place, vector) < self._least:
                    yield place, vector

    def _count(self, table: Sequence[float], place: int, vector: Part) -> float:
        start = place * self._layout.parts
        return sum(a * b for a, b in zip(vector, table[start : start + self._layout.parts], strict=True))

    def _other(self, place: int, vector: Part, by: int) -> tuple[list[int], list[tuple[_Group, str]]] | None:
        """Return a table near the true one in which a count is higher (`by` 1) or lower (-1), and which rates to hide.

        Returns:
            The table and the rates, about as few as there can be; None where the totals alone allow no such table.
        """
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp

        shown = [(group, name) for group in self._groups for name in self._layout.shown if name not in group.hidden]
        size = len(self._truth)
        lines, low, high = [], [], []

        def know(terms: Sequence[tuple[int, Sequence[float]]], ends: tuple[float, float], switch: int = -1) -> None:
            line = np.zeros(size + len(shown))
            for at, factors in terms:
                line[at * len(factors) : (at + 1) * len(factors)] += factors
            for sign in (1.0, -1.0) if switch >= 0 else (1.0,):  # two lines, which the switch opens
                row = sign * line
                if switch >= 0:
                    row[size + switch] = -self._least
                lines.append(row)
                low.append(-np.inf if switch >= 0 else ends[0])
                high.append(sign * ends[1])

        for at, group in enumerate(self._groups):
            know([(at, [1.0] * self._layout.parts)], self._size(group))
            positives = self._layout.shown.get("base_rate")
            if positives is not None:
                count = self._count(self._truth, at, positives)
                know([(at, positives)], (0.0, self._least - 1.0) if count < self._least else (self._least, np.inf))
        for equation in self._equations:
            for part in range(self._layout.parts):
                unit = [float(part == each) for each in range(self._layout.parts)]
                terms = [(self._place[cell], [sign * each for each in unit]) for cell, sign in equation]
                total = sum(self._count(self._truth, at, tuple(factors)) for at, factors in terms)
                know(terms, (total, total))
        for number, (group, name) in enumerate(shown):
            at = self._place[group.cell]
            count = self._count(self._truth, at, self._layout.shown[name])
            know([(at, self._layout.shown[name])], (count, count), number)
            if name in BY_LABEL and name != "base_rate" and (group, "base_rate") in shown:  # their rows tell it
                row = np.zeros(size + len(shown))
                row[size + number], row[size + shown.index((group, "base_rate"))] = 1.0, -1.0
                lines.append(row)
                low.append(0.0)
                high.append(np.inf)
        aim = self._count(self._truth, place, vector) + by
        know([(place, vector)], (aim, np.inf) if by > 0 else (0.0, aim))
        near = np.array(self._truth) - self._least, np.array(self._truth) + self._least
        none = np.zeros(len(shown))
        largest = max(group.n for group in self._groups) + 1.0
        costs = [(1.0 if name in BY_LABEL else _DEAR) + group.n / largest for group, name in shown]
        with _stdout_kept_clean():
            found = milp(
                np.concatenate([np.zeros(size), costs]),
                integrality=np.ones(size + len(shown)),
                bounds=Bounds(np.append(np.maximum(near[0], 0), none), np.append(near[1], none + 1)),
                constraints=LinearConstraint(np.array(lines), low, high),
                options={"time_limit": _SECONDS, "mip_rel_gap": _GAP},
            )
        if found.x is None:
            return None
        table = [round(count) for count in found.x[:size]]
        hide = [one for one, switch in zip(shown, found.x[size:], strict=True) if switch > 0.5]
        return table, hide

    def _size(self, group: _Group) -> tuple[float, float]:
        """Return what is known of the rows of a group."""
        if group.cell not in self._gone:
            return group.n, group.n
        return (0.0, self._least - 1.0) if group.n < self._least else (float(self._least), math.inf)


@contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Send what is printed below Python to stderr: HiGHS says a line now and then, and stdout may be JSON."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)

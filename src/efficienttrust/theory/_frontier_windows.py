"""The frontier of one rate per group, where the group may be read: a window that all rates have to lie in.

Taking the rows of a group by falling eta, its gain in accuracy is a concave, piecewise linear function G_a of its rate
(of selection, or true positives: 2 - 1/eta, the gain per true positive, falls with eta too). The best rates within a
window [u, u + delta] are the best rates r*_a of all, clipped, so that

    F(u) = sum_a G_a(clip(r*_a, u, u + delta))

is left, which is concave in u: its slope changes sign once, and bisection finds where, for all delta at once. One sort
per group, and O(G log n) per step of the bisection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from efficienttrust.theory._frontier_rows import Codes, Constraint, Floats, Rows
from efficienttrust.theory._frontier_rules import GroupRules

HALVINGS = 56


@dataclass(frozen=True, eq=False)
class GroupCurve:
    """Rows of one group by falling eta, n_a of them.

    Attributes:
        rows: Their positions [n_a].
        falling: -eta, which rises [n_a].
        mass: Of all rows up to one [n_a + 1], starting with 0.
        positive: The same of the positives [n_a + 1].
    """

    rows: Codes
    falling: Floats
    mass: Floats
    positive: Floats

    @property
    def gain(self) -> Floats:
        """What accuracy gains over saying 0 to all, [n_a + 1]."""
        return 2 * self.positive - self.mass

    def rule(self, x: Floats, reached: Floats) -> tuple[Floats, Floats]:
        """Return thresholds and chances at ties [D] that reach values [D] of a rising curve x [n_a + 1]."""
        last = np.clip(np.searchsorted(x, reached, side="left") - 1, 0, len(self.falling) - 1)
        key = self.falling[last]
        first = np.searchsorted(self.falling, key, side="left")
        behind = np.minimum(np.searchsorted(self.falling, key, side="right"), len(x) - 1)
        width = x[behind] - x[first]
        tie = np.where(width > 0, (reached - x[first]) / np.where(width > 0, width, 1), 0.0)
        return -key, np.clip(tie, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Solution:
    """Rules of D allowed gaps, and what they are worth by eta.

    Attributes:
        accuracy: [D].
        rates: Of each group, [D, K]: K = G; for equalized odds false positive rates, then true ones, K = 2 G.
        prices: What a unit of each rate would add to accuracy if it were free [D, K]; 0 where it does not bind.
        rules: What attains it.
        gap: How far the accuracy is at most from the best [D].
    """

    accuracy: Floats
    rates: Floats
    prices: Floats
    rules: GroupRules
    gap: Floats


def group_curves(rows: Rows) -> list[GroupCurve]:
    """Return the curve of each group."""
    curves = []
    for code in range(len(rows.names)):
        places = np.flatnonzero(rows.codes == code)
        falling = -rows.eta[places]
        order = np.argsort(falling, kind="stable" if len(places) < 1000 else None)
        places, falling = places[order], falling[order]
        mass = rows.mass[places]
        curves.append(GroupCurve(places, falling, _from_zero(mass), _from_zero(-mass * falling)))
    return curves


def window_frontier(curves: Sequence[GroupCurve], deltas: Floats, constraint: Constraint) -> Solution:
    """Return the frontier of demographic parity or equal opportunity: exact up to rounding."""
    axes = [_axis(curve, constraint) for curve in curves]
    best = np.array([x[int(np.searchsorted(curve.falling, -0.5))] for curve, x in zip(curves, axes, strict=True)])
    low, high = np.zeros_like(deltas), 1 - deltas
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rising = np.zeros_like(middle)
        for curve, x, own in zip(curves, axes, best, strict=True):
            # Below the window a group is at its lower end, above at its upper one, and within neither pulls.
            end = np.where(own <= middle, middle, middle + deltas)
            pulls = (own <= middle) | (own > middle + deltas)
            rising += np.where(pulls, _derivative(curve, x, end, constraint), 0.0)
        low, high = np.where(rising > 0, middle, low), np.where(rising > 0, high, middle)
    rates = np.clip(best, low[:, None], (low + deltas)[:, None])
    # Where the best rates fit into the window, they are taken as they are: no rounding moves them.
    rates = np.where((np.ptp(best) <= deltas)[:, None], best, rates)
    gains, thresholds, ties, prices = [], [], [], []
    for place, (curve, x) in enumerate(zip(curves, axes, strict=True)):
        gains.append(np.interp(rates[:, place], x, curve.gain[: len(x)]))
        threshold, tie = curve.rule(x, rates[:, place])
        thresholds.append(threshold)
        ties.append(tie)
        slope = _derivative(curve, x, rates[:, place], constraint)
        prices.append(np.where(rates[:, place] == best[place], 0.0, slope))
    none = np.zeros_like(rates)
    rules = GroupRules(np.stack(thresholds, axis=1), np.stack(ties, axis=1), none, none)
    accuracy = np.sum(gains, axis=0) + sum(curve.mass[-1] - curve.positive[-1] for curve in curves)
    return Solution(accuracy, rates, np.stack(prices, axis=1), rules, np.zeros_like(deltas))


def _axis(curve: GroupCurve, constraint: Constraint) -> Floats:
    """Return the rate of the first 0, 1, … rows until it is 1: rows behind, as those of eta = 0, cannot raise it."""
    x = curve.mass if constraint == "dp" else curve.positive
    share: Floats = x / x[-1]
    return share[: int(np.searchsorted(share, 1.0)) + 1]


def _derivative(curve: GroupCurve, x: Floats, at: Floats, constraint: Constraint) -> Floats:
    """Return the slope of the gain over x to the right of `at` [D]; at the right end that to the left."""
    row = np.searchsorted(x, at, side="right") - 1
    eta = -curve.falling[np.clip(row, 0, len(x) - 2)]
    slope: Floats = curve.mass[-1] * (2 * eta - 1) if constraint == "dp" else curve.positive[-1] * (2 - 1 / eta)
    return slope


def _from_zero(steps: Floats) -> Floats:
    sums = np.zeros(len(steps) + 1)
    np.cumsum(steps, out=sums[1:])
    return sums

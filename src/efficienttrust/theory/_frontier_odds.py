"""The frontier of equalized odds where the group may be read: cutting planes on the ROC curves, exact on ending.

Letters: f_a and t_a false and true positive rates of group a, R_a its concave ROC curve by falling eta, P_a and N_a the
masses of its positives and negatives. Accuracy is sum_a P_a t_a - N_a f_a plus a constant, and what a group can have is
f_a <= t_a <= R_a(f_a) (points below the diagonal never help: see `_above_diagonal`). The gaps are windows: f_a within
[u, u + d_f], t_a within [v, v + d_t]; d_f = d_t = delta for the larger of both gaps, d_f + d_t = 2 delta for their
mean.

A linear program over (f, t, u, v, d) sees R_a through tangents alone, so its value is an upper bound. Given its
windows, the best point of each group is a clipped one in closed form: a lower bound. The tangents there join the
program until both bounds agree. Tangents serve all delta, so later ones need a few steps only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from efficienttrust.theory._frontier_rows import Floats, Gaps
from efficienttrust.theory._frontier_rules import GroupRules
from efficienttrust.theory._frontier_windows import GroupCurve, Solution

ENOUGH = 1e-12
ROUNDS = 200
FIRST_TANGENTS = 24


@dataclass(eq=False)
class _Roc:
    """The ROC curve of one group, and the tangents that the program knows: alpha t - beta f <= gamma."""

    curve: GroupCurve
    f: Floats
    t: Floats
    best: float
    tangents: dict[int, tuple[float, float, float]] = field(default_factory=dict)

    def height(self, f: Floats | float) -> float:
        return float(np.interp(f, self.f, self.t))

    def reach(self, t: float) -> float:
        """Return the smallest f with R(f) >= t."""
        end = int(np.searchsorted(self.t, 1.0)) + 1
        return float(np.interp(t, self.t[:end], self.f[:end]))

    def touch(self, f: float) -> None:
        """Remember the tangents to the left and to the right of a false positive rate."""
        right = int(np.searchsorted(self.f, f, side="right")) - 1
        left = int(np.searchsorted(self.f, f, side="left")) - 1
        for row in (left, right):
            if not 0 <= row < len(self.curve.falling) or row in self.tangents:
                continue
            eta = -self.curve.falling[row]
            alpha, beta = (1 - eta) * self.positive, eta * self.negative
            scale = max(alpha, beta)
            alpha, beta = alpha / scale, beta / scale
            self.tangents[row] = (alpha, beta, alpha * self.t[row] - beta * self.f[row])

    @property
    def positive(self) -> float:
        return float(self.curve.positive[-1])

    @property
    def negative(self) -> float:
        return float(self.curve.mass[-1] - self.curve.positive[-1])


def odds_frontier(curves: Sequence[GroupCurve], deltas: Floats, gaps: Gaps) -> Solution:
    """Return the frontier of equalized odds; the gap between its bounds stands in the solution."""
    rocs = [_roc(curve) for curve in curves]
    constant = sum(roc.negative for roc in rocs)
    values, rates, prices, missing = [], [], [], []
    for delta in deltas:
        value, point, price, gap = _solved(rocs, float(delta), gaps)
        values.append(value + constant)
        rates.append(point.ravel())
        prices.append(price.ravel())
        missing.append(gap)
    found = np.array(rates).reshape(len(deltas), 2, len(rocs))
    rules = _rules(rocs, found[:, 0], found[:, 1])
    return Solution(np.array(values), np.array(rates), np.array(prices), rules, np.array(missing))


def _roc(curve: GroupCurve) -> _Roc:
    negative = curve.mass - curve.positive
    f, t = np.maximum.accumulate(negative) / negative.max(), curve.positive / curve.positive[-1]
    row = int(np.searchsorted(curve.falling, -0.5))
    roc = _Roc(curve, f, t, float(f[row]))
    for at in (*np.linspace(0, 1, FIRST_TANGENTS), float(f[row])):
        roc.touch(float(at))
    return roc


def _solved(rocs: list[_Roc], delta: float, gaps: Gaps) -> tuple[float, Floats, Floats, float]:
    """Return value without the constant, (f, t) [2, G], their prices [2, G] and the gap of the bounds."""
    free = np.array([[roc.best for roc in rocs], [roc.height(roc.best) for roc in rocs]])
    spread = np.ptp(free, axis=1)
    if (spread.mean() if gaps == "mean" else spread.max()) <= delta:
        return _worth(rocs, free), free, np.zeros_like(free), 0.0
    best, upper = (-np.inf, free), np.inf
    price = np.zeros_like(free)
    for _ in range(ROUNDS):
        bound, windows, price, asked = _program(rocs, delta, gaps)
        upper = min(upper, bound)
        point = _within(rocs, *windows)
        value = _worth(rocs, point)
        if value > best[0]:
            best = (value, point)
        known = sum(len(roc.tangents) for roc in rocs)
        for roc, *places in zip(rocs, asked, point[0], strict=True):
            for place in places:
                roc.touch(float(place))
        if upper - best[0] <= ENOUGH or known == sum(len(roc.tangents) for roc in rocs):
            break
    return best[0], _above_diagonal(best[1]), price, max(0.0, upper - best[0])


def _worth(rocs: list[_Roc], point: Floats) -> float:
    return float(sum(roc.positive * t - roc.negative * f for roc, f, t in zip(rocs, *point, strict=True)))


def _program(rocs: list[_Roc], delta: float, gaps: Gaps) -> tuple[float, tuple[float, ...], Floats, Floats]:
    """Solve the linear program; return its value, (u, d_f, v, d_t), the prices [2, G] and the f that it chose [G].

    Variables: f [G], t [G], u, v, d_f; d_t follows from the last one.
    """
    from scipy.optimize import linprog

    k = len(rocs)
    rows = [(place, *tangent) for place, roc in enumerate(rocs) for tangent in roc.tangents.values()]
    cuts = np.zeros((len(rows), 2 * k + 3))
    for at, (place, alpha, beta, _) in enumerate(rows):
        cuts[at, place], cuts[at, k + place] = -beta, alpha
    window = np.zeros((4 * k, 2 * k + 3))
    for at in range(2 * k):
        corner = 2 * k + at // k  # u of f, v of t
        window[at, at], window[at, corner] = -1, 1
        window[2 * k + at, at], window[2 * k + at, corner] = 1, -1
        window[2 * k + at, -1] = -1 if at < k else 1  # t <= v + 2 delta - d_f
    limit = np.concatenate([[row[-1] for row in rows], np.zeros(3 * k), np.full(k, 2 * delta)])
    gain = np.array([*(roc.negative for roc in rocs), *(-roc.positive for roc in rocs), 0, 0, 0])
    width = (delta, delta) if gaps == "max" else (0.0, min(1.0, 2 * delta))
    solved = linprog(
        gain,
        A_ub=np.concatenate([cuts, window]),
        b_ub=limit,
        bounds=[(0, 1)] * (2 * k + 2) + [width],
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if solved.status != 0:
        raise ArithmeticError(f"the linear program of equalized odds failed: {solved.message}")
    marginal = -solved.ineqlin.marginals[len(rows) :].reshape(2, 2, k)
    u, v, d_f = solved.x[-3:]
    prices: Floats = marginal[1] - marginal[0]
    return -float(solved.fun), (u, d_f, v, 2 * delta - d_f), prices, solved.x[:k]


def _within(rocs: list[_Roc], u: float, d_f: float, v: float, d_t: float) -> Floats:
    """Return the best (f, t) [2, G] within windows; v is lowered where a group cannot reach it."""
    v = min(v, *(roc.height(u + d_f) for roc in rocs))
    points = []
    for roc in rocs:
        low, high = max(u, roc.reach(v)), u + d_f
        f = min(max(min(roc.best, roc.reach(min(1.0, v + d_t))), low), max(low, high))
        points.append((f, min(roc.height(f), v + d_t)))
    return np.array(points).T


def _above_diagonal(point: Floats) -> Floats:
    """Return rates with f <= t that are worth at least as much and have no larger gaps.

    With T the highest t: lowering every f to T at most, then raising every t to its f at most widens neither window.
    """
    f, t = point
    lowered = np.minimum(f, t.max())
    return np.array([lowered, np.maximum(t, lowered)])


def _rules(rocs: list[_Roc], f: Floats, t: Floats) -> GroupRules:
    """Return rules [D, G]: the ROC point over f, mixed with a coin of chance f so that t is met."""
    parts = []
    for place, roc in enumerate(rocs):
        height = np.interp(f[:, place], roc.f, roc.t)
        room = height - f[:, place]
        coin = np.where(room > 0, (height - t[:, place]) / np.where(room > 0, room, 1), 0.0)
        # Along the curve f + t rises wherever a row has a mass, so it finds the row also on a vertical piece.
        parts.append((*roc.curve.rule(roc.f + roc.t, f[:, place] + height), np.clip(coin, 0, 1)))
    threshold, tie, coins = (np.stack(part, axis=1) for part in zip(*parts, strict=True))
    return GroupRules(threshold, tie, coins, f)

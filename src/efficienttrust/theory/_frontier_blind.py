"""The frontier where the group may not be read, only its probability: Lagrange duality in the prices of the rates.

A rule h spends rates r_k = sum_i m_i v_ik h_i, k = 1 … K, where v_ik is the probability of the group (and label) given
the row, over the mass of the group (and label). For prices lambda the best rule says 1 where 2 eta - 1 > v . lambda:

    frontier(delta) = min_lambda  sum_i m_i max(2 eta_i - 1 - v_i . lambda, 0)  +  sigma_delta(lambda)  +  constant

with sigma_delta the support function of the allowed rates. Two groups and one rate each leave one price t: the rates'
difference falls with t from row to row, and one sort by (2 eta - 1) / (v_1 - v_0) answers all delta
(`two_group_blind`). Otherwise rules are generated (Dantzig and Wolfe 1960): a small program mixes the rules that it
has, its duals are the next prices, and those give a new rule and an upper bound (`generated_blind`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from efficienttrust.theory._frontier_rows import Constraint, Floats, Gaps, Rows
from efficienttrust.theory._frontier_rules import BlindRules

ENOUGH = 1e-8
ROUNDS = 400
SMOOTH = 0.5
"""Weight of the best prices so far in the next ones (Wentges 1997): duals of a program with few rules jump about."""


@dataclass(frozen=True, eq=False)
class BlindSolution:
    """As `Solution`, with rules that do not read the group."""

    accuracy: Floats
    rates: Floats
    prices: Floats
    rules: BlindRules
    gap: Floats


def rate_shares(rows: Rows, members: Floats, constraint: Constraint) -> tuple[Floats, Floats]:
    """Return v [n, K], what a row adds to each rate per unit of mass, and the masses [K] behind the rates.

    Args:
        rows: The rows.
        members: P(A = a | x) [n, G], or P(A = a | x, Y = y) [n, 2, G].
        constraint: K = G, or 2 G for `eo`: false positive rates, then true ones.
    """
    negative = (1 - rows.eta)[:, None] * (members if members.ndim == 2 else members[:, 0])
    positive = rows.eta[:, None] * (members if members.ndim == 2 else members[:, 1])
    kinds = {"dp": (negative + positive,), "eopp": (positive,), "eo": (negative, positive)}[constraint]
    v = np.concatenate(kinds, axis=1)
    size = rows.mass @ v
    return v / size, size


def two_group_blind(rows: Rows, v: Floats, deltas: Floats) -> BlindSolution:
    """Return the frontier of two groups and one rate each: exact, one sort for all gaps."""
    gain, g = 2 * rows.eta - 1, v[:, 1] - v[:, 0]
    at_zero = rows.mass * (gain > 0)
    sign = 1.0 if at_zero @ g >= 0 else -1.0  # then prices (-t, t) times the sign, t >= 0, close the gap
    g *= sign
    # As t grows from 0, rows of which gain and g have one sign change their answer at gain / g, each narrowing the gap.
    turns = np.flatnonzero(((gain > 0) & (g > 0)) | ((gain <= 0) & (g < 0)))
    turn = gain[turns] / g[turns]
    order = np.argsort(turn)
    turns, turn = turns[order], turn[order]
    mass, answer = rows.mass[turns], np.where(g[turns] > 0, -1.0, 1.0)
    narrowed = np.concatenate([[0.0], np.cumsum(mass * np.abs(g[turns]))])
    lost = np.concatenate([[0.0], np.cumsum(mass * np.abs(gain[turns]))])
    asked = np.clip(float(at_zero @ g) - deltas, 0.0, narrowed[-1])
    accuracy = float(rows.mass @ (1 - rows.eta) + at_zero @ gain) - np.interp(asked, narrowed, lost)
    rates = [
        np.interp(asked, narrowed, np.concatenate([[start], start + np.cumsum(mass * answer * v[turns, place])]))
        for place, start in enumerate(at_zero @ v)
    ]
    price, shares, prices = np.zeros_like(asked), [], []
    for place, gap in enumerate(asked):
        mixture = [(1.0, 0.0)] if gap == 0 else _around(turn, narrowed, float(gap))
        price[place] = 0.0 if gap == 0 else turn[np.searchsorted(narrowed, gap, side="left") - 1]
        shares.append(np.array([share for share, _ in mixture]))
        prices.append(sign * np.array([[-t, t] for _, t in mixture]))
    signed = sign * np.stack([-price, price], axis=1)
    return BlindSolution(accuracy, np.stack(rates, axis=1), signed, BlindRules(shares, prices), np.zeros_like(accuracy))


def generated_blind(
    rows: Rows, v: Floats, size: Floats, deltas: Floats, constraint: Constraint, gaps: Gaps
) -> BlindSolution:
    """Return the frontier of any number of groups and rates; the gap between its bounds stands in the solution."""
    pool = _Pool(rows.mass, 2 * rows.eta - 1, v)
    for price in (0 * size, 2 * size, -2 * size):  # the best rule without a constraint, 0 for all rows, 1 for all
        pool.add(price)
    constant = float(rows.mass @ (1 - rows.eta))
    found = []
    for delta in deltas[::-1]:  # from the widest on: there the prices are small, and few rules are needed
        best, upper = 0 * size, np.inf
        for _ in range(ROUNDS):
            lower, alpha, price = _mixture(pool, float(delta), constraint, gaps)
            for asked in (SMOOTH * best + (1 - SMOOTH) * price, price):
                bound = pool.add(asked) + _support(asked, float(delta), constraint, gaps)
                if bound < upper:
                    upper, best = bound, asked
                if pool.values[-1] - pool.rates[-1] @ price > lower - _support(price, delta, constraint, gaps) + ENOUGH:
                    break  # this rule improves the mixture
            if upper - lower <= ENOUGH:
                break
        used = np.flatnonzero(alpha > 0)
        rates = alpha @ np.array(pool.rates[: len(alpha)])
        mixed = np.array([pool.prices[place] for place in used])
        found.append((lower + constant, rates, best, alpha[used] / alpha.sum(), mixed, max(0.0, upper - lower)))
    value, spent, paid, shares, rules, gap = zip(*found[::-1], strict=True)
    return BlindSolution(np.array(value), np.array(spent), np.array(paid), BlindRules(shares, rules), np.array(gap))


class _Pool:
    """Rules that were generated, with gain in accuracy and rates of each."""

    def __init__(self, mass: Floats, gain: Floats, v: Floats) -> None:
        self._mass, self._gain, self._v = mass, gain, v
        self.values: list[float] = []
        self.rates: list[Floats] = []
        self.prices: list[Floats] = []

    def add(self, price: Floats) -> float:
        """Add the best rule at the prices and return its gain less what it pays: phi(lambda)."""
        chosen = self._mass * (self._gain > self._v @ price)
        self.values.append(float(chosen @ self._gain))
        self.rates.append(chosen @ self._v)
        self.prices.append(price)
        return float(self.values[-1] - self.rates[-1] @ price)


def _mixture(pool: _Pool, delta: float, constraint: Constraint, gaps: Gaps) -> tuple[float, Floats, Floats]:
    """Return the best mixture of the rules in the pool: its gain, the shares [J] and the prices of the rates [K].

    Variables: the shares, where the window of each kind of rate begins, and d_f, the width of the first.
    """
    from scipy.optimize import linprog

    rates = np.array(pool.rates)
    n, k = rates.shape
    kinds = 2 if constraint == "eo" else 1
    window = np.zeros((2, k, n + kinds + 1))
    for at in range(k):
        kind = at * kinds // k
        window[:, at, :n] = np.outer([-1, 1], rates[:, at])
        window[:, at, n + kind] = 1, -1
        window[1, at, -1] = -1 if kind == 0 else 1
    limit = np.concatenate([np.zeros(k + k // kinds), np.full(k - k // kinds, 2 * delta)])
    width = (0.0, 2 * delta) if constraint == "eo" and gaps == "mean" else (delta, delta)
    solved = linprog(
        [*(-value for value in pool.values), *np.zeros(kinds + 1)],
        A_ub=window.reshape(2 * k, -1),
        b_ub=limit,
        A_eq=[[1.0] * n + [0.0] * (kinds + 1)],
        b_eq=[1.0],
        bounds=[(0, 1)] * n + [(None, None)] * kinds + [width],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if solved.status != 0:
        raise ArithmeticError(f"the linear program of a mixture of rules failed: {solved.message}")
    low, high = -solved.ineqlin.marginals.reshape(2, kinds, k // kinds)
    price = high - low
    price -= price.mean(axis=1, keepdims=True)  # where a window begins is free, so prices of a kind add up to 0
    return -float(solved.fun), np.maximum(solved.x[:n], 0), price.ravel()


def _support(price: Floats, delta: float, constraint: Constraint, gaps: Gaps) -> float:
    """Return sigma: the most that rates within the windows are worth at the prices."""
    kinds = np.maximum(price.reshape(2 if constraint == "eo" else 1, -1), 0).sum(axis=1)
    return float(2 * delta * kinds.max() if constraint == "eo" and gaps == "mean" else delta * kinds.sum())


def _around(turn: Floats, narrowed: Floats, gap: float) -> list[tuple[float, float]]:
    """Return shares and prices t of the rules on either side of the turn at which `gap` is taken off."""
    at = float(turn[np.searchsorted(narrowed, gap, side="left") - 1])
    first, behind = int(np.searchsorted(turn, at, side="left")), int(np.searchsorted(turn, at, side="right"))
    before = (float(turn[first - 1]) + at) / 2 if first else at / 2
    after = (float(turn[behind]) + at) / 2 if behind < len(turn) else at + 1.0
    share = min(1.0, float((gap - narrowed[first]) / (narrowed[behind] - narrowed[first])))
    return [(1 - share, before), (share, after)]

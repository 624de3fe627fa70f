"""Logistic regression that stays finite under separation: Firth's penalised likelihood.

The likelihood is multiplied by |I|^½ (Jeffreys' prior), which removes the bias of first order; with complete or
quasi-complete separation, where maximum likelihood is at infinity, estimates stay finite. Tests compare penalised
likelihoods, with the penalty of the full model in both (Heinze and Schemper 2002).

Source: Firth 1993, "Bias reduction of maximum likelihood estimates".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST_STEPS = 100
LONGEST_STEP = 5.0
"""In a coefficient; longer ones are shortened, as far out the likelihood is flat."""


@dataclass(frozen=True, eq=False)
class Logistic:
    """A penalised fit.

    Attributes:
        b: Coefficients.
        covariance: Inverse information.
        likelihood: Penalised, in logarithm.
        converged: Whether the score is 0.
    """

    b: Floats
    covariance: Floats
    likelihood: float
    converged: bool


def firth(x: Floats, successes: Floats, trials: Floats, fixed: Ints | None = None) -> Logistic:
    """Fit log odds linear in X to grouped counts.

    Args:
        x: [groups, p], of full rank, the intercept among its columns.
        successes: By group [groups].
        trials: By group [groups].
        fixed: Columns whose coefficient is held at 0, as the null hypothesis of a test says.
    """
    free = np.setdiff1d(np.arange(x.shape[1]), [] if fixed is None else fixed)
    b = np.zeros(x.shape[1])
    state = _State(x, successes, trials, b)
    converged = False
    for _ in range(MOST_STEPS):
        score = (x.T @ (successes - trials * state.p + state.leverage * (0.5 - state.p)))[free]
        step = np.zeros_like(b)
        step[free] = np.linalg.solve(state.information[np.ix_(free, free)], score)
        step *= min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(score).max()) < 1e-8 * max(1.0, float(trials.sum())) and float(np.abs(step).max()) < 1e-6:
            converged = True
            break
        for _ in range(30):
            ahead = _State(x, successes, trials, b + step)
            if ahead.likelihood >= state.likelihood - 1e-12 * abs(state.likelihood):
                break
            step = step / 2
        b, state = b + step, ahead
    return Logistic(b, np.asarray(np.linalg.inv(state.information), dtype=float), state.likelihood, converged)


class _State:
    """Everything at one vector of coefficients."""

    def __init__(self, x: Floats, successes: Floats, trials: Floats, b: Floats) -> None:
        linear = x @ b
        self.p = 1 / (1 + np.exp(-np.clip(linear, -500, 500)))
        weight = trials * self.p * (1 - self.p)
        self.information = (x.T * weight) @ x
        sign, logarithm = np.linalg.slogdet(self.information)
        likelihood = float(successes @ linear - trials @ np.logaddexp(0, linear))
        self.likelihood = likelihood + 0.5 * float(logarithm) if sign > 0 else -np.inf
        self.leverage = weight * ((x @ np.linalg.pinv(self.information)) * x).sum(1)

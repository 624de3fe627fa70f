"""Gradient descent on a quadratic, all steps at once, and what a linear score does at each of them.

Letters: F(b) = b.H b / 2 - c.b with H symmetric and H = V diag(h) V'; eta the step size. From 0, induction on b_{k+1} =
b_k - eta (H b_k - c) gives b_k = V f_k(h) V'c with the filter f_k(h) = (1 - (1 - eta h)^k) / h, eta k at h = 0; it
converges for eta < 2 / max h to f(h) = 1 / h, on the range of H.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._arguments import column, matrix
from efficienttrust.theory._attack_norms import dual_sizes
from efficienttrust.theory._embedding import Floats

AT_ONCE = 32
"""Columns of weights whose residuals are held at once."""
RANK = 1e-13
"""Eigenvalues below this share of the largest one count as 0."""


@dataclass(frozen=True)
class Regression:
    """Rows of a linear regression and what a score's errors on them depend on.

    Attributes:
        x: Rows [n, d].
        y: Labels [n].
        hessian: S = X'X / n.
        slope: c = X'y / n.
        means: Mean row of each group [G, d].
    """

    x: Floats
    y: Floats
    hessian: Floats
    slope: Floats
    means: Floats

    def squared_errors(self, beta: Floats) -> Floats:
        """Return the mean squared error of each column of `beta` [d, m]: |y|^2 / n - 2 c.b + b.S b."""
        moved = ((self.hessian @ beta - 2 * self.slope[:, None]) * beta).sum(axis=0)
        errors: Floats = np.maximum((self.y**2).mean() + moved, 0.0)
        return errors

    def robust_errors(self, beta: Floats, eps: float, norm: str) -> Floats:
        """Return the mean squared error under attack, exact: the mean of (|residual| + eps |beta|_q)^2."""
        reach = eps * dual_sizes(beta.T, norm)
        errors: Floats = self.squared_errors(beta) + reach**2
        for first in range(0, beta.shape[1] if eps > 0 else 0, AT_ONCE):  # all residuals at once would not fit
            part = slice(first, first + AT_ONCE)
            errors[part] += 2 * reach[part] * np.abs(self.y[:, None] - self.x @ beta[:, part]).mean(axis=0)
        return errors

    def gaps(self, beta: Floats) -> Floats:
        """Return the mean score of the last group minus that of the first; max - min for more than two groups."""
        scores = self.means @ beta
        gaps: Floats = scores[1] - scores[0] if len(scores) == 2 else np.ptp(scores, axis=0)
        return gaps


def regression(x: ArrayLike, y: ArrayLike, groups: ArrayLike) -> Regression:
    """Return the checked rows; `groups` are codes 0 to G - 1, each with rows, at least two of them."""
    rows = matrix(x)
    labels = column("y", y, len(rows))
    codes = column("groups", groups, len(rows))
    present = np.unique(codes)
    if len(present) < 2 or not np.array_equal(present, np.arange(len(present))):
        shown = ", ".join(f"{code:g}" for code in present[:6])
        raise UsageError(f"the groups hold the codes {shown}: give 0, 1, ... with rows in each, two or more")
    means = np.array([rows[codes == code].mean(axis=0) for code in present])
    return Regression(rows, labels, rows.T @ rows / len(rows), rows.T @ labels / len(rows), means)


@dataclass(frozen=True)
class Quadratic:
    """Spectrum of a quadratic: h [d], V [d, d], V'c [d]."""

    eigenvalues: Floats
    vectors: Floats
    target: Floats

    @property
    def largest(self) -> float:
        """The largest eigenvalue L; gradient descent converges for step sizes below 2 / L."""
        return float(self.eigenvalues[-1])

    def after(self, steps: NDArray[np.float64], eta: float) -> Floats:
        """Return b_k [d, len(steps)] for each number of steps; infinity gives the limit of least norm."""
        h = self.eigenvalues[:, None]
        flat = h <= RANK * max(self.largest, np.finfo(float).tiny)
        safe = np.where(flat, 1.0, h)
        finite = np.where(np.isinf(steps), 0.0, steps)
        slow = eta * h < 1
        # 1 - (1 - eta h)^k without cancellation where eta h is small
        shrunk = -np.expm1(finite * np.log1p(-np.where(slow, eta * h, 0.0)))
        alternating = 1 - np.where(slow, 0.0, 1 - eta * h) ** finite
        filtered = np.where(slow, shrunk, alternating) / safe
        filtered = np.where(np.isinf(steps), 1 / safe, filtered)
        filtered = np.where(flat, np.where(np.isinf(steps), 0.0, eta * finite), filtered)
        beta: Floats = self.vectors @ (filtered * self.target[:, None])
        return beta


def quadratic(hessian: Floats, slope: Floats) -> Quadratic:
    """Return the spectrum of b.H b / 2 - c.b."""
    eigenvalues, vectors = np.linalg.eigh(hessian)
    return Quadratic(np.maximum(eigenvalues, 0.0), vectors, vectors.T @ slope)


def step_size(eta: float, largest: float) -> float:
    """Return a step size, or say from which one on gradient descent diverges."""
    if not 0 < eta < (limit := 2 / largest if largest > 0 else math.inf):
        raise UsageError(f"the step size is {eta:g}: gradient descent converges between 0 and 2 / L = {limit:.6g}")
    return float(eta)

"""Mixed models of level × unit × data set by restricted maximum likelihood.

    y = X b + data set + unit in data set + data set × level + residual

With the variances as ratios γ to the residual's and Λ = diag(√γ), V = I + Z Λ² Z', and everything follows from the
factor of I + Λ Z'Z Λ for each data set, which stays regular where a variance is 0; b and the residual variance have
closed forms, so that the search is over the ratios alone.

Source: Bates, Mächler, Bolker and Walker 2015, "Fitting linear mixed-effects models using lme4", section 3.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SMALLEST, LARGEST = -16.0, 18.0
"""Logarithm of a ratio of variances: beyond, it is 0, or the residual is."""
STARTS = (-6.0, -1.0, 3.0)
STEP, MOST_GAINED = 0.01, 1e-3
"""Of a logarithm of a ratio, and the deviance that it may save at an optimum."""
TOLERANCE = 1e-9
"""Share of the variance of y that must be left for a residual."""


@dataclass(frozen=True, eq=False)
class Reml:
    """A fit.

    Attributes:
        b: Coefficients.
        covariance: Of these.
        variances: Of data sets, of units in them, of data set × level; 0 where it was not asked.
        residual: Variance.
        likelihood: Restricted, in logarithm.
        converged: Whether no variance could be moved to raise it.
    """

    b: Floats
    covariance: Floats
    variances: Floats
    residual: float
    likelihood: float
    converged: bool


@dataclass(frozen=True, eq=False)
class Grouped:
    """Products of a table by data set; random effects of a smaller data set are filled up with zeros.

    Attributes:
        zz: [data sets, q, q].
        zx: Z' [X, y] [data sets, q, p + 1].
        xx: [X, y]' [X, y] over all data sets [p + 1, p + 1].
        kind: 0, 1 or 2 of each random effect: data set, unit, data set × level [q].
        rows: Number.
    """

    zz: Floats
    zx: Floats
    xx: Floats
    kind: Ints
    rows: int


def grouped(x: Floats, y: Floats, data: Ints, unit: Ints, level: Ints) -> Grouped:
    """Sum up a table.

    Args:
        x: Fixed effects, of full rank [rows, p].
        y: Figures [rows].
        data: Data set of each row [rows].
        unit: Of each row; a unit lies in one data set [rows].
        level: Of each row [rows].
    """
    both = np.column_stack([x, y])
    sets = np.unique(data)
    most = max(len(np.unique(unit[data == one])) for one in sets)
    kind = np.concatenate([[0], np.full(most, 1), np.full(int(level.max()) + 1, 2)])
    zz, zx = np.zeros((len(sets), len(kind), len(kind))), np.zeros((len(sets), len(kind), both.shape[1]))
    for i, one in enumerate(sets):
        mine = data == one
        _, inside = np.unique(unit[mine], return_inverse=True)
        z = np.zeros((int(mine.sum()), len(kind)))
        rows = np.arange(len(z))
        z[:, 0] = z[rows, 1 + inside.ravel()] = z[rows, 1 + most + level[mine]] = 1.0
        zz[i], zx[i] = z.T @ z, z.T @ both[mine]
    return Grouped(zz, zx, both.T @ both, kind, len(y))


def reml(products: Grouped, kinds: tuple[int, ...], starts: tuple[Reml, ...] = ()) -> Reml | None:
    """Fit the variances of some kinds of random effects; None where nothing is left for a residual.

    Args:
        products: Of the table, whose y has about unit variance.
        kinds: Of random effects that there are: 0 data set, 1 unit, 2 data set × level.
        starts: Fits of smaller models: no fit is worse than they.
    """
    from scipy.optimize import minimize

    def deviance(free: Floats) -> float:
        found = _at(products, _ratios(kinds, free), covariance=False)
        return -2 * found.likelihood if found else 1e10

    known = [np.log(np.maximum(one.variances / one.residual, np.exp(SMALLEST))) for one in starts]
    grid = [
        np.array(one)
        for base in known or [np.full(3, SMALLEST)]
        for one in itertools.product(*(STARTS if base[kind] <= SMALLEST else (base[kind],) for kind in kinds))
    ]
    tries = [min(grid, key=deviance), *(base[list(kinds)] for base in known)]
    bounds = [(SMALLEST, LARGEST)] * len(kinds)
    searched = [minimize(deviance, one, method="L-BFGS-B", bounds=bounds) for one in tries]
    best = min(searched, key=lambda one: float(one.fun))
    ratios = _ratios(kinds, best.x)
    for kind in kinds:  # a variance on its boundary is 0, and not merely small
        without = ratios.copy()
        without[kind] = 0.0
        at_zero = _at(products, without)
        if at_zero and -2 * at_zero.likelihood <= float(best.fun) + 1e-6:
            ratios = without
    found = _at(products, ratios)
    if found is None:
        return None
    steps = np.vstack([STEP * np.eye(len(kinds)), -STEP * np.eye(len(kinds))])
    beside = min(deviance(np.clip(best.x + step, SMALLEST, LARGEST)) for step in steps)
    still = beside > -2 * found.likelihood - MOST_GAINED
    return Reml(found.b, found.covariance, found.variances, found.residual, found.likelihood, still)


def _ratios(kinds: tuple[int, ...], free: Floats) -> Floats:
    ratios = np.zeros(3)
    ratios[list(kinds)] = np.exp(free)
    return ratios


def _at(products: Grouped, ratios: Floats, *, covariance: bool = True) -> Reml | None:
    """Return the fit at given ratios of variances; None where the residual is rounding."""
    scale = np.sqrt(ratios)[products.kind]
    root = np.linalg.cholesky(np.eye(len(scale)) + scale[:, None] * products.zz * scale)
    swept = np.linalg.solve(root, scale[:, None] * products.zx)
    left = products.xx - np.einsum("dqi,dqj->ij", swept, swept)
    p = len(left) - 1
    rows = products.rows - p
    b = np.linalg.solve(left[:p, :p], left[:p, p])
    squares = float(left[p, p] - b @ left[:p, p])
    if rows < 1 or squares <= TOLERANCE * float(products.xx[p, p]):
        return None
    residual = squares / rows
    logdet = 2 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum()) + float(np.linalg.slogdet(left[:p, :p])[1])
    likelihood = -0.5 * (logdet + rows * (1 + np.log(2 * np.pi * residual)))
    spread = residual * np.linalg.inv(left[:p, :p]) if covariance else np.empty((0, 0))
    return Reml(b, spread, ratios * residual, residual, likelihood, converged=True)

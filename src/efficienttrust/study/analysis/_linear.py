"""Least squares on factors with blocks swept out, from sums by cell: 100,000 trials cost what their cells cost.

Rows of one block of the sweep (a unit, as a rule) are centred together (Frisch, Waugh and Lovell), so that its fixed
effect needs no column. Factors are always coded by sums, without which type III sums of squares depend on the choice of
the reference level. y: figures by [units, cells]. X: coded cells [cells, p]. A = Σ X̃'X̃, r = Σ X̃'y, b = A⁻¹ r.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TOLERANCE = 1e-8
"""Share of a column's sum of squares that must be left for it to count as independent of those before it."""


@dataclass(frozen=True, eq=False)
class Term:
    """A main effect or an interaction.

    Attributes:
        factors: Positions of its factors.
        columns: Positions of its columns in X.
    """

    factors: tuple[int, ...]
    columns: Ints


class Coding:
    """Sum coding of main effects and interactions of the cells of a table.

    Args:
        cells: Index of the level by [cells, factors]; a level that no cell has gets no column.
        order: Largest number of factors in a term.

    Attributes:
        x: Coded cells [cells, p].
        terms: Main effects first.
    """

    def __init__(self, cells: Ints, order: int) -> None:
        coded = [_sum_coded(cells[:, i]) for i in range(cells.shape[1])]
        parts: list[Floats] = []
        self.terms: list[Term] = []
        start = 0
        for size in range(1, min(order, len(coded)) + 1):
            for factors in itertools.combinations(range(len(coded)), size):
                part = coded[factors[0]]
                for one in factors[1:]:
                    part = (part[:, :, None] * coded[one][:, None, :]).reshape(len(cells), -1)
                parts.append(part)
                self.terms.append(Term(factors, np.arange(start, start + part.shape[1])))
                start += part.shape[1]
        self.x = np.concatenate(parts, axis=1) if parts else np.zeros((len(cells), 0))
        self._moments: dict[bytes, tuple[Floats, Floats]] = {}

    def moments(self, patterns: Ints) -> tuple[Floats, Floats]:
        """Return (X̃'X̃, mean of X) of blocks that have so many rows in each cell; cached, as metrics share them.

        Args:
            patterns: Rows by cell [patterns, cells].
        """
        key = patterns.tobytes()
        if key not in self._moments:
            means = patterns @ self.x / np.maximum(1, patterns.sum(1))[:, None]
            products = np.empty((len(patterns), self.x.shape[1], self.x.shape[1]))
            for index, (counts, mean) in enumerate(zip(patterns, means, strict=True)):
                centred = self.x - mean
                products[index] = (centred.T * counts) @ centred
            self._moments[key] = products, means
        return self._moments[key]


@dataclass(frozen=True, eq=False)
class Sums:
    """What least squares needs to know of a metric.

    Attributes:
        y: Figures, centred by their mean [units, cells].
        block: Block of the sweep of each unit [units].
        pattern: Index of the pattern of each block [blocks].
        a: X̃'X̃ by pattern [patterns, p, p].
        x_mean: Mean of X by pattern [patterns, p].
        rows: Rows by block [blocks].
        y_mean: Mean of y by block [blocks].
        r: X̃'y by block [blocks, p].
        squares: Centred sum of squares by block [blocks].
        key: The same for metrics with figures in the same places.
    """

    y: Floats
    block: Ints
    pattern: Ints
    a: Floats
    x_mean: Floats
    rows: Ints
    y_mean: Floats
    r: Floats
    squares: Floats
    key: bytes


def sums(coding: Coding, y: Floats, block: Ints) -> Sums:
    """Sum up figures by block; units without a figure are left out of them."""
    known = np.isfinite(y)
    y = y - y[known].mean() if known.any() else y
    filled = np.where(known, y, 0.0)
    number = int(block.max()) + 1
    counts, totals = np.zeros((number, y.shape[1]), np.int64), np.zeros((number, y.shape[1]))
    np.add.at(counts, block, known.astype(np.int64))
    np.add.at(totals, block, filled)
    rows = counts.sum(1)
    y_mean = totals.sum(1) / np.maximum(rows, 1)
    deviations = np.where(known, filled - y_mean[block][:, None], 0.0)
    squares = np.bincount(block, weights=(deviations**2).sum(1), minlength=number).astype(float)
    patterns, pattern = np.unique(counts, axis=0, return_inverse=True)
    a, x_mean = coding.moments(patterns)
    pattern = pattern.ravel()
    r = totals @ coding.x - x_mean[pattern] * totals.sum(1)[:, None]
    key = counts.tobytes() + block.tobytes()
    return Sums(y, block, pattern, a, x_mean, rows, y_mean, r, squares, key)


@dataclass(frozen=True, eq=False)
class Fit:
    """Least squares on some columns.

    Attributes:
        kept: Columns that are independent of those before them.
        inverse: A⁻¹ of these [kept, kept].
        b: Their coefficients.
        rss: Residual sum of squares.
        df: Of the residual.
    """

    kept: Ints
    inverse: Floats
    b: Floats
    rss: float
    df: int


@dataclass(frozen=True, eq=False)
class Solved:
    """The part of a fit that does not look at y: independent columns and A⁻¹ of these."""

    kept: Ints
    inverse: Floats


def solve(data: Sums, columns: Ints, weight: Floats | None = None) -> Solved:
    """Invert X̃'X̃ on the columns that are independent of those before them.

    Args:
        data: Sums by block.
        columns: Of X, in order of precedence.
        weight: How often each block counts [blocks]; once by default.
    """
    return invert(gathered(data, np.ones(len(data.rows)) if weight is None else weight), columns)


def gathered(data: Sums, weight: Floats) -> Floats:
    """Return X̃'X̃ over all blocks, each counted so often [p, p]."""
    by_pattern = np.bincount(data.pattern, weights=weight, minlength=len(data.a))
    return np.tensordot(by_pattern, data.a, 1)


def invert(a: Floats, columns: Ints) -> Solved:
    """Invert X̃'X̃ [p, p] on the columns that are independent of those before them."""
    own = a[np.ix_(columns, columns)]
    kept = independent(own)
    return Solved(columns[kept], np.asarray(np.linalg.inv(own[np.ix_(kept, kept)]), dtype=float))


def fit(data: Sums, columns: Ints, weight: Floats | None = None, solved: Solved | None = None) -> Fit:
    """Fit by least squares; the arguments are those of `solve`, whose result may be handed in."""
    solved = solved or solve(data, columns, weight)
    weight = np.ones(len(data.rows)) if weight is None else weight
    r = (weight @ data.r)[solved.kept]
    b = solved.inverse @ r
    used = weight * (data.rows > 0)
    return Fit(
        solved.kept, solved.inverse, b, max(0.0, float(weight @ data.squares - b @ r)),
        int(weight @ data.rows - used.sum()) - len(solved.kept),
    )  # fmt: skip


def independent(a: Floats) -> Ints:
    """Return the positions of the columns that are independent of those before them, by sweeping X'X in order."""
    with contextlib.suppress(np.linalg.LinAlgError):
        if np.all(np.diag(np.linalg.cholesky(a)) ** 2 > TOLERANCE * np.diag(a)):
            return np.arange(len(a))
    left, kept = a.copy(), []
    for j in range(len(a)):
        if left[j, j] > TOLERANCE * max(a[j, j], 1e-300):
            kept.append(j)
            left -= np.outer(left[:, j], left[j] / left[j, j])
    return np.array(kept, dtype=np.int64)


def residuals(coding: Coding, data: Sums, found: Fit) -> tuple[Floats, Floats]:
    """Return residuals and leverages by [units, cells], blocks included; NaN where there is no figure."""
    x = coding.x[:, found.kept]
    centred = data.x_mean[:, found.kept]
    predicted = x @ found.b
    shift = data.y_mean - (centred @ found.b)[data.pattern]
    residual = data.y - predicted - shift[data.block][:, None]
    turned = x @ found.inverse
    own = ((centred @ found.inverse) * centred).sum(1)
    leverage = (turned * x).sum(1) - 2 * centred @ turned.T + own[:, None]
    hat = leverage[data.pattern[data.block]] + 1 / np.maximum(data.rows, 1)[data.block][:, None]
    return residual, np.where(np.isfinite(data.y), hat, np.nan)


def hc3(coding: Coding, data: Sums, found: Fit) -> Floats:
    """Return the HC3 covariance of the coefficients [kept, kept] (MacKinnon and White 1985); NaN with leverage 1."""
    residual, hat = residuals(coding, data, found)
    if np.nanmax(hat) > 1 - 1e-9:
        return np.full((len(found.kept), len(found.kept)), np.nan)
    weight = np.where(np.isfinite(residual), (residual / (1 - hat)) ** 2, 0.0)
    x, mean = coding.x[:, found.kept], data.x_mean[data.pattern[data.block]][:, found.kept]
    crossed = (weight @ x).T @ mean  # Σ w (x − x̄)(x − x̄)' = Σ w xx' − Σ w (xx̄' + x̄x') + Σ w x̄x̄'
    meat = (x.T * weight.sum(0)) @ x - crossed - crossed.T + (mean.T * weight.sum(1)) @ mean
    return np.asarray(found.inverse @ meat @ found.inverse)


def _sum_coded(codes: Ints) -> Floats:
    """Return the sum coding of one factor [cells, levels − 1]; the last level is −1 everywhere."""
    levels, index = np.unique(codes, return_inverse=True)
    basis = np.vstack([np.eye(len(levels) - 1), -np.ones(len(levels) - 1)])
    return np.asarray(basis[index.ravel()])

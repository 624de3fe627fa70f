"""Metrics of linear rules on Gaussian groups, exact and as a finite sample shows them, at many thresholds at once.

A score z = w.x + b of rows x | a, y ~ N(mu_ay, I) is N(w.mu_ay + b, |w|^2), and an attack of radius eps in the maximum
norm moves it by eps * |w|_1 against the label. So every rate is a value of the normal distribution function. Cells are
indexed [group a, label y of the mixture, label l as recorded]: labels are flipped with some probability.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

THRESHOLDS: Array = np.linspace(-2.0, 2.0, 21)
"""Thresholds of a score, in units of |w|; the middle one is 0, the rule before calibration."""

MIDDLE = len(THRESHOLDS) // 2


@dataclass(frozen=True, eq=False)
class Curves:
    """What each threshold would give, for n rules.

    Attributes:
        rates: Share of positive decisions, [n, group, threshold].
        right: Probability of group and right decision together, [n, group, threshold]; the sum over groups is accuracy.
        robust: The same under attack.
    """

    rates: Array
    right: Array
    robust: Array


def weights_of(group_share: float, base_rates: Array, label_noise: float) -> Array:
    """Return the probability of every cell, [2, 2, 2]."""
    groups = np.array([1.0 - group_share, group_share])
    labels = np.stack([1.0 - base_rates, base_rates], axis=1)
    recorded = np.array([[1.0 - label_noise, label_noise], [label_noise, 1.0 - label_noise]])
    return np.asarray(groups[:, None, None] * labels[:, :, None] * recorded[None])


def curves_of(w: Array, b: Array, means: Array, eps: Array, weights: Array) -> Curves:
    """Return the exact curves of n rules.

    Args:
        w: Weights, [n, d].
        b: Intercepts, [n].
        means: Means of the rows, [n, 2, 2, d].
        eps: Radii, [n].
        weights: Probabilities of the cells, [n, 2, 2, 2].
    """
    from scipy.special import ndtr

    centre, attacked = _centres(w, b, means, eps)
    return _curves(ndtr(centre[..., None] - THRESHOLDS), ndtr(attacked[..., None] - THRESHOLDS), weights, weights)


def sampled_curves(
    w: Array, b: Array, means: Array, eps: Array, rows: NDArray[np.int64], attacked_rows: NDArray[np.int64],
    rng: np.random.Generator,
) -> Curves:  # fmt: skip
    """Return the curves as a sample shows them; arguments as of `curves_of`, with counts of rows by cell for weights.

    The counts above all thresholds are those of one sample, so that calibration on it is as optimistic as it is on real
    rows; the rows attacked are others.
    """
    centre, attacked = _centres(w, b, means, eps)
    shares = rows / np.maximum(rows.sum(axis=(1, 2, 3), keepdims=True), 1)
    attacked_shares = attacked_rows / np.maximum(attacked_rows.sum(axis=(1, 2, 3), keepdims=True), 1)
    return _curves(_drawn(centre, rows, rng), _drawn(attacked, attacked_rows, rng), shares, attacked_shares)


def violations(gap: Array, robust: Array, bounds: Array) -> Array:
    """Return the violations of both targets, [..., 2], 0 where there is no such target.

    Args:
        gap: Demographic parity difference.
        robust: Robust accuracy.
        bounds: Bounds on both, [..., 2], NaN without a target.
    """
    short = np.stack([gap - bounds[..., 0], bounds[..., 1] - robust], axis=-1)
    return np.asarray(np.maximum(np.nan_to_num(short, nan=0.0), 0.0))


def calibrated(curves: Curves, bounds: Array, aware: NDArray[np.bool_], price: float) -> NDArray[np.int64]:
    """Return the best threshold of each group by accuracy less the price of violations, as indices [n, 2].

    Args:
        curves: What to calibrate on.
        bounds: Of both targets, [n, 2].
        aware: Whether groups may have thresholds of their own, [n].
        price: Of a unit of violation.
    """
    right = curves.right[:, 0, :, None] + curves.right[:, 1, None, :]
    robust = curves.robust[:, 0, :, None] + curves.robust[:, 1, None, :]
    gap = np.abs(curves.rates[:, 0, :, None] - curves.rates[:, 1, None, :])
    value = right - price * violations(gap, robust, bounds[:, None, None, :]).sum(axis=-1)
    n = len(THRESHOLDS)
    value = np.where(aware[:, None, None] | np.eye(n, dtype=bool), value, -np.inf)
    best = value.reshape(len(value), -1).argmax(axis=1)
    return np.stack([best // n, best % n], axis=1)


def at(curves: Curves, thresholds: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """Return accuracy, parity difference and robust accuracy at one threshold per group, each [n]."""
    rows, groups = np.arange(len(thresholds))[:, None], np.array([0, 1])
    rates = curves.rates[rows, groups, thresholds]
    right, robust = (one[rows, groups, thresholds].sum(axis=1) for one in (curves.right, curves.robust))
    return right, np.abs(rates[:, 0] - rates[:, 1]), robust


def _centres(w: Array, b: Array, means: Array, eps: Array) -> tuple[Array, Array]:
    """Return means of the scores in units of |w|: as they are, and attacked, both [n, 2, 2, 2]."""
    length = np.maximum(np.linalg.norm(w, axis=1), 1e-9)
    centre = (np.einsum("nayd,nd->nay", means, w) + b[:, None, None]) / length[:, None, None]
    both = np.repeat(centre[..., None], 2, axis=-1)
    moved = (eps * np.abs(w).sum(axis=1) / length)[:, None, None, None] * np.array([1.0, -1.0])
    return both, both + moved


def _drawn(centre: Array, rows: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Return the share of a sample above each threshold, [n, 2, 2, 2, threshold]."""
    from scipy.special import ndtr

    above = ndtr(centre[..., None] - THRESHOLDS)
    full, none = np.ones_like(centre)[..., None], np.zeros_like(centre)[..., None]
    bins = -np.diff(np.concatenate([full, above, none], axis=-1), axis=-1)
    counts = rng.multinomial(rows, np.maximum(bins, 0.0) / bins.sum(axis=-1, keepdims=True))
    over = counts[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]
    return np.asarray(over / np.maximum(rows, 1)[..., None])


def _curves(above: Array, attacked: Array, weights: Array, attacked_weights: Array) -> Curves:
    by_group = np.maximum(weights.sum(axis=(2, 3)), 1e-12)
    rates = (weights[..., None] * above).sum(axis=(2, 3)) / by_group[..., None]
    return Curves(rates, _right(above, weights), _right(attacked, attacked_weights))


def _right(above: Array, weights: Array) -> Array:
    correct = np.stack([1.0 - above[..., 0, :], above[..., 1, :]], axis=-2)
    return np.asarray((weights[..., None] * correct).sum(axis=(2, 3)))

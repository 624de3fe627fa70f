"""Groups whose classes are Gaussian: every metric of a linear rule in closed form, with its gradient.

Letters: a group, y in {0, 1} class, x | a, y ~ N(mean_ay, C_ay); pi_a = P(a), p_a = P(y = 1 | a); a rule decides 1
where z = w.x + b > 0. z | a, y is normal, so with u = (w.mean + b) / sqrt(w.C w) and s = +-1 for y = 1, 0 the error of
a cell is Phi(-s u), and under attack Phi(-(s u - eps |w|_q / sqrt(w.C w))). Rules are [m, d] weights and [m] biases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from efficienttrust.errors import UsageError
from efficienttrust.theory._attack_norms import dual_sizes, dual_slopes
from efficienttrust.theory._embedding import Floats

SIGNS = np.array([-1.0, 1.0])
METRICS = ("accuracy", "robust_accuracy", "dpd")
"""The metrics of which there are gradients, in this order; the gradients are those of the losses 1 - accuracy, 1 -
robust accuracy and the demographic parity difference."""


@dataclass(frozen=True, eq=False)
class Cells:
    """What a rule's score is like in each group and class: m rules, G groups.

    Attributes:
        centre: u, mean of the score in its standard deviations [m, G, 2].
        reach: What an attack moves the score by, in the same unit [m, G, 2].
        spread: Standard deviation of the score [m, G, 2].
    """

    centre: Floats
    reach: Floats
    spread: Floats


@dataclass(frozen=True, eq=False)
class GaussianGroups:
    """The distribution.

    Attributes:
        means: [G, 2, d], by group and class.
        covariance: [G, 2, d, d].
        joint: P(a, y) [G, 2].
    """

    means: Floats
    covariance: Floats
    joint: Floats

    @property
    def given_group(self) -> Floats:
        """P(y | a) [G, 2]."""
        shares: Floats = self.joint / self.joint.sum(axis=1, keepdims=True)
        return shares

    def cells(self, w: Floats, b: Floats, eps: float, norm: str) -> Cells:
        """Return what the scores of rules are like in every cell."""
        spread = np.sqrt(np.einsum("md,gyde,me->mgy", w, self.covariance, w))
        if not (spread > 0).all():
            raise UsageError("a rule without weights decides the same everywhere: give w other than 0")
        centre = (np.einsum("md,gyd->mgy", w, self.means) + b[:, None, None]) / spread
        return Cells(centre, (eps * dual_sizes(w, norm))[:, None, None] / spread, spread)

    def losses(self, w: Floats, b: Floats, eps: float, norm: str) -> Floats:
        """Return error, robust error and demographic parity difference of each rule [m, 3]."""
        from scipy.special import ndtr

        cells = self.cells(w, b, eps, norm)
        towards = SIGNS * cells.centre
        error, robust = ((self.joint * ndtr(move - towards)).sum(axis=(1, 2)) for move in (0.0, cells.reach))
        selected = (self.given_group * ndtr(cells.centre)).sum(axis=2)
        return np.stack([error, robust, np.ptp(selected, axis=1)], axis=1)

    def gradients(self, w: Floats, b: Floats, eps: float, norm: str) -> Floats:
        """Return the gradients of `losses` with respect to (w, b), [m, 3, d + 1]; a subgradient at a kink.

        All of them are orthogonal to (w, b), as no metric depends on the scale of a rule.
        """
        from scipy.special import ndtr

        cells = self.cells(w, b, eps, norm)
        spread = cells.spread[..., None]
        turned = np.einsum("gyde,me->mgyd", self.covariance, w) / spread**2
        ones = np.ones((*cells.spread.shape, 1))
        wider = np.concatenate([turned, 0 * ones], axis=-1)
        # derivatives of u and of the reach
        slope = np.concatenate([self.means / spread, ones / spread], axis=-1) - cells.centre[..., None] * wider
        pull = eps * dual_slopes(w, norm)[:, None, None, :] / spread
        pull = np.concatenate([pull, 0 * ones], axis=-1) - cells.reach[..., None] * wider
        towards = SIGNS * cells.centre

        def weighted(weights: Floats, moves: Floats) -> Floats:
            total: Floats = (weights[..., None] * moves).sum(axis=2)
            return total

        signed = SIGNS[:, None] * slope
        error = weighted(self.joint * _density(towards), -signed).sum(axis=1)
        robust = weighted(self.joint * _density(cells.reach - towards), pull - signed).sum(axis=1)
        rising = weighted(self.given_group * _density(cells.centre), slope)
        selected = (self.given_group * ndtr(cells.centre)).sum(axis=2)
        every = np.arange(len(w))
        gap = rising[every, selected.argmax(axis=1)] - rising[every, selected.argmin(axis=1)]
        return np.stack([error, robust, gap], axis=1)


def _density(u: Floats) -> Floats:
    density: Floats = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
    return density


def gaussian_groups(means: ArrayLike, covariance: ArrayLike, pi: ArrayLike, p: ArrayLike) -> GaussianGroups:
    """Return the checked distribution.

    Args:
        means: [G, 2, d], of class 0 and 1 in each group.
        covariance: [d, d], common to all cells, or [G, 2, d, d].
        pi: Shares of the groups [G], which sum to 1.
        p: P(y = 1 | a) [G], in (0, 1).

    Raises:
        UsageError: Shapes that do not fit, shares out of range, a covariance that is not positive definite.
    """
    centres = np.asarray(means, dtype=np.float64)
    if centres.ndim != 3 or centres.shape[1] != 2 or 0 in centres.shape or not np.isfinite(centres).all():
        raise UsageError(f"the means have the shape {centres.shape}: give finite numbers [groups, 2 classes, columns]")
    n_groups, _, d = centres.shape
    given = np.asarray(covariance, dtype=np.float64)
    if given.shape not in ((d, d), (n_groups, 2, d, d)):
        raise UsageError(f"the covariance has the shape {given.shape}: give [{d}, {d}] or [{n_groups}, 2, {d}, {d}]")
    spread = np.broadcast_to(given, (n_groups, 2, d, d))
    if not np.allclose(spread, spread.swapaxes(-1, -2)) or (np.linalg.eigvalsh(spread) <= 0).any():
        raise UsageError("a covariance is not symmetric and positive definite: check its entries")
    shares, rates = np.asarray(pi, dtype=np.float64), np.asarray(p, dtype=np.float64)
    if shares.shape != (n_groups,) or (shares <= 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise UsageError(f"pi is {shares.tolist()}: give {n_groups} shares above 0 that sum to 1")
    if rates.shape != (n_groups,) or (rates <= 0).any() or (rates >= 1).any():
        raise UsageError(f"p is {rates.tolist()}: give {n_groups} rates between 0 and 1, both excluded")
    return GaussianGroups(centres, spread, shares[:, None] * np.stack([1 - rates, rates], axis=1))

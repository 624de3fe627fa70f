"""Gradient descent on the population logistic loss of Gaussian groups, under attack and with a fairness penalty.

Letters: z = w.x + b, s = +-1 the label, rho = eps |w|_q. The loss is (1 - share) E softplus(-s z) + share E
softplus(rho - s z) + penalty w.V w / 2, V the covariance of the groups' mean rows. z is normal in every cell, so its
expectations are one-dimensional; x given z is linear in z (Stein): E x f(z) = mean E f(z) + C w E f'(z).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from efficienttrust.theory._attack_norms import dual_sizes, dual_slopes
from efficienttrust.theory._embedding import Floats
from efficienttrust.theory._gaussian_groups import SIGNS, GaussianGroups

NODES = 48
"""Of the Gauss-Hermite quadrature of each cell."""


def logistic_path(
    world: GaussianGroups,
    settings: Floats,
    eps: float,
    norm: str,
    steps: Sequence[int],
    rate: float,
) -> tuple[Floats, Floats, Floats]:
    """Return rules after numbers of steps from 0: w [k, m, d], b [k, m], and the penalties in use [m].

    Args:
        world: The distribution.
        settings: [m, 2] penalty, in units of the loss's largest curvature over that of V, and share of the attack.
        eps: Size of the attack.
        norm: Norm of the attack.
        steps: k rising numbers of steps.
        rate: Step size in units of 1 / L, L the largest curvature.
    """
    d = world.means.shape[2]
    centres = np.einsum("gy,gyd->gd", world.given_group, world.means)
    shares = world.joint.sum(axis=1)
    apart = centres - shares @ centres
    spread = (shares[:, None] * apart).T @ apart
    curvature, of_gaps = (
        float(np.linalg.eigvalsh(_second_moments(world))[-1]) / 4,
        float(np.linalg.eigvalsh(spread)[-1]),
    )
    penalties = settings[:, 0] * (curvature / of_gaps if of_gaps > 0 else 0.0)
    eta = rate / (curvature + penalties * of_gaps)
    w, b = np.zeros((len(settings), d)), np.zeros(len(settings))
    found_w, found_b, done = [], [], 0
    for count in steps:
        for _ in range(count - done):
            slope_w, slope_b = penalties[:, None] * (w @ spread), np.zeros_like(b)
            for share, size in ((1 - settings[:, 1], 0.0), (settings[:, 1], eps)):
                if share.any():
                    part_w, part_b = _slopes(world, w, b, size, norm)
                    slope_w, slope_b = slope_w + share[:, None] * part_w, slope_b + share * part_b
            w, b = w - eta[:, None] * slope_w, b - eta * slope_b
        done = count
        found_w.append(w)
        found_b.append(b)
    return np.stack(found_w), np.stack(found_b), penalties


def _slopes(world: GaussianGroups, w: Floats, b: Floats, eps: float, norm: str) -> tuple[Floats, Floats]:
    """Return the gradient of E softplus(eps |w|_q - s z) with respect to w [m, d] and b [m]."""
    from scipy.special import expit

    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    turned = np.einsum("gyde,me->mgyd", world.covariance, w)
    spread = np.sqrt(np.einsum("md,mgyd->mgy", w, turned))
    centre = np.einsum("md,gyd->mgy", w, world.means) + b[:, None, None]
    z = centre[..., None] + spread[..., None] * nodes
    at_risk = expit((eps * dual_sizes(w, norm))[:, None, None, None] - SIGNS[:, None] * z)
    risk, bend = (world.joint * (values @ weights) for values in (at_risk, at_risk * (1 - at_risk)))
    signed = -SIGNS * risk
    slope = np.einsum("mgy,gyd->md", signed, world.means) + np.einsum("mgy,mgyd->md", bend, turned)
    return slope + eps * risk.sum(axis=(1, 2))[:, None] * dual_slopes(w, norm), signed.sum(axis=(1, 2))


def _second_moments(world: GaussianGroups) -> Floats:
    """Return E of (x, 1)(x, 1)' [d + 1, d + 1]."""
    lifted = np.concatenate([world.means, np.ones((*world.means.shape[:2], 1))], axis=2)
    moments = np.einsum("gy,gyd,gye->de", world.joint, lifted, lifted)
    moments[:-1, :-1] += np.einsum("gy,gyde->de", world.joint, world.covariance)
    second: Floats = moments
    return second

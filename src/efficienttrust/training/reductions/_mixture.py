"""The best randomised mixture of models in hand, and one scorer in place of a mixture."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression import NetworkScorer, TreeScorer
from efficienttrust.training._rounds import joined

Floats = NDArray[np.float64]


def best_mixture(errors: Floats, gammas: Floats, bound: Floats, price: float) -> Floats:
    """Return the weights of the mixture with the least error, and a price on what it violates.

    This is the saddle point over the convex hull of the models (the linear program inside fairlearn's
    `ExponentiatedGradient`): minimise w · errors + price × the largest excess of w · gammas over the bound, at least 0.

    Args:
        errors: [m] error of each model.
        gammas: [m, C] value of each model on each constraint.
        bound: [C] bounds.
        price: Of a unit of violation.

    Returns:
        [m] weights, >= 0, which sum to 1.
    """
    from scipy.optimize import linprog

    m, constraints = gammas.shape
    excess = np.hstack([gammas.T - bound[:, None], -np.ones((constraints, 1))])
    found = linprog(
        np.append(errors, price),
        A_ub=excess,
        b_ub=np.zeros(constraints),
        A_eq=np.append(np.ones(m), 0.0)[None],
        b_eq=[1.0],
        method="highs-ds",
    )
    weights = np.clip(found.x[:m], 0.0, None)
    return np.asarray(weights / weights.sum())


def blended(scorers: Sequence[NetworkScorer] | Sequence[TreeScorer], weights: Floats) -> NetworkScorer | TreeScorer:
    """Return one scorer whose logit is the weighted mean of those of networks of one shape, or of forests.

    Networks stand side by side in one network as many times as wide; linear models are summed, and stay one.
    """
    first = scorers[0]
    if isinstance(first, TreeScorer):
        return functools.reduce(joined, (_scaled(one, w) for one, w in zip(scorers, weights, strict=True)))
    networks = [one.layers for one in scorers if isinstance(one, NetworkScorer)]
    stacks = [list(zip(*layer, strict=True)) for layer in zip(*networks, strict=True)]
    layers = []
    for depth, (matrices, biases) in enumerate(stacks):
        last, opening = depth == len(stacks) - 1, depth == 0
        if last:
            scaled = [matrix * np.float32(w) for matrix, w in zip(matrices, weights, strict=True)]
            bias = sum(one * np.float32(w) for one, w in zip(biases, weights, strict=True))
            layers.append((sum(scaled) if opening else np.concatenate(scaled), bias))
        else:
            layers.append(
                (np.concatenate(matrices, axis=1) if opening else _diagonal(matrices), np.concatenate(biases))
            )
    return NetworkScorer(tuple(layers))


def _scaled(trees: object, weight: float) -> TreeScorer:
    assert isinstance(trees, TreeScorer)
    return dataclasses.replace(trees, value=trees.value * np.float32(weight), baseline=trees.baseline * weight)


def _diagonal(matrices: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    rows, columns = (sum(matrix.shape[axis] for matrix in matrices) for axis in (0, 1))
    whole = np.zeros((rows, columns), np.float32)
    row = column = 0
    for matrix in matrices:
        whole[row : row + matrix.shape[0], column : column + matrix.shape[1]] = matrix
        row, column = row + matrix.shape[0], column + matrix.shape[1]
    return whole

"""Small worlds that the detector tests share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from efficienttrust.evaluation.ood import Representation, detectors

NAMES = detectors.names()
every_detector = pytest.mark.parametrize("name", NAMES)


@dataclass(frozen=True)
class World:
    """Rows of three classes in d dimensions with a linear last layer, and rows from elsewhere."""

    fit: Representation
    inside: Representation
    outside: Representation
    weight: np.ndarray
    bias: np.ndarray


def make_world(seed: int = 0, n: int = 600, m: int = 300, d: int = 8, dtype: type = np.float64) -> World:
    """Inside rows lie around three orthogonal means; outside rows around the origin, and off the space of the means."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(d, d)))[0]
    means, away = 6 * basis[:3], 4 * basis[3]
    weight, bias = 1.2 * basis[:3].T, np.array([-0.5, 0.3, 0.1])

    def represent(rows: int, spread: np.ndarray, centre: np.ndarray, y: np.ndarray | None) -> Representation:
        x = (centre + rng.normal(size=(rows, d)) @ spread).astype(dtype)
        return Representation(x, (x @ weight + bias).astype(dtype), y)

    spread = basis.T @ np.diag(np.linspace(1.5, 0.3, d)) @ basis
    y = rng.integers(0, 3, (2, max(n, m)))
    fit = represent(n, spread, means[y[0, :n]], y[0, :n])
    inside = represent(m, spread, means[y[1, :m]], y[1, :m])
    return World(fit, inside, represent(m, spread, away, None), weight, bias)

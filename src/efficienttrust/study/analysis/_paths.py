"""Linear structural paths from a treatment T through a mediator M to an outcome Y, from moments by unit.

    M = a T + e_M        Y = c T + b M + e_Y        Y = (c + a b) T + e        all within blocks

Of the moments within blocks everything follows in closed form, so that a bootstrap costs a product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
T, M, TM, Y = range(4)


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over rows, centred within blocks.

    Attributes:
        rows: Number [units].
        products: Of T, M, T × M and Y with each other [units, 4, 4].
        untreated: Sum of M over rows with T = 0, and their number [units, 2].
    """

    rows: Floats
    products: Floats
    untreated: Floats

    def total(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return (products, mean of M at T = 0) where each unit counts so often; counts are [replicates, units]."""
        sums = counts @ self.untreated
        with np.errstate(invalid="ignore"):
            return np.tensordot(counts, self.products, 1), sums[:, 0] / sums[:, 1]


def moments(tightness: Floats, m: Floats, y: Floats) -> Moments:
    """Return the moments by unit.

    Args:
        tightness: T by level; 0 for the unconstrained [levels].
        m: Mediator [units, levels, blocks]; NaN where unknown.
        y: Outcome, likewise.
    """
    known = np.isfinite(m) & np.isfinite(y)
    t = np.broadcast_to(tightness[None, :, None], m.shape)
    m, y = np.where(known, m, 0.0), np.where(known, y, 0.0)
    variables = np.stack([np.where(known, t, 0.0), m, np.where(known, t * m, 0.0), y])
    with np.errstate(invalid="ignore"):
        centred = np.where(known, variables - variables.sum(2, keepdims=True) / known.sum(1)[None, :, None], 0.0)
    free = known & (t == 0)
    untreated = np.stack([np.where(free, m, 0.0).sum((1, 2)), free.sum((1, 2)).astype(float)], axis=1)
    return Moments(known.sum((1, 2)).astype(float), np.einsum("iulb,julb->uij", centred, centred), untreated)


@dataclass(frozen=True, eq=False)
class Paths:
    """Paths by replicate; see `MediationRow`."""

    total: Floats
    direct: Floats
    indirect: Floats
    share: Floats
    to_mediator: Floats
    from_mediator: Floats
    interaction: Floats
    direct_interacting: Floats
    indirect_interacting: Floats
    rho: Floats


def paths(summed: tuple[Floats, Floats]) -> Paths:
    """Return the paths that moments imply; NaN where they do not determine them."""
    s, untreated = summed
    with np.errstate(invalid="ignore", divide="ignore"):
        a, total = s[:, T, M] / s[:, T, T], s[:, T, Y] / s[:, T, T]
        left_m = s[:, M, M] - a * s[:, T, M]
        left_y = s[:, Y, Y] - total * s[:, T, Y]
        both = s[:, M, Y] - a * s[:, T, Y]
        unclear = ~(left_m > 1e-12 * s[:, M, M])
        b = np.where(unclear, np.nan, both / left_m)
        rho = np.where(unclear, np.nan, both / np.sqrt(left_m * left_y))
        c = total - a * b
        full = _solve(s[:, :3, :3], s[:, :3, Y])
        direct = full[:, T] + full[:, TM] * untreated
        indirect = a * (full[:, M] + full[:, TM])
        return Paths(total, c, a * b, a * b / total, a, b, full[:, TM], direct, indirect, rho)


def _solve(a: Floats, r: Floats) -> Floats:
    out = np.full(r.shape, np.nan)
    scale = np.sqrt(np.einsum("rii->ri", a))
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = a / scale[:, :, None] / scale[:, None, :]
    sound = np.isfinite(scaled).all((1, 2))
    sound[sound] = np.linalg.cond(scaled[sound]) < 1e12
    out[sound] = np.linalg.solve(scaled[sound], (r / scale)[sound][:, :, None])[:, :, 0] / scale[sound]
    return out

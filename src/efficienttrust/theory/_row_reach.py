"""How far an attack may move each cell of encoded table rows, in float64, and by how much that moves a linear score.

The twin of `efficienttrust.threats.reach`, which does the same in float32 for attacks. Letters: n rows of d features,
the first p of them numeric; eps the size of the attack in training-set standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from efficienttrust.errors import UsageError
from efficienttrust.theory._embedding import Floats

if TYPE_CHECKING:
    from efficienttrust.data import Domain

WHOLE = 1e-4
"""Share of one unit by which a room of whole units may fall short by rounding, as for attacks."""


@dataclass(frozen=True, eq=False)
class RowReach:
    """Room of the numeric columns of n rows.

    Attributes:
        down: [n, p] how far each cell may fall (>= 0), in whole units where a column counts things.
        up: [n, p] how far each may rise (>= 0).
    """

    down: Floats
    up: Floats


def row_reach(domain: Domain, x: Floats, eps: float) -> RowReach:
    """Return the room of every numeric cell: mutable, not missing, inside the range of train, at most eps.

    Raises:
        UsageError: The rows have another number of columns than the domain.
    """
    if x.shape[1] != domain.n_features:
        raise UsageError(f"the rows have {x.shape[1]} columns and the domain {domain.n_features}: encode them alike")
    numeric = x[:, : len(domain.lower)]
    free = domain.mutable & ~missing_cells(domain, x)
    step = domain.step.astype(np.float64)
    unit = np.where(step > 0, step, 1.0)

    def room(towards: Floats) -> Floats:
        allowed = np.where(free, np.clip(towards, 0.0, eps), 0.0)
        whole: Floats = np.where(step > 0, np.floor(allowed / unit + WHOLE) * unit, allowed)
        return whole

    return RowReach(down=room(numeric - domain.lower), up=room(domain.upper - numeric))


def missing_cells(domain: Domain, x: Floats) -> NDArray[np.bool_]:
    """Return where a numeric cell was missing and holds its fill value, [n, p]."""
    indicated = x[:, np.maximum(domain.indicator, 0)] > 0
    cells: NDArray[np.bool_] = indicated & (domain.indicator >= 0)
    return cells


def score_shift(domain: Domain, x: Floats, signs: Floats, w: Floats, eps: float, norm: str) -> Floats:
    """Return by how much an attack lowers the margin `signs * (x.w)` of each row at most, [n].

    linf: every cell goes as far as it may. l1: the cells with the largest weight first, until eps is spent. l2: cells
    move by min(room, |w| / t) with the t at which their length is eps. Where columns count things, the last two ignore
    that what the ball leaves of the room has to be whole units too; relations between columns are ignored: upper
    bounds.
    """
    reach = row_reach(domain, x, eps)
    weights = w[: reach.down.shape[1]]
    room = np.where((weights > 0) == (signs[:, None] > 0), reach.down, reach.up)
    size = np.abs(weights)
    if norm == "linf":
        shift: Floats = room @ size
        return shift
    if norm == "l1":
        order = np.argsort(-size)
        spent = np.minimum(np.cumsum(room[:, order], axis=1), eps)
        greedy: Floats = np.diff(spent, axis=1, prepend=0.0) @ size[order]
        return greedy
    return _in_ball(room, size, eps)


def _in_ball(room: Floats, size: Floats, eps: float) -> Floats:
    """Return max of size.s over 0 <= s <= room, |s|_2 <= eps, for each row of `room` [n, p].

    At the optimum s = min(room, t size); as t grows, cells fill up in the order of room / size. With the first k full,
    t^2 = (eps^2 - their room^2) / (size^2 of the others); it is right for the first k at which no other cell overflows.
    """
    moving = (size > 0) & (room > 0)
    fills = np.where(moving, room, np.inf) / np.where(moving, size, 1.0)
    order = np.argsort(fills, axis=1)
    full, weights = (np.take_along_axis(np.where(moving, part, 0.0), order, axis=1) for part in (room, size))
    before, gained = (np.pad(np.cumsum(part * full, axis=1), ((0, 0), (1, 0))) for part in (full, weights))
    others = np.pad(np.cumsum((weights**2)[:, ::-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))
    rest = np.maximum(eps**2 - before, 0.0)
    t = np.sqrt(rest / np.where(others > 0, others, np.inf))
    limits = np.pad(np.take_along_axis(fills, order, axis=1), ((0, 0), (0, 1)), constant_values=np.inf)
    first = (t <= limits).argmax(axis=1)[:, None]
    shift: Floats = np.take_along_axis(gained + np.sqrt(rest * others), first, axis=1)[:, 0]
    return shift

"""More and more weights during training, along a cubic curve, with regrowth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._masks import masked_share, masks_of
from efficienttrust.compression.pruning._pruning import PruneStep, Pruning, prunings
from efficienttrust.compression.pruning._schedules import END, Thinning
from efficienttrust.errors import UsageError

UPDATES = 40  # between the start and the end of the thinning


def cubic(start: float, amount: float, updates: int = UPDATES) -> tuple[tuple[float, float], ...]:
    """Return the plan s(t) = s_f + (s_0 - s_f)(1 - t)^3 of Zhu and Gupta 2017, "To prune, or not to prune".

    Args:
        start: s_0, share of zeros at the start.
        amount: s_f, share of zeros at the end.
        updates: Number of updates.

    Returns:
        (share of the training, share of zeros) of each update.
    """
    points = [(k + 1) / updates for k in range(updates)]
    return tuple((END * point, amount + (start - amount) * (1.0 - point) ** 3) for point in points)


def _apply(piece: Workpiece, step: PruneStep, _sample: NDArray[np.float32], _seed: int) -> None:
    masks = masks_of(piece)
    start = masked_share(masks.values())
    plan = cubic(start, max(start, step.amount))
    piece.projection.schedules.append(Thinning(masks, plan, step.options["regrow"]))


def _check(options: Mapping[str, float], what: str) -> None:
    if not 0.0 <= options["regrow"] < 1.0:
        raise UsageError(f"{what}: regrow={options['regrow']:g} is a share of the active weights: 0 or more, below 1")


prunings.register("gradual")(
    Pruning(
        "gradual",
        "Weights go along a cubic curve while training (Zhu and Gupta 2017), and some grow again by their gradient "
        "(Evci et al. 2020).",
        _apply,
        needs_training=True,
        options={"regrow": 0.3},
        check=_check,
    )
)

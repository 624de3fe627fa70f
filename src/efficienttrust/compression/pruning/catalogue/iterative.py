"""A few rounds of pruning during training, each of which takes the same share of what is left."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._masks import masked_share, masks_of
from efficienttrust.compression.pruning._pruning import PruneStep, Pruning, prunings
from efficienttrust.compression.pruning._schedules import END, Thinning
from efficienttrust.errors import UsageError

MOST_ROUNDS = 100


def geometric(start: float, amount: float, rounds: int) -> tuple[tuple[float, float], ...]:
    """Return rounds at equal distances, (share of the training, share of zeros): what is kept falls geometrically."""
    kept, wanted = 1.0 - start, 1.0 - amount
    shares = [1.0 - kept * (wanted / kept) ** (k / rounds) for k in range(1, rounds)]
    return tuple(zip([END * k / rounds for k in range(1, rounds + 1)], [*shares, amount], strict=True))


def _apply(piece: Workpiece, step: PruneStep, _sample: NDArray[np.float32], _seed: int) -> None:
    masks = masks_of(piece)
    start = masked_share(masks.values())
    plan = geometric(start, max(start, step.amount), int(step.options["rounds"]))
    piece.projection.schedules.append(Thinning(masks, plan))


def _check(options: Mapping[str, float], what: str) -> None:
    rounds = options["rounds"]
    if rounds != rounds // 1 or not 1 <= rounds <= MOST_ROUNDS:
        raise UsageError(f"{what}: rounds={rounds:g} is not a whole number from 1 to {MOST_ROUNDS}")


prunings.register("iterative")(
    Pruning(
        "iterative",
        "Weights go in a few rounds while training, the smallest first (Han et al. 2015).",
        _apply,
        needs_training=True,
        options={"rounds": 3.0},
        check=_check,
    )
)

"""The widths of an mlp: a short menu, where rows make it start, and how many steps of each a budget buys.

A network that is too wide for its budget is not trained at all: in the same time a narrower one takes several times as
many steps (Adult at 0.75 s of CPU: 87 steps of 256-128 against 301 of 64-32, and more than a point of accuracy).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from efficienttrust.models import MLP, build_mlp
from efficienttrust.resources import Ledger
from efficienttrust.training._batches import batch_size_for

MENU: tuple[tuple[int, ...], ...] = ((256, 128), (128, 64), (64, 32), (32, 16), (16,), ())
ROWS_FOR = ((8000, 0), (2000, 1), (0, 2))  # training rows from which a position of the menu is the widest sensible one
NARROW_ENOUGH = MENU.index((64, 32))  # the narrowest that is chosen for being cheap
STEPS_WANTED = 1000  # of a width: with fewer, a narrower one learns more in the same time
TRAINING_SHARE = 0.6  # of what is left: the rest goes into looks, calibration and export
TIMED, WARM_UP = 4, 2
ATTACKED_STEP = 1.5  # a step with half of its batch attacked, in plain steps
FORWARD_PASSES = 3.0  # of a plain step


def first_width(n_train: int) -> int:
    """Return the position in the menu of the widest layers that so many training rows justify."""
    return next(position for rows, position in ROWS_FOR if n_train >= rows)


def too_wide(position: int, steps: float) -> bool:
    """Return whether a width is passed over, as a budget buys so few steps of it."""
    return position < NARROW_ENOUGH and steps < STEPS_WANTED


def affordable_steps(n_train: int, ledger: Ledger, *, robust: bool, trainings: int = 1) -> Callable[[MLP], float]:
    """Return what tells how many steps of a network the rest of a budget buys; infinitely many where it is counted.

    A wide network is only timed if the budget buys enough steps of the narrowest one that is chosen for being cheap:
    else it buys too few of any, and that number bounds those of the wide ones from above.

    Args:
        n_train: Number of training rows.
        ledger: The account; timing a few steps is charged to the phase that is open.
        robust: Whether a part of each batch will be attacked.
        trainings: How many trainings share what is left.
    """
    size = min(batch_size_for(n_train), n_train)
    factor = (ATTACKED_STEP if robust else 1.0) * trainings
    narrow: list[float] = []

    def bought(network: MLP) -> float:
        left = ledger.remaining()
        flops = FORWARD_PASSES * size * network.flops_per_row()
        each = flops if ledger.clock == "flops" else _timed(network, size, ledger)
        return TRAINING_SHARE * left / (factor * each)

    def steps(network: MLP) -> float:
        if not math.isfinite(ledger.remaining()) or ledger.clock in ("steps", "samples"):
            return math.inf
        if not narrow:
            narrow.append(bought(build_mlp(n_features=network.n_features, widths=MENU[NARROW_ENOUGH], seed=0)))
        return narrow[0] if narrow[0] < STEPS_WANTED else bought(network)

    return steps


def _timed(network: MLP, size: int, ledger: Ledger) -> float:
    x, gradient = torch.zeros(size, network.n_features), torch.zeros(size)
    for _ in range(WARM_UP):
        network.write_gradients(network.activations(x), gradient)
    before = ledger.used()
    for _ in range(TIMED):
        network.write_gradients(network.activations(x), gradient)
    return max((ledger.used() - before) / TIMED, 1e-7)

"""A state as numbers of about [-1, 1], for policies that are networks, and as a table for people."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._dials import ATTACKS, DIALS
from efficienttrust.atats._state import TrustState

Read = Callable[[TrustState], float]


def _log(value: float, scale: float, low: float = -1.0) -> float:
    if math.isnan(value):
        return 0.0
    return min(max(math.log10(max(value, 1e-9)) / scale, low), 1.0)


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else min(max(value, -1.0), 1.0)


def _dial(name: str, low: float, high: float, factor: float) -> Read:
    def read(state: TrustState) -> float:
        value = float(getattr(state.dials, name))
        return value / (1.0 + value) if factor > 1 else (value - low) / (high - low)

    return read


def _gap(lever: str, name: str) -> Read:
    def read(state: TrustState) -> float:
        worst = state.worst(lever, "calibrated_gap")
        return 0.0 if worst is None else math.tanh(10.0 * float(getattr(worst, name)))

    return read


FIELDS: tuple[tuple[str, str, Read], ...] = (
    ("progress", "share of the training horizon used", lambda s: s.progress),
    ("budget_used", "share of the whole budget used, at most 2", lambda s: min(s.budget_used, 2.0)),
    ("memory_used", "share of the limit on memory used; 0 without one", lambda s: min(s.spent.get("memory", 0.0), 2.0)),
    ("utility", "accuracy before calibration", lambda s: s.utility),
    ("calibrated_utility", "accuracy after virtual calibration", lambda s: s.calibrated_utility),
    ("loss", "log10 of the training loss, halved; a loss that is no number counts as huge",
     lambda s: 1.0 if math.isnan(s.loss) else _log(s.loss, 2.0)),
    ("adversarial_cost", "log2 of the cost of an adversarial step over a plain one, over 3",
     lambda s: min(max(math.log2(max(s.adversarial_cost_ratio, 1.0)) / 3.0, 0.0), 1.0)),
    ("monitor_cost", "log10 of the cost of a look over a plain step, over 4",
     lambda s: _log(max(s.monitor_cost_ratio, 1.0), 4.0)),
    ("step_cost", "log2 of the cost of a step at these dials over a plain one, over 3",
     lambda s: min(max(math.log2(max(s.step_cost_ratio, 1.0)) / 3.0, 0.0), 1.0)),
    ("overfitting", "FGSM accuracy minus PGD accuracy", lambda s: _known(s.overfitting)),
    ("generalisation_gap", "accuracy on training rows minus on monitor rows; 0 unknown",
     lambda s: _known(s.generalisation_gap)),
    ("zeros", "share of weights that are zero as deployed", lambda s: s.sparsity),
    *((dial.name, f"dial: {dial.what}", _dial(dial.name, dial.low, dial.high, dial.factor)) for dial in DIALS),
    *((f"attack_{name}", f"1 while {name} is the attack of training, else 0",
       lambda s, name=name: float(s.dials.attack == name)) for name in ATTACKS[1:]),
    *((f"{lever}_{name}", f"tanh of ten times the {name.replace('_', ' ')} of the worst {lever} target; 0 without one",
       _gap(lever, name))
      for lever in ("fairness", "robustness")
      for name in ("gap", "half_width", "smoothed_gap", "slope", "calibrated_gap")),
    *((f"log_{name}", f"log10 of {name}, halved; 0 unknown",
       lambda s, name=name: _log(float(getattr(s.landscape, name)), 2.0))
      for name in ("loss_utility", "loss_fairness", "loss_robust", "norm_utility", "norm_fairness", "norm_robust",
                   "sharpness")),
    ("cosine_fairness", "cosine of the gradients of loss and penalty; 0 unknown",
     lambda s: _known(s.landscape.cosine_fairness)),
    ("cosine_robust", "cosine of the gradients of the losses on rows as they are and attacked; 0 unknown",
     lambda s: _known(s.landscape.cosine_robust)),
)  # fmt: skip
"""(name, meaning, how it is read), in the order of the vector; another order is another `STATE_VERSION`."""


def vector_of(state: TrustState) -> NDArray[np.float64]:
    """Return a state as [len(FIELDS)] finite numbers; the layout is that of `STATE_VERSION`."""
    return np.array([read(state) for _, _, read in FIELDS], dtype=np.float64)

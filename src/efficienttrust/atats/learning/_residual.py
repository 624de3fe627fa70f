"""The residual: a bounded correction of what `plan` asks for, so that the worst network is still close to `plan`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._dials import OF_NAME
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState
from efficienttrust.atats._vector import FIELDS, vector_of

MOST_SHARE = 0.25  # of the adversarial share, per decision
MOST_LOG_LAMBDA = 0.4  # of the logarithm of lambda_F, per decision

READS = (
    "progress",
    "utility",
    "calibrated_utility",
    "adversarial_cost",
    "lambda_fair",
    "adversarial_share",
    "next_monitor_in",
    *(
        f"{lever}_{name}"
        for lever in ("fairness", "robustness")
        for name in ("gap", "half_width", "smoothed_gap", "slope", "calibrated_gap")
    ),
)
"""Fields of the vector that the network reads: those that mean the same in a micro-task and in a real run."""

_PLACES = [[name for name, _, _ in FIELDS].index(name) for name in READS]


def reading_of(state: TrustState) -> NDArray[np.float64]:
    """Return the fields that the network reads, [len(READS)]."""
    return vector_of(state)[_PLACES]


def corrected(base: TrustAction, state: TrustState, correction: Sequence[float]) -> TrustAction:
    """Return an action with the correction applied, each dial only where a target of the state calls for it.

    Args:
        base: What `plan` asks for.
        state: What it saw.
        correction: Two numbers in [-1, 1] (clipped): of the adversarial share, in units of `MOST_SHARE`, and of the
            logarithm of lambda_F, in units of `MOST_LOG_LAMBDA`.
    """
    of_share, of_lambda = (min(max(float(value), -1.0), 1.0) for value in correction)
    reasons = dict(base.reasons)
    share, weight = base.adversarial_share, base.lambda_fair
    if state.worst("robustness", "calibrated_gap") is not None:
        share = min(max(share + MOST_SHARE * of_share, 0.0), 1.0)
        reasons["adversarial_share"] = _and(reasons.get("adversarial_share"), f"{MOST_SHARE * of_share:+.3f}")
    if state.worst("fairness", "calibrated_gap") is not None:
        factor = math.exp(MOST_LOG_LAMBDA * of_lambda)
        weight = min(weight * factor, OF_NAME["lambda_fair"].high)
        reasons["lambda_fair"] = _and(reasons.get("lambda_fair"), f"× {factor:.3f}")
    return dataclasses.replace(base, adversarial_share=share, lambda_fair=weight, reasons=reasons)


def _and(said: str | None, correction: str) -> str:
    return "; ".join(filter(None, (said, f"learned correction of plan {correction}")))


class Residual:
    """The policy `plan` with a correction that somebody sets before every decision.

    Attributes:
        correction: See `corrected`; none to begin with.
    """

    name = "residual"

    def __init__(self) -> None:
        self._plan = policies.get("plan")()
        self.correction: Sequence[float] = (0.0, 0.0)

    def reset(self, plan: Plan) -> TrustAction:
        """Start as `plan` does."""
        self.correction = (0.0, 0.0)
        return self._plan.reset(plan)

    def act(self, state: TrustState) -> TrustAction:
        """Return what `plan` asks for, corrected."""
        return corrected(self._plan.act(state), state, self.correction)

    def state_dict(self) -> dict[str, float]:
        """Return the state of `plan`."""
        return self._plan.state_dict()

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the state of `plan`."""
        self._plan.load_state_dict(state)

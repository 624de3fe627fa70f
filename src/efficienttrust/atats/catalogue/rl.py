"""The learned policy: `plan`, corrected by a small network that was trained on micro-tasks (`atats.learning`).

The correction is bounded at every decision, so the policy cannot be far from `plan`; where the network has nothing to
say, because what it reads lies outside of its training or its answer is not a number, `plan` decides alone and the
record says why. The file of weights that comes with the package holds how it was trained; another is made by
`efficienttrust policy train`. It is read by numpy alone.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState
from efficienttrust.atats.learning import corrected, load_network, reading_of, shipped_weights


@policies.register("rl")
class Learned:
    """`plan` with a learned correction: the adversarial share by at most ± 0.25, lambda_F by at most a factor of 1.5.

    Args:
        weights: A file of weights; by default the one that comes with the package.

    Attributes:
        fallen_back: Decisions left to `plan` because the network had nothing to say.

    Raises:
        UsageError: No such file, or one that was trained on another layout of the state.
    """

    name = "rl"

    def __init__(self, weights: str = "") -> None:
        self.weights = weights
        self._network = load_network(Path(weights) if weights else shipped_weights())
        self._plan = policies.get("plan")()
        self.fallen_back = 0

    def reset(self, plan: Plan) -> TrustAction:
        """Start as `plan` does."""
        self.fallen_back = 0
        return self._plan.reset(plan)

    def act(self, state: TrustState) -> TrustAction:
        """Return what `plan` asks for, corrected; uncorrected, with a reason `policy`, where the network is silent."""
        base, reading = self._plan.act(state), reading_of(state)
        why = self._network.strange(reading)
        correction = np.zeros(2) if why else self._network.correction(reading)
        if not why and not np.isfinite(correction).all():
            why = "the network answered with what is not a number"
        if why:
            self.fallen_back += 1
            return dataclasses.replace(base, reasons={**base.reasons, "policy": f"plan decides alone: {why}"})
        return corrected(base, state, correction.tolist())

    def state_dict(self) -> dict[str, float]:
        """Return the state of `plan`, and how often it decided alone."""
        return {**self._plan.state_dict(), "fallen_back": float(self.fallen_back)}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        self._plan.load_state_dict(state)
        self.fallen_back = int(state["fallen_back"])

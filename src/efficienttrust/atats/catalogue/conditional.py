"""One network for all settings: which settings it trains on is what is scheduled."""

from __future__ import annotations

import dataclasses

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState
from efficienttrust.atats.catalogue.plan import PlannedControl
from efficienttrust.errors import UsageError


@policies.register("conditional")
class Conditional:
    """Draws lambda_F and q anew for every batch: anywhere at first, then more and more near where `plan` would be.

    The network is told what was drawn. After training its settings are surveyed, and the best are candidates.

    Args:
        wide: Share of training, in [0, 1], in which all draws are anywhere in the range.
        least: Share of draws that stay so to the end, in [0, 1].
    """

    name = "conditional"
    conditional = True

    def __init__(self, wide: float = 0.3, least: float = 0.3) -> None:
        if not (0 <= wide <= 1 and 0 <= least <= 1):
            raise UsageError(f"conditional policy: wide={wide} and least={least} must be in [0, 1]")
        self.wide, self.least = wide, least
        self._centre = PlannedControl()

    def reset(self, plan: Plan) -> TrustAction:
        """Start with draws anywhere; the centre is where `plan` starts."""
        return dataclasses.replace(self._centre.reset(plan), spread=1.0)

    def act(self, state: TrustState) -> TrustAction:
        """Move the centre as `plan` does, and draw nearer to it."""
        fall = max(state.progress - self.wide, 0.0) / max(1.0 - self.wide, 1e-9)
        spread = 1.0 - (1.0 - self.least) * fall
        wanted = self._centre.act(state)
        reasons = {**wanted.reasons, "spread": f"{state.progress:.0%} of training"}
        return dataclasses.replace(wanted, spread=spread, reasons=reasons)

    def state_dict(self) -> dict[str, float]:
        """Return the state of the centre."""
        return self._centre.state_dict()

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        self._centre.load_state_dict(state)

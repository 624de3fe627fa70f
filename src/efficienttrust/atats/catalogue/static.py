"""Fixed dials from the first step to the last: the baseline that every adaptive policy has to beat."""

from __future__ import annotations

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._projector import DialLimits
from efficienttrust.atats._state import TrustState
from efficienttrust.errors import UsageError


@policies.register("static")
class Static:
    """Never changes a dial; one that no target of the run calls for stays at zero.

    Args:
        lambda_fair: Weight of the fairness penalty, from 0 to what the projector allows.
        adversarial_share: Adversarial share of the batch, in [0, 1].
    """

    name = "static"

    def __init__(self, lambda_fair: float = 0.25, adversarial_share: float = 0.5) -> None:
        most = DialLimits().lambda_max
        if not (0 <= lambda_fair <= most and 0 <= adversarial_share <= 1):
            raise UsageError(
                f"static policy: lambda_fair={lambda_fair} must be in [0, {most:g}] and "
                f"adversarial_share={adversarial_share} in [0, 1]"
            )
        self.lambda_fair, self.adversarial_share = lambda_fair, adversarial_share
        self._action = TrustAction()

    def reset(self, plan: Plan) -> TrustAction:
        """Return the fixed dials."""
        self._action = TrustAction(
            lambda_fair=self.lambda_fair if plan.start_lambda else 0.0,
            adversarial_share=self.adversarial_share if plan.adversarial_start < 1 else 0.0,
            augmentation=plan.augmentation,
            next_monitor_in=plan.interval,
        )
        return self._action

    def act(self, state: TrustState) -> TrustAction:
        """Return the fixed dials."""
        return self._action

    def state_dict(self) -> dict[str, float]:
        """Return nothing: there is no state."""
        return {}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Do nothing: there is no state."""

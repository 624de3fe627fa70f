"""Fixed dials from the first step to the last: the baseline that every adaptive policy has to beat."""

from __future__ import annotations

import math
from typing import Any

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._dials import ATTACKS, OF_NAME
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState
from efficienttrust.errors import UsageError, unknown_name


@policies.register("static")
class Static:
    """Never changes a dial; one that no target of the run calls for stays neutral.

    Args:
        lambda_fair: Weight of the fairness penalty.
        adversarial_share: Adversarial share of the batch.
        reweighing: Exponent of the weights that make group and label independent.
        fair_batch: Step of FairBatch.
        group_dro: Step of GroupDRO.
        debias: Weight of the adversary that reads the group off the score.
        trades: beta of TRADES on the attacked share.
        attack_steps: Steps of `pgd`; replays of `free`.
        sparsity: Share of weights held at zero.
        attack: `n_fgsm`, `pgd`, `free` or `noise`.

    Raises:
        UsageError: A setting is outside of the range of its dial.
    """

    name = "static"

    def __init__(
        self,
        lambda_fair: float = 0.25,
        adversarial_share: float = 0.5,
        reweighing: float = 0.0,
        fair_batch: float = 0.0,
        group_dro: float = 0.0,
        debias: float = 0.0,
        trades: float = 0.0,
        attack_steps: float = TrustAction.attack_steps,
        sparsity: float = 0.0,
        attack: str = TrustAction.attack,
    ) -> None:
        self.settings = {
            "lambda_fair": lambda_fair, "adversarial_share": adversarial_share, "reweighing": reweighing,
            "fair_batch": fair_batch, "group_dro": group_dro, "debias": debias, "trades": trades,
            "attack_steps": attack_steps, "sparsity": sparsity,
        }  # fmt: skip
        for name, value in self.settings.items():
            dial = OF_NAME[name]
            if not (math.isfinite(value) and dial.low <= value <= dial.high):
                raise UsageError(f"static policy: {name}={value} must be in [{dial.low:g}, {dial.high:g}]")
        if attack not in ATTACKS:
            raise unknown_name("attack of the static policy", attack, ATTACKS)
        self.attack = attack
        self._action = TrustAction()

    def reset(self, plan: Plan) -> TrustAction:
        """Return the fixed dials."""
        called = {"fairness": plan.start_lambda > 0, "robustness": plan.adversarial_start < 1, "none": True}
        kept: dict[str, Any] = {name: value for name, value in self.settings.items() if called[OF_NAME[name].lever]}
        self._action = TrustAction(
            **kept, attack=self.attack, augmentation=plan.augmentation, next_monitor_in=plan.interval
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

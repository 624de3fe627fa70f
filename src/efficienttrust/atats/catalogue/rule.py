"""Readable rules: rise fast while a target is violated, fall slowly once it is met (AIMD)."""

from __future__ import annotations

import dataclasses

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._augmentation import steered_augmentation
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState

WARM_UP = 0.08  # of the horizon: nothing is decided on an untrained network
SHARE_RISE = 0.25
SHARE_FALL = 0.85
SHARE_FLOOR = 0.1  # after adversarial training has started: networks forget
LAMBDA_RISE = 1.5
LAMBDA_FALL = 0.8
FINAL_STRETCH = 0.85  # past it a thin margin keeps the share at FINAL_SHARE
FINAL_SHARE = 0.5


@policies.register("rule")
class Rule:
    """Violated: q + 0.25, lambda_F × 1.5. Met: q × 0.85, lambda_F × 0.8. Drives the hard, uncalibrated metrics."""

    name = "rule"

    def __init__(self) -> None:
        self._plan: Plan | None = None
        self._action = TrustAction()

    def reset(self, plan: Plan) -> TrustAction:
        """Start with a low penalty and without attack."""
        self._plan = plan
        self._action = TrustAction(
            lambda_fair=0.1 if plan.start_lambda else 0.0, attack=plan.attack, augmentation=plan.augmentation,
            next_monitor_in=plan.interval,
        )  # fmt: skip
        return self._action

    def act(self, state: TrustState) -> TrustAction:
        """Apply the rules to the worst fairness and the worst robustness target."""
        if state.progress < WARM_UP:
            return self._action
        reasons: dict[str, str] = {}
        weight, share = state.dials.lambda_fair, state.dials.adversarial_share
        fairness, robustness = state.worst("fairness", "smoothed_gap"), state.worst("robustness", "smoothed_gap")
        if fairness is not None:
            violated = fairness.smoothed_gap > 0
            weight = max(weight, 0.1) * LAMBDA_RISE if violated else weight * LAMBDA_FALL
            reasons["lambda_fair"] = (
                f"{fairness.key} {'violates' if violated else 'meets'} its target by {abs(fairness.smoothed_gap):.3f}"
            )
        if robustness is not None:
            margin = robustness.half_width
            violated = robustness.smoothed_gap + margin > 0
            if violated:
                share += SHARE_RISE
            elif share > 0:
                share = max(share * SHARE_FALL, SHARE_FLOOR)
            if state.progress > FINAL_STRETCH and abs(robustness.smoothed_gap) < 2 * margin:
                share = max(share, FINAL_SHARE)
            reasons["adversarial_share"] = (
                f"{robustness.key} {'misses' if violated else 'has'} its margin of {margin:.3f} "
                f"(gap {robustness.smoothed_gap:+.3f})"
            )
        strength, reasons["augmentation"] = steered_augmentation(state)
        self._action = dataclasses.replace(
            self._action, lambda_fair=weight, adversarial_share=min(share, 1.0), augmentation=strength, reasons=reasons
        )
        return self._action

    def state_dict(self) -> dict[str, float]:
        """Return the dials."""
        return {"lambda_fair": self._action.lambda_fair, "adversarial_share": self._action.adversarial_share}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the dials of a checkpoint."""
        self._action = dataclasses.replace(
            self._action, lambda_fair=state["lambda_fair"], adversarial_share=state["adversarial_share"]
        )

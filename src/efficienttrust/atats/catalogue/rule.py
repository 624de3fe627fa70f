"""Readable rules: rise fast while a target is violated, fall slowly once it is met (AIMD).

    before `warm_up` of training:                nothing is decided on an untrained network
    worst fairness target violated:              lambda_F x `lambda_rise`, from at least `lambda_start`
                           met:                  lambda_F x `lambda_fall`
    worst robustness target, with a margin of one standard error,
                           violated:             q + `share_rise`
                           met:                  q x `share_fall`, not below `share_floor` once attacked
    after `final_stretch`, within two errors:    q at least `final_share`

It drives the hard, uncalibrated metrics.
"""

from __future__ import annotations

import dataclasses
import math

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._augmentation import steered_augmentation
from efficienttrust.atats._planner import Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState
from efficienttrust.errors import UsageError


@policies.register("rule")
class Rule:
    """Violated: q + 0.25, lambda_F × 1.5. Met: q × 0.85, lambda_F × 0.8. Every threshold is an option.

    Args:
        share_rise: What is added to the adversarial share, in [0, 1]; a decision moves it by at most 0.25.
        share_fall: Factor on it, in [0, 1].
        share_floor: Least share after adversarial training has started, in [0, 1]: networks forget.
        lambda_start: Penalty to start from, and least one that rises, in [0, 10].
        lambda_rise: Factor on the penalty, >= 1; a decision moves it by at most a factor of 1.5.
        lambda_fall: Factor on it, in [0, 1].
        warm_up: Share of training without decisions, in [0, 1].
        final_stretch: Share of training after which a thin margin keeps the share at `final_share`, in [0, 1].
        final_share: That share, in [0, 1].

    Raises:
        UsageError: An option is out of its range.
    """

    name = "rule"

    def __init__(
        self,
        share_rise: float = 0.25,
        share_fall: float = 0.85,
        share_floor: float = 0.1,
        lambda_start: float = 0.1,
        lambda_rise: float = 1.5,
        lambda_fall: float = 0.8,
        warm_up: float = 0.08,
        final_stretch: float = 0.85,
        final_share: float = 0.5,
    ) -> None:
        for option, value, low, high in (
            ("share_rise", share_rise, 0.0, 1.0),
            ("share_fall", share_fall, 0.0, 1.0),
            ("share_floor", share_floor, 0.0, 1.0),
            ("lambda_start", lambda_start, 0.0, 10.0),
            ("lambda_rise", lambda_rise, 1.0, math.inf),
            ("lambda_fall", lambda_fall, 0.0, 1.0),
            ("warm_up", warm_up, 0.0, 1.0),
            ("final_stretch", final_stretch, 0.0, 1.0),
            ("final_share", final_share, 0.0, 1.0),
        ):
            if not low <= value <= high:
                allowed = f"at least {low:g}" if math.isinf(high) else f"in [{low:g}, {high:g}]"
                raise UsageError(f"rule policy: {option}={value} must be {allowed}")
        self.share_rise, self.share_fall, self.share_floor = share_rise, share_fall, share_floor
        self.lambda_start, self.lambda_rise, self.lambda_fall = lambda_start, lambda_rise, lambda_fall
        self.warm_up, self.final_stretch, self.final_share = warm_up, final_stretch, final_share
        self._action = TrustAction()

    def reset(self, plan: Plan) -> TrustAction:
        """Start with a low penalty and without attack."""
        self._action = TrustAction(
            lambda_fair=self.lambda_start if plan.start_lambda else 0.0,
            attack=plan.attack,
            augmentation=plan.augmentation,
            next_monitor_in=plan.interval,
        )
        return self._action

    def act(self, state: TrustState) -> TrustAction:
        """Apply the rules to the worst fairness and the worst robustness target."""
        if state.progress < self.warm_up:
            return self._action
        reasons: dict[str, str] = {}
        weight, share = state.dials.lambda_fair, state.dials.adversarial_share
        fairness, robustness = state.worst("fairness", "smoothed_gap"), state.worst("robustness", "smoothed_gap")
        if fairness is not None:
            violated = fairness.smoothed_gap > 0
            weight = max(weight, self.lambda_start) * self.lambda_rise if violated else weight * self.lambda_fall
            reasons["lambda_fair"] = (
                f"{fairness.key} {'violates' if violated else 'meets'} its target by {abs(fairness.smoothed_gap):.3f}"
            )
        if robustness is not None:
            margin = robustness.half_width
            violated = robustness.smoothed_gap + margin > 0
            if violated:
                share += self.share_rise
            elif share > 0:
                share = max(share * self.share_fall, self.share_floor)
            if state.progress > self.final_stretch and abs(robustness.smoothed_gap) < 2 * margin:
                share = max(share, self.final_share)
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

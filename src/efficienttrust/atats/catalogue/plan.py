"""The default: low-gain control of the metrics *as they will be deployed*, on the planner's schedule.

Differs from `pid` in four ways. It follows the virtually calibrated gaps for robustness, since thresholds move margins;
it aims fairness in training at a looser bound, where calibration is cheap; adversarial training starts when the planner
says; and its gains are low, because few noisy decisions at a high gain are worse than a good constant.
"""

from __future__ import annotations

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._augmentation import steered_augmentation
from efficienttrust.atats._nupi import NuPI, check_gains
from efficienttrust.atats._planner import DECISIONS_WANTED, Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState

LAMBDA_GAIN = 0.15  # per relative error: the gap over the tolerance
LEAST_TOLERANCE = 0.02  # a smaller one is not taken as the unit of the gap
SHARE_GAIN = 2.0
SHARE_FLOOR = 0.25  # after the start of adversarial training: networks forget


@policies.register("plan")
class PlannedControl:
    """Plan, then control with low gain.

    Args:
        gain: Factor on all gains, >= 0.
        nu: Memory of the error, in (-1, 1).
    """

    name = "plan"

    def __init__(self, gain: float = 1.0, nu: float = 0.5) -> None:
        check_gains(self.name, gain, nu)
        self.gain, self.nu = gain, nu
        self._plan: Plan | None = None
        self._fair = NuPI(0.0, 0.0, 0.0)
        self._robust = NuPI(0.0, 0.0, 0.0)
        self._augmentation = 1.0

    def reset(self, plan: Plan) -> TrustAction:
        """Take the plan: warm start of the penalty, attack from the planned moment on."""
        self._plan = plan
        self._augmentation = plan.augmentation
        scale = self.gain * DECISIONS_WANTED / plan.decisions
        start_lambda = 0.0 if plan.left_to_calibration else plan.start_lambda
        self._fair = NuPI(start_lambda, LAMBDA_GAIN * scale, LAMBDA_GAIN * self.gain, self.nu, high=10.0)
        self._robust = NuPI(plan.start_share, SHARE_GAIN * scale, SHARE_GAIN * self.gain, self.nu, low=SHARE_FLOOR)
        return self._action(0.0, {})

    def act(self, state: TrustState) -> TrustAction:
        """Move both dials a little towards what the calibrated metrics need."""
        assert self._plan is not None, "reset comes first"
        reasons = {}
        fairness, robustness = state.worst("fairness", "calibrated_gap"), state.worst("robustness", "calibrated_gap")
        if fairness is not None:
            slack = self._plan.fairness_slack
            loosened = fairness.smoothed_gap - (slack - 1.0) * fairness.tolerance
            self._fair.dial = state.dials.lambda_fair
            self._fair.update(loosened / max(fairness.tolerance, LEAST_TOLERANCE))
            reasons["lambda_fair"] = (
                f"{fairness.key} {loosened:+.3f} from {slack:.1f} × its tolerance before calibration"
            )
        if robustness is not None and state.progress >= self._plan.adversarial_start:
            if state.dials.adversarial_share == 0.0:
                reasons["adversarial_share"] = f"planned start at {self._plan.adversarial_start:.0%} of training"
            else:
                error = robustness.calibrated_gap + robustness.half_width
                self._robust.dial = max(state.dials.adversarial_share, SHARE_FLOOR)
                self._robust.update(error)
                reasons["adversarial_share"] = f"{robustness.key} after calibration, with margin: gap {error:+.3f}"
        self._augmentation, why = steered_augmentation(state)
        reasons["augmentation"] = why
        return self._action(state.progress, reasons)

    def state_dict(self) -> dict[str, float]:
        """Return the state of both controllers."""
        return {**self._fair.state_dict("fair"), **self._robust.state_dict("robust")}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        self._fair.load_state_dict("fair", state)
        self._robust.load_state_dict("robust", state)

    def _action(self, progress: float, reasons: dict[str, str]) -> TrustAction:
        assert self._plan is not None, "reset comes first"
        started = progress >= self._plan.adversarial_start and self._plan.adversarial_start < 1.0
        until_start = self._plan.adversarial_start - progress
        interval = self._plan.interval
        if 0 < until_start < interval:
            interval = until_start + 1e-6  # look exactly when the attack is due
        return TrustAction(
            lambda_fair=self._fair.dial,
            adversarial_share=self._robust.dial if started else 0.0,
            attack=self._plan.attack,
            augmentation=self._augmentation,
            next_monitor_in=interval,
            reasons=reasons,
        )

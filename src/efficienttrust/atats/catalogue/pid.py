"""A nuPI controller per lever, driven by the hard metrics as they are now (no planning, no virtual calibration)."""

from __future__ import annotations

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._augmentation import steered_augmentation
from efficienttrust.atats._nupi import NuPI, check_gains
from efficienttrust.atats._planner import DECISIONS_WANTED, Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState

START_LAMBDA, START_SHARE = 0.15, 0.5
LAMBDA_GAIN = 1.0  # dial per unit of error and decision, at DECISIONS_WANTED decisions a run
SHARE_GAIN = 4.0


@policies.register("pid")
class PID:
    """Closes the gap of the worst fairness target with lambda_F and of the worst robustness target with q.

    Args:
        gain: Factor on all gains, >= 0.
        nu: Memory of the error, in (-1, 1).
    """

    name = "pid"

    def __init__(self, gain: float = 1.0, nu: float = 0.5) -> None:
        check_gains(self.name, gain, nu)
        self.gain, self.nu = gain, nu
        self._interval, self._attack = 0.05, "n_fgsm"
        self._fair = NuPI(0.0, 0.0, 0.0)
        self._robust = NuPI(0.0, 0.0, 0.0)
        self._augmentation = 1.0

    def reset(self, plan: Plan) -> TrustAction:
        """Start both controllers; fewer decisions a run get a larger integral gain each."""
        scale = self.gain * DECISIONS_WANTED / plan.decisions
        self._interval, self._attack, self._augmentation = plan.interval, plan.attack, plan.augmentation
        start_share = START_SHARE if plan.adversarial_start < 1 else 0.0
        self._fair = NuPI(
            START_LAMBDA if plan.start_lambda else 0.0, LAMBDA_GAIN * scale, LAMBDA_GAIN * self.gain, self.nu, high=10.0
        )
        self._robust = NuPI(start_share, SHARE_GAIN * scale, SHARE_GAIN * self.gain, self.nu)
        return self._action({})

    def act(self, state: TrustState) -> TrustAction:
        """Update both controllers with the hard gaps; the robust target keeps one standard error in hand."""
        reasons = {}
        fairness, robustness = state.worst("fairness", "smoothed_gap"), state.worst("robustness", "smoothed_gap")
        if fairness is not None:
            self._fair.dial = state.dials.lambda_fair
            self._fair.update(fairness.smoothed_gap)
            reasons["lambda_fair"] = f"{fairness.key} gap {fairness.smoothed_gap:+.3f}"
        if robustness is not None:
            self._robust.dial = state.dials.adversarial_share
            error = robustness.smoothed_gap + robustness.half_width
            self._robust.update(error)
            reasons["adversarial_share"] = f"{robustness.key} gap with margin {error:+.3f}"
        self._augmentation, reasons["augmentation"] = steered_augmentation(state)
        return self._action(reasons)

    def state_dict(self) -> dict[str, float]:
        """Return the state of both controllers."""
        return {**self._fair.state_dict("fair"), **self._robust.state_dict("robust")}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        self._fair.load_state_dict("fair", state)
        self._robust.load_state_dict("robust", state)

    def _action(self, reasons: dict[str, str]) -> TrustAction:
        return TrustAction(
            lambda_fair=self._fair.dial,
            adversarial_share=self._robust.dial,
            attack=self._attack,
            augmentation=self._augmentation,
            next_monitor_in=self._interval,
            reasons=reasons,
        )

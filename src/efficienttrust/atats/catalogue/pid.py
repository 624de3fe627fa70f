"""A nuPI controller per lever, driven by the hard metrics as they are now (no planning, no virtual calibration).

Gains are in units of the dial per unit of the gap and decision, at `DECISIONS_WANTED` decisions a run; with fewer, the
integral gain of each is larger in proportion. The defaults close a gap of 0.1 by lambda_F in ten decisions when a unit
of lambda_F is worth 0.1 of the gap, and by q in three when a unit of q is worth 0.1: they were fixed before any
comparison. The dial that an update starts from is the one in force, so neither the clip nor the rate limit of the
projector winds the controller up.
"""

from __future__ import annotations

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._augmentation import steered_augmentation
from efficienttrust.atats._nupi import NuPI, check_gains
from efficienttrust.atats._planner import DECISIONS_WANTED, Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState
from efficienttrust.errors import UsageError

START_LAMBDA, START_SHARE = 0.15, 0.5


@policies.register("pid")
class PID:
    """Closes the gap of the worst fairness target with lambda_F and of the worst robustness target with q.

    Args:
        gain: Factor on all gains, >= 0.
        nu: Memory of the error in the proportional term, in (-1, 1).
        lambda_gain: Gain of lambda_F, integral and proportional, >= 0.
        share_gain: Gain of the adversarial share, integral and proportional, >= 0.

    Raises:
        UsageError: An option is out of its range.
    """

    name = "pid"

    def __init__(self, gain: float = 1.0, nu: float = 0.5, lambda_gain: float = 1.0, share_gain: float = 4.0) -> None:
        check_gains(self.name, gain, nu)
        if lambda_gain < 0 or share_gain < 0:
            raise UsageError(f"pid policy: lambda_gain={lambda_gain} and share_gain={share_gain} must be >= 0")
        self.gain, self.nu, self.lambda_gain, self.share_gain = gain, nu, lambda_gain, share_gain
        self._interval, self._attack = 0.05, "n_fgsm"
        self._fair = NuPI(0.0, 0.0, 0.0)
        self._robust = NuPI(0.0, 0.0, 0.0)
        self._augmentation = 1.0

    def reset(self, plan: Plan) -> TrustAction:
        """Start both controllers; fewer decisions a run get a larger integral gain each."""
        scale = self.gain * DECISIONS_WANTED / plan.decisions
        self._interval, self._attack, self._augmentation = plan.interval, plan.attack, plan.augmentation
        start_share = START_SHARE if plan.adversarial_start < 1 else 0.0
        start_lambda = START_LAMBDA if plan.start_lambda else 0.0
        of_lambda, of_share = self.lambda_gain, self.share_gain
        self._fair = NuPI(start_lambda, of_lambda * scale, of_lambda * self.gain, self.nu, high=10.0)
        self._robust = NuPI(start_share, of_share * scale, of_share * self.gain, self.nu)
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

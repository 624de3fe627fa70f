"""An augmented Lagrangian: one multiplier per lever, driven by the hard gap, with a step that grows while it must.

    mu_{t+1} = [mu_t + rho_t * g_t]_+
    rho_{t+1} = min(growth * rho_t, ROOM * rho_0) where the violation has not fallen to SHRINK of the last, else rho_t

The gradient of the augmented Lagrangian weighs a constraint by [mu + rho g]_+, which is the multiplier after its
update; so that is the weight until the next monitor point: lambda_F for fairness, and lambda_R = q / (1 - q) for
robustness, hence q = mu / (1 + mu). Differs from the method of multipliers (Bertsekas 1982) in that the primal problem
is never solved in between: the network takes the steps until the next look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from efficienttrust.atats._action import TrustAction
from efficienttrust.atats._augmentation import steered_augmentation
from efficienttrust.atats._planner import DECISIONS_WANTED, Plan
from efficienttrust.atats._policy import policies
from efficienttrust.atats._state import TrustState
from efficienttrust.errors import UsageError

RHO_FAIR, RHO_ROBUST = 1.0, 6.0  # per unit of the gap and decision, at DECISIONS_WANTED decisions a run
SHRINK = 0.9
ROOM = 4.0
MOST_LAMBDA, MOST_ODDS = 10.0, 19.0  # of lambda_F, and of lambda_R: q = 0.95


@dataclass
class Multiplier:
    """A multiplier and its step.

    Attributes:
        value: mu, >= 0.
        rho: Present step, which is also the weight of the quadratic term.
        most_rho: Up to which it grows.
        growth: Factor by which it grows.
        most: Largest value.
        violation: At the last update; infinite before the first.
    """

    value: float
    rho: float
    most_rho: float
    growth: float
    most: float
    violation: float = math.inf

    def update(self, gap: float, noise: float = 0.0) -> float:
        """Take the signed gap (> 0 violates) and its standard error; return the new value."""
        violation = max(gap, 0.0)
        if violation > max(SHRINK * self.violation, noise):
            self.rho = min(self.growth * self.rho, self.most_rho)
        self.violation = violation
        self.value = min(max(self.value + self.rho * gap, 0.0), self.most)
        return self.value

    def state_dict(self, prefix: str) -> dict[str, float]:
        """Return the state, for a checkpoint; an infinite violation is written as -1, as JSON has no infinity."""
        violation = -1.0 if math.isinf(self.violation) else self.violation
        return {f"{prefix}.value": self.value, f"{prefix}.rho": self.rho, f"{prefix}.violation": violation}

    def load_state_dict(self, prefix: str, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        self.value, self.rho = state[f"{prefix}.value"], state[f"{prefix}.rho"]
        violation = state[f"{prefix}.violation"]
        self.violation = math.inf if violation < 0 else violation


@policies.register("dual")
class Dual:
    """Multipliers of the worst fairness and the worst robustness target, by their hard gaps.

    Args:
        rho: Factor on both steps, > 0. Small ones follow slowly; a plant that answers a unit of the dial with b units
            of the gap oscillates without end where the step exceeds 2 / b.
        growth: Factor on a step while its violation does not shrink, >= 1.
    """

    name = "dual"

    def __init__(self, rho: float = 1.0, growth: float = 1.1) -> None:
        if rho <= 0 or growth < 1:
            raise UsageError(f"dual policy: rho={rho} must be > 0 and growth={growth} at least 1")
        self.rho, self.growth = rho, growth
        self._interval, self._attack, self._augmentation = 0.05, "n_fgsm", 1.0
        self._fair = self._multiplier(0.0, RHO_FAIR, MOST_LAMBDA)
        self._robust = self._multiplier(0.0, RHO_ROBUST, MOST_ODDS)

    def reset(self, plan: Plan) -> TrustAction:
        """Start both multipliers where the plan starts its dials; fewer decisions a run take larger steps."""
        scale = DECISIONS_WANTED / plan.decisions
        self._interval, self._attack, self._augmentation = plan.interval, plan.attack, plan.augmentation
        share = plan.start_share if plan.adversarial_start < 1 else 0.0
        self._fair = self._multiplier(plan.start_lambda, RHO_FAIR * scale, MOST_LAMBDA)
        self._robust = self._multiplier(_odds(share), RHO_ROBUST * scale, MOST_ODDS)
        return self._action({})

    def act(self, state: TrustState) -> TrustAction:
        """Update both multipliers, from what the projector allowed last: what it held back winds nothing up."""
        reasons = {}
        fairness, robustness = state.worst("fairness", "smoothed_gap"), state.worst("robustness", "smoothed_gap")
        if fairness is not None:
            self._fair.value = state.dials.lambda_fair
            self._fair.update(fairness.smoothed_gap, fairness.half_width)
            reasons["lambda_fair"] = f"{fairness.key} gap {fairness.smoothed_gap:+.3f} × rho {self._fair.rho:.2f}"
        if robustness is not None:
            error = robustness.smoothed_gap + robustness.half_width
            self._robust.value = _odds(state.dials.adversarial_share)
            self._robust.update(error, robustness.half_width)
            reasons["adversarial_share"] = (
                f"{robustness.key} gap with margin {error:+.3f} × rho {self._robust.rho:.2f} on q / (1 − q)"
            )
        self._augmentation, reasons["augmentation"] = steered_augmentation(state)
        return self._action(reasons)

    def state_dict(self) -> dict[str, float]:
        """Return the state of both multipliers."""
        return {**self._fair.state_dict("fair"), **self._robust.state_dict("robust")}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        self._fair.load_state_dict("fair", state)
        self._robust.load_state_dict("robust", state)

    def _multiplier(self, value: float, rho: float, most: float) -> Multiplier:
        return Multiplier(value, self.rho * rho, ROOM * self.rho * rho, self.growth, most)

    def _action(self, reasons: dict[str, str]) -> TrustAction:
        return TrustAction(
            lambda_fair=self._fair.value,
            adversarial_share=self._robust.value / (1.0 + self._robust.value),
            attack=self._attack,
            augmentation=self._augmentation,
            next_monitor_in=self._interval,
            reasons=reasons,
        )


def _odds(share: float) -> float:
    return min(share / max(1.0 - share, 1e-9), MOST_ODDS)

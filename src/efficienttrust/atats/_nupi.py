"""The nuPI controller of a Lagrange multiplier (Sohrabi et al. 2024).

    xi_t = nu * xi_{t-1} + (1 - nu) * e_t
    dial_{t+1} = clip(dial_t + Ki * e_t + Kp * (xi_t - xi_{t-1}), low, high)

Kp = 0 is gradient ascent on the multiplier, Kp = Ki with nu = 0 is optimistic gradient ascent.

Anti-windup, three parts. The form is incremental, so a clipped dial *is* the integral and nothing accumulates beyond
it. A dial at a bound stays there while the error pushes outwards: without that the proportional term of a shrinking but
persisting violation would pull it back in, and each clip would forget what it cut off. And whoever holds the controller
sets `dial` to what was carried out before an update, so that a rate limit further on winds nothing up either.

Stability, of a plant whose gap falls by b for a unit of the dial, without memory (nu = 0). Where it answers at once,
the loop settles iff b * (Ki + 2 * Kp) < 2. Where it answers k decisions late, iff b * Ki < 2 * sin(pi / (4 * k + 2))
for Kp = 0. Where it integrates the dial, as a network does that learns slowly under it, never for Kp = 0: there the
proportional term is what damps.
"""

from __future__ import annotations

from dataclasses import dataclass

from efficienttrust.errors import UsageError


@dataclass
class NuPI:
    """One dial under control.

    Attributes:
        dial: Present setting.
        integral_gain: Ki per decision, in dial units per unit of error.
        proportional_gain: Kp, in dial units per unit of error.
        nu: Memory of the error, in (-1, 1).
        low: Smallest setting.
        high: Largest setting.
        smoothed: xi, the smoothed error; equal to the first error after the first update.
        started: Whether an error has been seen.
    """

    dial: float
    integral_gain: float
    proportional_gain: float
    nu: float = 0.0
    low: float = 0.0
    high: float = 1.0
    smoothed: float = 0.0
    started: bool = False

    def update(self, error: float) -> float:
        """Take the error (> 0: the dial must rise) and return the new setting."""
        before = self.smoothed if self.started else error
        self.smoothed = self.nu * before + (1 - self.nu) * error
        self.started = True
        change = self.integral_gain * error + self.proportional_gain * (self.smoothed - before)
        if (self.dial >= self.high and error > 0) or (self.dial <= self.low and error < 0):
            change = 0.0
        self.dial = min(max(self.dial + change, self.low), self.high)
        return self.dial

    def state_dict(self, prefix: str) -> dict[str, float]:
        """Return the state, for a checkpoint."""
        return {
            f"{prefix}.dial": self.dial,
            f"{prefix}.smoothed": self.smoothed,
            f"{prefix}.started": float(self.started),
        }

    def load_state_dict(self, prefix: str, state: dict[str, float]) -> None:
        """Take the state of a checkpoint."""
        self.dial, self.smoothed = state[f"{prefix}.dial"], state[f"{prefix}.smoothed"]
        self.started = bool(state[f"{prefix}.started"])


def check_gains(policy: str, gain: float, nu: float) -> None:
    """Refuse a gain that would push the wrong way and a memory that would not forget."""
    if gain < 0 or not -1 < nu < 1:
        raise UsageError(f"{policy} policy: gain={gain} must be >= 0 and nu={nu} between -1 and 1")

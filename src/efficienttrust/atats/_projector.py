"""The projector: what any policy wants is clipped to what is allowed, and slowed to what is sane."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from efficienttrust.atats._action import TrustAction

ATTACKS = ("n_fgsm", "pgd", "noise")


@dataclass(frozen=True)
class DialLimits:
    """Range and slew rate of every dial.

    Attributes:
        lambda_max: Largest weight of the fairness penalty.
        lambda_slew: Largest factor (and its inverse) by which lambda_F changes per decision.
        lambda_floor: A rise of this much is always allowed, as a factor would never leave zero; below a quarter of it
            lambda_F may fall to zero at once.
        share_slew: Largest change of the adversarial share per decision, and of the augmentation.
        learning_rate_low: Smallest learning-rate factor.
        learning_rate_high: Largest learning-rate factor.
        interval_low: Smallest share of the horizon between monitor points.
        interval_high: Largest share of the horizon between monitor points.
    """

    lambda_max: float = 10.0
    lambda_slew: float = 1.5
    lambda_floor: float = 0.1
    share_slew: float = 0.25
    learning_rate_low: float = 0.1
    learning_rate_high: float = 2.0
    interval_low: float = 0.02
    interval_high: float = 0.5


def project(wanted: TrustAction, present: TrustAction, limits: DialLimits) -> tuple[TrustAction, tuple[str, ...]]:
    """Return the nearest allowed action and what had to be changed, one text per dial.

    A value that is not finite keeps the present setting. The budget itself is enforced by the loop, which stops before
    the reserve whatever the action says.

    Args:
        wanted: What the policy asked for.
        present: The setting in force.
        limits: Ranges and slew rates.
    """
    notes: list[str] = []
    top = max(present.lambda_fair * limits.lambda_slew, present.lambda_fair + limits.lambda_floor)
    bottom = present.lambda_fair / limits.lambda_slew if present.lambda_fair > limits.lambda_floor / 4 else 0.0

    def clip(name: str, low: float, high: float) -> float:
        value, kept = float(getattr(wanted, name)), float(getattr(present, name))
        if not math.isfinite(value):
            notes.append(f"{name}: {value} is not a number, kept {kept:.4g}")
            return kept
        clipped = min(max(value, low), high)
        if clipped != value:
            notes.append(f"{name}: {value:.4g} clipped to {clipped:.4g}")
        return clipped

    share, strength = present.adversarial_share, present.augmentation
    attack = wanted.attack
    if attack not in ATTACKS:
        notes.append(f"attack: {attack!r} is unknown, kept {present.attack}")
        attack = present.attack
    allowed = dataclasses.replace(
        wanted,
        lambda_fair=clip("lambda_fair", bottom, min(top, limits.lambda_max)),
        adversarial_share=clip(
            "adversarial_share", max(0.0, share - limits.share_slew), min(1.0, share + limits.share_slew)
        ),
        attack=attack,
        augmentation=clip(
            "augmentation", max(0.0, strength - limits.share_slew), min(1.0, strength + limits.share_slew)
        ),
        learning_rate_factor=clip("learning_rate_factor", limits.learning_rate_low, limits.learning_rate_high),
        next_monitor_in=clip("next_monitor_in", limits.interval_low, limits.interval_high),
    )
    return allowed, tuple(notes)

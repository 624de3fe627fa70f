"""What a policy does: the setting of every dial, and the record of every change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrustAction:
    """The setting of every dial until the next monitor point.

    Attributes:
        lambda_fair: Weight of the fairness penalty, >= 0.
        adversarial_share: Share q of the batch that is attacked before the step, in [0, 1]; lambda_R = q / (1 - q).
        attack: `n_fgsm`, `pgd` or `noise` (random perturbation: the fall-back when the budget buys no attack).
        learning_rate_factor: Factor on the scheduled learning rate, in [0.1, 2].
        augmentation: Factor on the strength of every augmentation of images, in [0, 1]; tables have none.
        next_monitor_in: Share of the training horizon until the next monitor point.
        stop: End training now.
        reasons: Why a dial was moved, by the name of its field.
    """

    lambda_fair: float = 0.0
    adversarial_share: float = 0.0
    attack: str = "n_fgsm"
    learning_rate_factor: float = 1.0
    augmentation: float = 1.0
    next_monitor_in: float = 0.05
    stop: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DecisionRecord:
    """One change of one dial.

    Attributes:
        step: Optimiser steps before the change.
        progress: Share of the training horizon used.
        knob: Name of the dial.
        before: Its setting before, as text.
        after: Its setting after, as text.
        reason: Why, in words with the numbers that decided.
        expected_cost: Predicted cost of a step with the new setting, on the declared clock.
    """

    step: int
    progress: float
    knob: str
    before: str
    after: str
    reason: str
    expected_cost: float

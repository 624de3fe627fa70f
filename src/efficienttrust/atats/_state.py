"""What a policy sees: the state of a run in plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from efficienttrust.atats._action import TrustAction

STATE_VERSION = 2
"""Of the layout of `vector_of`; a policy that was trained on another layout is refused."""


@dataclass(frozen=True)
class ConstraintState:
    """One target at a monitor point. Gaps are signed: > 0 violates the target.

    Attributes:
        key: Canonical name of the metric, e.g. `robust_accuracy(pgd, eps=0.25, norm=linf)`.
        lever: What moves it in training: `fairness`, `robustness` or `none`.
        tolerance: Distance of the target's bound from the ideal value of the metric: 0.05 for `dpd <= 0.05`, 0.2 for a
            parity ratio `>= 0.8`.
        gap: Violation of the hard metric on the monitor split, before calibration.
        half_width: Standard error of that metric at this sample size.
        smoothed_gap: Exponential mean of `gap` over monitor points.
        slope: Change of `smoothed_gap` since the last monitor point.
        calibrated_gap: Violation as it will be after calibration, found on the monitor split.
    """

    key: str
    lever: str
    tolerance: float
    gap: float
    half_width: float
    smoothed_gap: float
    slope: float
    calibrated_gap: float


@dataclass(frozen=True)
class Landscape:
    """The losses at a monitor point, on a batch of training rows that stays the same; NaN where there is no such loss.

    Attributes:
        loss_utility: Loss on the rows as they are.
        loss_fairness: Fairness penalty there, not weighted.
        loss_robust: Loss on the rows attacked.
        norm_utility: Euclidean norm of the gradient of the loss by all weights.
        norm_fairness: The same of the penalty.
        norm_robust: The same of the loss on the rows attacked.
        cosine_fairness: Cosine between the gradients of loss and penalty; < 0: they pull apart.
        cosine_robust: Cosine between the gradients of the losses on rows as they are and attacked.
        sharpness: Rise of the loss after a step of a fixed length up its gradient, relative to the weights (the inner
            step of SAM, Foret et al. 2021); large in narrow minima.
    """

    loss_utility: float = math.nan
    loss_fairness: float = math.nan
    loss_robust: float = math.nan
    norm_utility: float = math.nan
    norm_fairness: float = math.nan
    norm_robust: float = math.nan
    cosine_fairness: float = math.nan
    cosine_robust: float = math.nan
    sharpness: float = math.nan


@dataclass(frozen=True)
class TrustState:
    """The state of a run at a monitor point.

    Attributes:
        progress: Share of the training horizon that is used, in [0, 1].
        budget_used: Share of the whole budget that is used, >= 0 (0 when there is no limit).
        step: Optimiser steps so far.
        utility: Accuracy on the monitor split, before calibration.
        calibrated_utility: Accuracy after virtual calibration.
        loss: Mean training loss since the last monitor point.
        constraints: One entry per target.
        dials: The action in force.
        adversarial_cost_ratio: Cost of a fully adversarial step over a plain step, >= 1.
        monitor_cost_ratio: Cost of a monitor point over a plain step.
        step_cost_ratio: Cost of a step at the present dials over a plain step.
        overfitting: FGSM accuracy minus PGD accuracy; large means catastrophic overfitting.
        generalisation_gap: Accuracy on training rows as they are minus that on the monitor split; NaN where no
            augmentation could close it.
        spent: Resource -> share of its limit that is used so far (`time`, and `memory` where that is limited).
        landscape: Losses and their gradients.
        sparsity: Share of weights that are zero as deployed.
    """

    progress: float
    budget_used: float
    step: int
    utility: float
    calibrated_utility: float
    loss: float
    constraints: tuple[ConstraintState, ...]
    dials: TrustAction
    adversarial_cost_ratio: float
    monitor_cost_ratio: float
    overfitting: float
    step_cost_ratio: float = 1.0
    generalisation_gap: float = math.nan
    spent: Mapping[str, float] = field(default_factory=dict)
    landscape: Landscape = field(default_factory=Landscape)
    sparsity: float = 0.0

    def worst(self, lever: str, by: Literal["smoothed_gap", "calibrated_gap"]) -> ConstraintState | None:
        """Return the most violated constraint with this lever, as it is or after calibration; None without any."""
        candidates = [constraint for constraint in self.constraints if constraint.lever == lever]
        return max(candidates, key=lambda constraint: float(getattr(constraint, by)), default=None)

"""What a policy sees: the state of a run in plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

STATE_VERSION = 1


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
        lambda_fair: Present weight of the fairness penalty, >= 0.
        adversarial_share: Present adversarial share of the batch, in [0, 1].
        learning_rate_factor: Present factor on the scheduled learning rate, > 0.
        adversarial_cost_ratio: Cost of a fully adversarial step over a plain step, >= 1.
        monitor_cost_ratio: Cost of a monitor point over a plain step.
        overfitting: FGSM accuracy minus PGD accuracy; large means catastrophic overfitting.
        augmentation: Present factor on the strength of augmentations, in [0, 1].
        generalisation_gap: Accuracy on training rows as they are minus that on the monitor split; NaN where no
            augmentation could close it.
    """

    progress: float
    budget_used: float
    step: int
    utility: float
    calibrated_utility: float
    loss: float
    constraints: tuple[ConstraintState, ...]
    lambda_fair: float
    adversarial_share: float
    learning_rate_factor: float
    adversarial_cost_ratio: float
    monitor_cost_ratio: float
    overfitting: float
    augmentation: float = 1.0
    generalisation_gap: float = math.nan

    def worst(self, lever: str, by: Literal["smoothed_gap", "calibrated_gap"]) -> ConstraintState | None:
        """Return the most violated constraint with this lever, as it is or after calibration; None without any."""
        candidates = [constraint for constraint in self.constraints if constraint.lever == lever]
        return max(candidates, key=lambda constraint: float(getattr(constraint, by)), default=None)

    def vector(self) -> NDArray[np.float64]:
        """Return the state as numbers of about [-1, 1]; layout version `STATE_VERSION`.

        Order: progress, budget used, utility, calibrated utility, log10 loss / 2, lambda_F / (1 + lambda_F), q,
        learning-rate factor / 2, log2 of the adversarial cost ratio / 3, log10 of the monitor cost ratio / 4,
        overfitting; then, for the worst fairness and the worst robustness constraint (zeros when absent), tanh of ten
        times its gap, half width, smoothed gap, slope and calibrated gap. A loss that is not a number counts as huge.
        """
        loss = math.inf if math.isnan(self.loss) else max(self.loss, 1e-6)
        head = [
            self.progress,
            min(self.budget_used, 2.0),
            self.utility,
            self.calibrated_utility,
            float(np.clip(np.log10(loss) / 2, -1, 1)),
            self.lambda_fair / (1 + self.lambda_fair),
            self.adversarial_share,
            self.learning_rate_factor / 2,
            float(np.clip(np.log2(max(self.adversarial_cost_ratio, 1.0)) / 3, 0, 1)),
            float(np.clip(np.log10(max(self.monitor_cost_ratio, 1.0)) / 4, 0, 1)),
            self.overfitting,
        ]
        tail: list[float] = []
        for lever in ("fairness", "robustness"):
            worst = self.worst(lever, "calibrated_gap")
            gaps = (
                (0.0,) * 5
                if worst is None
                else (worst.gap, worst.half_width, worst.smoothed_gap, worst.slope, worst.calibrated_gap)
            )
            tail += [float(np.tanh(10 * gap)) for gap in gaps]
        return np.array(head + tail, dtype=np.float64)

"""What a policy does: the setting of every dial, and the record of every change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TrustAction:
    """The setting of every dial until the next monitor point; `DIALS` holds their ranges.

    Attributes:
        lambda_fair: Weight of the fairness penalty, >= 0.
        adversarial_share: Share q of the batch that is attacked before the step, in [0, 1]; lambda_R = q / (1 - q).
        attack: `n_fgsm`, `pgd`, `free` (the gradient of a replayed batch moves it too) or `noise` (random perturbation:
            the fall-back when the budget buys no attack).
        learning_rate_factor: Factor on the scheduled learning rate, in [0.1, 2].
        augmentation: Factor on the strength of every augmentation of images, in [0, 1]; tables have none.
        reweighing: Exponent in [0, 1] on weights that make group and label independent (Kamiran and Calders 2012).
        fair_batch: Step in [0, 1] by which batches are composed from the gaps seen last (FairBatch, Roh et al. 2021).
        group_dro: Step in [0, 1] of the exponentiated weights of the groups that lose most (Sagawa et al. 2020).
        debias: Weight, >= 0, of an adversary that reads the group off the score and is to fail (Zhang et al. 2018).
        attack_steps: Steps of `pgd`; of `free`, how often each batch is replayed.
        trades: beta of TRADES on the attacked share (Zhang et al. 2019); 0 learns the label there.
        sparsity: Share of weights held at zero, in [0, 0.95].
        spread: Share of batches whose lambda_F and q are drawn anywhere; conditional networks alone have it.
        next_monitor_in: Share of the training horizon until the next monitor point.
        stop: End training now.
        reasons: Why a dial was moved, by the name of its field.
    """

    lambda_fair: float = 0.0
    adversarial_share: float = 0.0
    attack: str = "n_fgsm"
    learning_rate_factor: float = 1.0
    augmentation: float = 1.0
    reweighing: float = 0.0
    fair_batch: float = 0.0
    group_dro: float = 0.0
    debias: float = 0.0
    attack_steps: float = 3.0
    trades: float = 0.0
    sparsity: float = 0.0
    spread: float = 0.0
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

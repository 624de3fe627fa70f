"""Adversarial debiasing (Zhang et al. 2018): an adversary reads the group off the score, and is to fail."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget

WEIGHT = 1.0  # of the adversary: fairlearn's default


@methods.register("adversarial_debiasing")
def adversarial_debiasing(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train against an adversary that reads the group."""
    return fitted(
        "adversarial_debiasing",
        "training against an adversary that reads the group off the score",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(debias=WEIGHT),
    )

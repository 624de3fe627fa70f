"""PGD adversarial training (Madry et al. 2018): every row of every batch is attacked by PGD."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget

STEPS = 7.0  # of Madry et al. on CIFAR-10


@methods.register("pgd_at")
def pgd_at(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train on rows attacked by PGD."""
    return fitted(
        "pgd_at",
        "adversarial training by PGD on whole batches",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(adversarial_share=1.0, attack="pgd", attack_steps=STEPS),
    )

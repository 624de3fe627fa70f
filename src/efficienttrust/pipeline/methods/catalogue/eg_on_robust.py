"""Exponentiated gradient over robust networks: adversarial training inside the reduction."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget

SHARE = 0.5  # of each batch


@methods.register("eg_on_robust")
def eg_on_robust(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Play fairlearn's game with adversarially trained networks."""
    return fitted(
        "eg_on_robust",
        "exponentiated gradient over networks whose batches are half attacked by N-FGSM",
        problem,
        budget,
        targets,
        seed,
        trainer="exponentiated_gradient",
        policy=fixed(adversarial_share=SHARE, attack="n_fgsm"),
    )

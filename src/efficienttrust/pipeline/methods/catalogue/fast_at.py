"""Fast adversarial training by N-FGSM (de Jorge et al. 2022): one step from a noisy start."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("fast_at")
def fast_at(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train on rows attacked in one step."""
    return fitted(
        "fast_at",
        "adversarial training by N-FGSM on whole batches",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(adversarial_share=1.0, attack="n_fgsm"),
    )

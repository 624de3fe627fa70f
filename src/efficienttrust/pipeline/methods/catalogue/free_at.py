"""Free adversarial training (Shafahi et al. 2019): batches are replayed, and each gradient moves rows and weights."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget

REPLAYS = 4


@methods.register("free_at")
def free_at(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train on rows that are moved by the gradients of the steps themselves."""
    return fitted(
        "free_at",
        f"free adversarial training, each batch {REPLAYS} times",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(adversarial_share=1.0, attack="free", attack_steps=REPLAYS),
    )

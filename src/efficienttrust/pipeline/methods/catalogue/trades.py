"""TRADES (Zhang et al. 2019): the answers at attacked rows are drawn to those at clean ones."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget

BETA = 6.0  # of the paper
STEPS = 10.0


@methods.register("trades")
def trades(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train with the distance between clean and attacked answers."""
    return fitted(
        "trades",
        "TRADES on whole batches",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(adversarial_share=1.0, attack="pgd", attack_steps=STEPS, trades=BETA),
    )

"""A grid of fixed weights, at the same total budget: the best point on validation is delivered."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("static_grid")
def static_grid(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train each point of a grid in its share of the budget."""
    return fitted(
        "static_grid",
        "twelve fixed settings of lambda_fair and the adversarial share, each in a twelfth of the budget",
        problem,
        budget,
        targets,
        seed,
        trainer="static_grid",
        policy=fixed(),
    )

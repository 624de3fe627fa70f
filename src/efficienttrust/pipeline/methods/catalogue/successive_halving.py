"""Successive halving (Jamieson and Talwalkar 2016) over the grid of fixed weights, at the same total budget."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("successive_halving")
def successive_halving(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train all points for a little, the best for longer."""
    return fitted(
        "successive_halving",
        "successive halving over twelve fixed settings inside the budget",
        problem,
        budget,
        targets,
        seed,
        trainer="successive_halving",
        policy=fixed(),
    )

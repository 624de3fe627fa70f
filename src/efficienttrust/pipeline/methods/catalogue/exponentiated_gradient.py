"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over plain networks."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("exponentiated_gradient")
def exponentiated_gradient(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Play fairlearn's game with plain networks."""
    return fitted(
        "exponentiated_gradient",
        "exponentiated gradient over plain networks; delivered is the mean logit of its mixture, or its best member",
        problem,
        budget,
        targets,
        seed,
        trainer="exponentiated_gradient",
        policy=fixed(),
    )

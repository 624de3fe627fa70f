"""Exponentiated gradient (Agarwal et al. 2018) by fairlearn, over boosted trees."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, methods
from efficienttrust.resources import Budget


@methods.register("trees_eg")
def trees_eg(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Play fairlearn's game with boosted trees."""
    return fitted(
        "trees_eg",
        "exponentiated gradient over boosted trees; delivered is the mean logit of its mixture, or its best member",
        problem,
        budget,
        targets,
        seed,
        trainer="exponentiated_gradient_trees",
    )

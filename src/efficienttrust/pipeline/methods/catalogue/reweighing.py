"""Weights that make group and label independent (Kamiran and Calders 2012)."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("reweighing")
def reweighing(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train on reweighted rows."""
    return fitted(
        "reweighing",
        "training on rows weighted so that group and label are independent",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(reweighing=1.0),
    )

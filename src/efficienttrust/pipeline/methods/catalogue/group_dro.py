"""GroupDRO (Sagawa et al. 2020): the groups that lose most count most."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget

STEP = 0.05  # of the exponentiated weights


@methods.register("group_dro")
def group_dro(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train for the groups that lose most."""
    return fitted(
        "group_dro",
        "training that weights groups by their losses",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(group_dro=STEP),
    )

"""Plain training, and decision thresholds that do not read the group (Hardt et al. 2016, with the group inferred)."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, fixed, methods
from efficienttrust.resources import Budget


@methods.register("threshold")
def threshold(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Train plainly, then calibrate to the targets blind."""
    return fitted(
        "threshold",
        "plain training and calibration that does not read the group",
        problem,
        budget,
        targets,
        seed,
        policy=fixed(),
    )

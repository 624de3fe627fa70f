"""Gradient-boosted trees and threshold post-processing: what a practitioner would do on a table."""

from __future__ import annotations

from collections.abc import Sequence

from efficienttrust.data import Problem
from efficienttrust.evaluation.targets import Target
from efficienttrust.pipeline.methods._method import MethodResult, fitted, methods
from efficienttrust.resources import Budget
from efficienttrust.training.catalogue.lightgbm import is_installed


@methods.register("trees_threshold")
def trees_threshold(problem: Problem, budget: Budget, targets: Sequence[Target], seed: int) -> MethodResult:
    """Grow boosted trees, then calibrate to the targets."""
    return fitted(
        "trees_threshold",
        "boosted trees and calibration that does not read the group",
        problem,
        budget,
        targets,
        seed,
        trainer="lightgbm" if is_installed() else "trees",
    )

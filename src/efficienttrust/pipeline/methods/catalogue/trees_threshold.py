"""Gradient-boosted trees and threshold post-processing: what a practitioner would do on a table."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, methods
from efficienttrust.training.catalogue.lightgbm import is_installed


@methods.register("trees_threshold")
def trees_threshold(request: MethodRequest) -> MethodResult:
    """Grow boosted trees, then calibrate to the targets."""
    return fitted(
        "trees_threshold",
        "boosted trees and calibration that does not read the group",
        request,
        trainer="lightgbm" if is_installed() else "trees",
    )

"""Plain training, and decision thresholds that do not read the group (Hardt et al. 2016, with the group inferred)."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("threshold")
def threshold(request: MethodRequest) -> MethodResult:
    """Train plainly, then calibrate to the targets blind."""
    return fitted(
        "threshold",
        "plain training and calibration that does not read the group",
        request,
        policy=fixed(),
    )

"""Plain training, and a decision threshold for each group (Hardt et al. 2016)."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("threshold_aware")
def threshold_aware(request: MethodRequest) -> MethodResult:
    """Train plainly, then calibrate to the targets with the true group at prediction."""
    return fitted(
        "threshold_aware",
        "plain training and a threshold for each group, which is read at prediction",
        request,
        policy=fixed(),
        use_groups_at_prediction=True,
    )

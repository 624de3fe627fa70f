"""Adversarial debiasing (Zhang et al. 2018): an adversary reads the group off the score, and is to fail."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods

WEIGHT = 1.0  # of the adversary: fairlearn's default


@methods.register("adversarial_debiasing")
def adversarial_debiasing(request: MethodRequest) -> MethodResult:
    """Train against an adversary that reads the group."""
    return fitted(
        "adversarial_debiasing",
        "training against an adversary that reads the group off the score",
        request,
        policy=fixed(debias=WEIGHT),
    )

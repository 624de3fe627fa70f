"""Exponentiated gradient over robust networks: adversarial training inside the reduction."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods

SHARE = 0.5  # of each batch


@methods.register("eg_on_robust")
def eg_on_robust(request: MethodRequest) -> MethodResult:
    """Play fairlearn's game with adversarially trained networks."""
    return fitted(
        "eg_on_robust",
        "exponentiated gradient over networks whose batches are half attacked by N-FGSM",
        request,
        trainer="exponentiated_gradient",
        policy=fixed(adversarial_share=SHARE, attack="n_fgsm"),
    )

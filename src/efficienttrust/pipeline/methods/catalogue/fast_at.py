"""Fast adversarial training by N-FGSM (de Jorge et al. 2022): one step from a noisy start."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods


@methods.register("fast_at")
def fast_at(request: MethodRequest) -> MethodResult:
    """Train on rows attacked in one step."""
    return fitted(
        "fast_at",
        "adversarial training by N-FGSM on whole batches",
        request,
        policy=fixed(adversarial_share=1.0, attack="n_fgsm"),
    )

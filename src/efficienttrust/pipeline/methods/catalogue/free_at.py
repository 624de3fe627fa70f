"""Free adversarial training (Shafahi et al. 2019): batches are replayed, and each gradient moves rows and weights."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods

REPLAYS = 4


@methods.register("free_at")
def free_at(request: MethodRequest) -> MethodResult:
    """Train on rows that are moved by the gradients of the steps themselves."""
    return fitted(
        "free_at",
        f"free adversarial training, each batch {REPLAYS} times",
        request,
        policy=fixed(adversarial_share=1.0, attack="free", attack_steps=REPLAYS),
    )

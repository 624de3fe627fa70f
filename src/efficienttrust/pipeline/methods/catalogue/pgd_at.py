"""PGD adversarial training (Madry et al. 2018): every row of every batch is attacked by PGD."""

from __future__ import annotations

from efficienttrust.pipeline.methods._method import MethodRequest, MethodResult, fitted, fixed, methods

STEPS = 7.0  # of Madry et al. on CIFAR-10


@methods.register("pgd_at")
def pgd_at(request: MethodRequest) -> MethodResult:
    """Train on rows attacked by PGD."""
    return fitted(
        "pgd_at",
        "adversarial training by PGD on whole batches",
        request,
        policy=fixed(adversarial_share=1.0, attack="pgd", attack_steps=STEPS),
    )

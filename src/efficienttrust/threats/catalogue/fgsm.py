"""FGSM: one step along the sign of the gradient (Goodfellow, Shlens and Szegedy 2015)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from efficienttrust.threats._attack import Attack, Attacked, attacks
from efficienttrust.threats._reach import Reach


def fgsm(signed_margin: Callable[[Tensor], Tensor], where: Reach, generator: torch.Generator) -> Attacked:
    """Move every column by its whole reach against the sign of the margin's gradient at the clean row."""
    del generator  # deterministic
    numeric = where.origin.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(signed_margin(numeric).sum(), numeric)
    moved = where.origin + where.snap(-where.radius * gradient.sign())
    with torch.no_grad():
        return Attacked(moved, signed_margin(moved))


attacks.register("fgsm")(
    Attack("fgsm", "one step along the sign of the gradient (Goodfellow et al. 2015)", needs_gradient=True, run=fgsm)
)

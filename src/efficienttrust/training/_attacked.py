"""Adversarial examples for a training step of any torch module: random noise, N-FGSM, or short PGD."""

from __future__ import annotations

import torch
from torch import Tensor

from efficienttrust.data import Domain
from efficienttrust.threats import Objective, Reach, ball, reach
from efficienttrust.threats._objective import Answer
from efficienttrust.threats.catalogue.n_fgsm import n_fgsm_shift
from efficienttrust.threats.catalogue.pgd import TRAINING_PGD
from efficienttrust.training._batches import NOISE_REACH
from efficienttrust.training._memory import row_losses


def attacked_images(
    answer: Answer, images: Tensor, y: Tensor, eps: float, attack: str, generator: torch.Generator
) -> Tensor:
    """Return attacked images, in [0, 1].

    Args:
        answer: From images to logits.
        images: [m, C, H, W] clean images.
        y: [m] labels.
        eps: Radius in L∞.
        attack: `noise`, `n_fgsm` (which may leave the ball by its noise) or `pgd`.
        generator: Source of noise, on the device of the images.
    """
    where = ball(images, eps)
    if attack == "noise":
        return where.points(where.start(generator))
    if attack == "pgd":
        return TRAINING_PGD.run(Objective(answer, y), where, generator)[0]
    radius = torch.full_like(images, eps)
    reached = Reach(images, radius, radius, radius.new_zeros(1))
    shift = n_fgsm_shift(lambda points: -row_losses(answer(points), y), reached, generator)
    return (images + shift).clamp_(0.0, 1.0)


def attacked_numbers(
    answer: Answer, x: Tensor, y: Tensor, domain: Domain, eps: float, attack: str, generator: torch.Generator
) -> Tensor:
    """Return the attacked numeric columns of encoded rows, inside the domain.

    Args:
        answer: From encoded rows to logits.
        x: [m, d] clean rows.
        y: [m] labels.
        domain: What may be perturbed.
        eps: Radius in L∞.
        attack: `noise`, `n_fgsm` (which may leave the reach by its noise) or `pgd`.
        generator: Source of noise, on the device of the rows.
    """
    p = len(domain.lower)
    origin, fixed = x[:, :p], x[:, p:]

    def of_numbers(numeric: Tensor) -> Tensor:
        return answer(torch.cat([numeric, fixed], dim=1))

    where = reach(domain, x, eps)
    if attack == "pgd":
        return TRAINING_PGD.run(Objective(of_numbers, y), where, generator)[0]
    room = reach(domain, x, NOISE_REACH * eps, whole_units=False)
    if attack == "noise":
        noise = torch.empty_like(origin).uniform_(-1.0, 1.0, generator=generator)
        return origin + room.clip(noise * where.radius)
    shift = n_fgsm_shift(lambda numeric: -row_losses(of_numbers(numeric), y), where, generator)
    return origin + room.clip(shift)

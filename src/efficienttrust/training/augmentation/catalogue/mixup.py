"""Mixup (Zhang et al. 2018): images are mixed in pairs, and so are their labels."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from efficienttrust.training.augmentation._augmentation import Augmented, augmentations
from efficienttrust.training.augmentation._draws import uniform


class Mixup:
    """Mixes each image with one of the batch by a weight from Beta(α, α), where α is the strength.

    Differs in that every pair has a weight of its own, as in the paper's formula but not in its code, which draws one
    per batch.
    """

    def mix(self, images: Tensor, strength: float, generator: Generator) -> Augmented:
        """Return mixed images, partners and weights; partners are a permutation, so some images may meet themselves."""
        if strength == 0.0:
            return Augmented(images)
        partners = torch.randperm(len(images), generator=generator, device=generator.device).to(images.device)
        drawn = symmetric_beta(uniform(images, generator, 2, len(images)), strength).to(images.dtype)
        weights = torch.maximum(drawn, 1 - drawn)  # an image stays mostly itself, as its group and label are its own
        mixed = torch.lerp(images[partners], images, weights[:, None, None, None])
        return Augmented(mixed, partners, weights)


def symmetric_beta(uniforms: Tensor, alpha: float) -> Tensor:
    """Return draws from Beta(α, α), [n], made of uniform numbers in [0, 1), [2, n].

    With Bailey's (1994) t of 2 α degrees of freedom, T = √(2α (U^(-1/α) - 1)) cos 2πV, the draw is
    (1 + T / √(2α + T²)) / 2 (Devroye 1996); here in logarithms, as U^(-1/α) overflows for a small α.
    """
    first, angle = uniforms.double()
    cosine = torch.cos(2.0 * math.pi * angle)
    # T² / 2α = (U^(-1/α) - 1) cos²; what is needed is 1 / √(1 + 2α / T²).
    exponent = -torch.log(first) / alpha
    inverse = torch.exp(-exponent) / (-torch.expm1(-exponent) * cosine.square())
    return 0.5 + 0.5 * torch.sign(cosine) / torch.sqrt(1.0 + inverse)


augmentations.register("mixup")(Mixup())

"""AugMix (Hendrycks et al. 2020): each image is mixed with chains of operations on itself."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from efficienttrust.training.augmentation import _operations as operations
from efficienttrust.training.augmentation._augmentation import augmentations
from efficienttrust.training.augmentation._draws import integers, uniform

WIDTH = 3
"""Chains."""
DEPTH = 3
"""Operations in a chain, at most."""
SEVERITY = 3.0
"""Out of 10; the level of an operation is drawn below it."""
_LOWEST_LEVEL = 0.1

_MAPS: tuple[tuple[Callable[[Tensor], Tensor], Callable[[int, int], float]], ...] = (
    (operations.rotation, lambda height, width: 30.0),
    (operations.shear_across, lambda height, width: 0.3),
    (operations.shear_down, lambda height, width: 0.3),
    (operations.shift_across, lambda height, width: width / 3),
    (operations.shift_down, lambda height, width: height / 3),
)
"""Operations that move pixels, with their parameter at level 10 for an image of (height, width)."""
_N_OPERATIONS = len(_MAPS) + 4
_AUTOCONTRAST, _EQUALISE, _POSTERISE, _SOLARISE = range(len(_MAPS), _N_OPERATIONS)


class AugMix:
    """Mixes a share of the images, all of them at strength 1, with three chains of one to three operations.

    As in the paper: nine operations, none of which is a corruption of ImageNet-C; severity 3; weights of the chains
    from Dirichlet(1, 1, 1), of the image itself from Beta(1, 1). Without the paper's consistency loss, which is the
    caller's. Moved pixels are interpolated in floating point and parameters are not rounded to whole pixels or degrees.
    """

    def apply(self, images: Tensor, strength: float, generator: Generator) -> Tensor:
        """Return images, of which a share of `strength` is mixed; the others stay as they were."""
        n = len(images)
        chosen = (uniform(images, generator) < strength).nonzero()[:, 0]
        own, chains = uniform(images, generator), _simplex(uniform(images, generator, WIDTH, n))
        depth = integers(images, DEPTH, generator, WIDTH, n) + 1
        kinds = integers(images, _N_OPERATIONS, generator, DEPTH, WIDTH, n)
        levels = _LOWEST_LEVEL + (SEVERITY - _LOWEST_LEVEL) * uniform(images, generator, DEPTH, WIDTH, n)
        signs = 1.0 - 2.0 * integers(images, 2, generator, DEPTH, WIDTH, n)
        if not len(chosen):
            return images
        original = images[chosen]
        kinds = kinds.where(torch.arange(DEPTH, device=images.device)[:, None, None] < depth, -1)[:, :, chosen]
        moved = original.repeat(WIDTH, 1, 1, 1)
        for step in range(DEPTH):
            arguments = (kinds[step], levels[step][:, chosen], signs[step][:, chosen])
            moved = _operate(moved, *(part.reshape(-1) for part in arguments))
        mixed = torch.einsum("kn,knchw->nchw", chains[:, chosen], moved.view(WIDTH, *original.shape))
        result = images.clone()
        result[chosen] = torch.lerp(mixed, original, own[chosen][:, None, None, None]).clamp_(0.0, 1.0)
        return result


def _simplex(uniforms: Tensor) -> Tensor:
    """Return draws from Dirichlet(1, ..., 1) along the first axis: exponential numbers over their sum."""
    exponential = (-torch.log1p(-uniforms)).clamp_min(torch.finfo(uniforms.dtype).tiny)  # a draw of 0 is possible
    return exponential / exponential.sum(0)


def _operate(images: Tensor, kinds: Tensor, levels: Tensor, signs: Tensor) -> Tensor:
    """Return each image after the operation of its kind at its level of 10; -1 is none."""
    result = images.clone()
    moving = ((kinds >= 0) & (kinds < len(_MAPS))).nonzero()[:, 0]
    if len(moving):  # the kernel of torch refuses to move no image
        result[moving] = operations.warp(images[moving], _maps_of(images, kinds[moving], (signs * levels)[moving]))
    which = (kinds == _AUTOCONTRAST).nonzero()[:, 0]
    result[which] = operations.autocontrast(images[which])
    which = (kinds == _EQUALISE).nonzero()[:, 0]
    result[which] = operations.equalise(images[which])
    which = (kinds == _POSTERISE).nonzero()[:, 0]
    result[which] = operations.posterise(images[which], 4 - torch.floor(levels[which] * 0.4))
    which = (kinds == _SOLARISE).nonzero()[:, 0]
    result[which] = operations.solarise(images[which], 1.0 - levels[which] / 10.0)
    return result


def _maps_of(images: Tensor, kinds: Tensor, levels: Tensor) -> Tensor:
    """Return the map of each image whose pixels move, [m, 2, 3]."""
    height, width = images.shape[2:]
    candidates = [make(levels / 10.0 * most(height, width)) for make, most in _MAPS]
    return torch.stack(candidates)[kinds, torch.arange(len(kinds), device=images.device)].to(images.dtype)


augmentations.register("augmix")(AugMix())

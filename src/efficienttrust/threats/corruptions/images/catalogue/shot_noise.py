"""Shot noise: light comes in photons (Poisson noise).

Values above 1 are cut, so a pixel has only as many outcomes as photons that a white pixel expects, and those of the
256 levels of an 8-bit image are drawn by Walker's alias method: one uniform number, two look-ups. Differs from
ImageNet-C in that values between levels are rounded to one first; 8-bit images have none.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from efficienttrust.threats.corruptions._corruption import image_corruptions
from efficienttrust.threats.corruptions._streams import RowStreams

PHOTONS = {"cifar": (500, 250, 100, 75, 50), "imagenet": (60, 25, 12, 5, 3)}
"""Photons that a white pixel expects."""

LEVELS = 256


@image_corruptions.register("shot_noise")
def shot_noise(images: Tensor, severity: int, generator: RowStreams, table: str) -> Tensor:
    """Every value becomes a Poisson count of photons, over the number that white expects."""
    photons = PHOTONS[table][severity - 1]
    share, values = (part.to(images.device) for part in _alias_table(photons))
    outcomes = photons + 1
    draw = generator.uniform(0.0, 1.0, *images.shape[1:]).mul_(outcomes)
    outcome = draw.floor().clamp_(max=photons)
    cell = (images * (LEVELS - 1)).round_().mul_(outcomes).add_(outcome).to(torch.int32).view(-1)
    leave = draw.sub_(outcome).view(-1) >= share.index_select(0, cell)
    return values.index_select(0, cell.mul_(2).add_(leave)).view_as(images)


@lru_cache(maxsize=16)
def _alias_table(photons: int) -> tuple[Tensor, Tensor]:
    """Return, for [level, outcome] flattened: the share that keeps its outcome, and [.., 2] that value and the other.

    The tables of all levels are built side by side: a pointer walks over outcomes with too little probability, another
    over those with too much, and each step fills one of the former from the latter.
    """
    from scipy.stats import poisson

    outcomes = photons + 1
    mean = np.arange(LEVELS)[:, None] * (photons / (LEVELS - 1))
    chance = poisson.pmf(np.arange(outcomes)[None, :], mean)
    chance[:, -1] = poisson.sf(photons - 1, mean[:, 0])
    chance *= outcomes / chance.sum(1, keepdims=True)
    order = np.argsort(chance >= 1.0, axis=1, kind="stable")  # too little first, then too much
    level = np.arange(LEVELS)
    poor, rich = np.zeros(LEVELS, dtype=np.int64), (chance < 1.0).sum(1)
    n_poor = rich.copy()
    share, alias = np.ones_like(chance), np.tile(np.arange(outcomes), (LEVELS, 1))
    left = chance[level, order[level, np.minimum(rich, photons)]]
    for _ in range(2 * outcomes):
        giver = order[level, np.minimum(rich, photons)]
        gives = (rich < outcomes) & (poor < n_poor) & (left >= 1.0)
        taker = order[level, np.minimum(poor, photons)]
        share[level[gives], taker[gives]] = chance[level, taker][gives]
        alias[level[gives], taker[gives]] = giver[gives]
        left = np.where(gives, left - (1.0 - chance[level, taker]), left)
        poor += gives
        spent = ~gives & (rich < photons) & (left < 1.0)
        heir = order[level, np.minimum(rich + 1, photons)]
        share[level[spent], giver[spent]] = left[spent]
        alias[level[spent], giver[spent]] = heir[spent]
        left = np.where(spent, chance[level, heir] - (1.0 - left), left)
        rich += spent
    values = np.stack((np.tile(np.arange(outcomes), (LEVELS, 1)), alias), 2) / photons
    return torch.from_numpy(share.astype(np.float32).ravel()), torch.from_numpy(values.astype(np.float32).ravel())

"""Masks that grow while a network is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from efficienttrust.compression.pruning._masks import Mask, cut_to, zeros_of

END = 0.75
"""Share of the training at which the last weights go: the rest is for the network to settle (Zhu and Gupta 2017)."""


class Thinning:
    """Sets more and more weights to zero, the smallest of all layers, and lets some of them grow again.

    At each update the smallest active weights go. With regrowth more of them go than the plan says, and as many of the
    inactive ones with the largest gradient come back, at 0 (RigL, Evci et al. 2020; with a falling number of weights as
    in GraNet, Liu et al. 2021). Differs from RigL in that weights are compared over all layers.

    Args:
        masks: By the name of the weight.
        plan: (share of the training, share of zeros) of each update, rising in both; nothing happens after the last.
        regrow: Share of the active weights that are replaced at the first update; it falls along a cosine to 0 at the
            last one.
    """

    def __init__(self, masks: Mapping[str, Mask], plan: Sequence[tuple[float, float]], regrow: float = 0.0) -> None:
        self.masks = dict(masks)
        self.plan = tuple(plan)
        self.regrow = regrow
        self.done = 0

    def advance(self, module: nn.Module, progress: float) -> None:
        """Do the latest update that is due at a share of the training, in [0, 1]."""
        due = sum(when <= progress for when, _ in self.plan)
        if due <= self.done:
            return
        self.done = due
        when, amount = self.plan[due - 1]
        last = self.plan[-1][0]
        with torch.no_grad():
            self._update(
                module, amount, self.regrow / 2 * (1 + math.cos(math.pi * when / last)) if due < len(self.plan) else 0.0
            )

    def _update(self, module: nn.Module, amount: float, replaced: float) -> None:
        own = dict(module.named_parameters())
        weights = [own[name] for name in self.masks]
        masks = list(self.masks.values())
        for mask, weight in zip(masks, weights, strict=True):
            mask.keep = mask.keep.to(weight.device)
        before = [mask.keep for mask in masks]
        total = sum(weight.numel() for weight in weights)
        zeros = zeros_of(amount, total)
        grown = round(replaced * (total - zeros)) if all(weight.grad is not None for weight in weights) else 0
        cut_to(masks, [weight.abs() for weight in weights], zeros + grown)
        if grown:
            _grow(masks, [weight.grad for weight in weights], total - zeros)
        for mask, kept, weight in zip(masks, before, weights, strict=True):
            weight.masked_fill_(mask.keep & ~kept, 0.0)

    def state_dict(self) -> dict[str, Any]:
        """Return how many updates are done."""
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the state of a checkpoint."""
        self.done = int(state["done"])


def _grow(masks: Sequence[Mask], gradients: Sequence[Tensor | None], active: int) -> None:
    """Add the weights of largest gradient to masks, until they keep so many."""
    kept = torch.cat([mask.keep.reshape(-1) for mask in masks])
    slopes = torch.cat([gradient.abs().reshape(-1).float() for gradient in gradients if gradient is not None])
    scores = torch.where(kept, -1.0, slopes.nan_to_num(0.0))
    kept[scores.topk(max(active - int(kept.sum()), 0)).indices] = True
    for mask, part in zip(masks, torch.split(kept, [mask.keep.numel() for mask in masks]), strict=True):
        mask.keep = part.view(mask.keep.shape).clone()

"""Weights that are zero as deployed: masks as rules of a projection, and which weights they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from efficienttrust.compression._workpiece import Workpiece
from efficienttrust.compression.pruning._weights import Weight, weights_of
from efficienttrust.errors import UsageError


class Mask:
    """Sets weights to zero.

    Args:
        keep: bool, of the shape of the weight: False where it is zero.
    """

    def __init__(self, keep: Tensor) -> None:
        self.keep = keep

    def __call__(self, weight: Tensor) -> Tensor:
        """Return the weight with its zeros."""
        self.keep = self.keep.to(weight.device)
        return weight.masked_fill(~self.keep, 0.0)

    def state_dict(self) -> dict[str, Any]:
        """Return the mask."""
        return {"keep": self.keep.cpu().clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the mask of a checkpoint."""
        self.keep = state["keep"].clone()


def masks_of(piece: Workpiece) -> dict[str, Mask]:
    """Return the mask of every prunable weight by name; one that has none gets one that keeps all.

    Raises:
        UsageError: The network has no weights that can be pruned.
    """
    weights = weights_of(piece.module)
    if not weights:
        raise UsageError("there is no linear, convolutional or recurrent layer to prune")
    found: dict[str, Mask] = {}
    for weight in weights:
        rules = piece.projection.rules.get(weight.name, [])
        mask = next((rule for rule in rules if isinstance(rule, Mask)), None)
        if mask is None:
            mask = Mask(torch.ones_like(weight.value, dtype=torch.bool))
            piece.projection.add(weight.name, mask)
        found[weight.name] = mask
    return found


def deployed_weights(piece: Workpiece) -> list[tuple[Weight, Tensor]]:
    """Return each prunable weight with what it is as deployed, a tensor that must not be changed."""
    found = []
    for weight in weights_of(piece.module):
        value = weight.value.detach()
        for rule in piece.projection.rules.get(weight.name, []):
            value = rule(value)
        found.append((weight, value))
    return found


def mask_lowest(piece: Workpiece, amount: float, score: Callable[[Tensor], Tensor]) -> None:
    """Set the weights of lowest score to zero, over all layers, so that a share of all prunable weights is zero.

    Weights that are zero already come first. Every layer keeps its weight of highest score.

    Args:
        piece: Its projection gets the masks.
        amount: Share of zeros afterwards.
        score: Maps a weight as deployed to scores of 0 or more.
    """
    masks = list(masks_of(piece).values())
    scores = [torch.where(value == 0, -1.0, score(value)) for _, value in deployed_weights(piece)]
    cut_to(masks, scores, zeros_of(amount, sum(part.numel() for part in scores)))


def cut_to(masks: Sequence[Mask], scores: Sequence[Tensor], zeros: int) -> None:
    """Let masks keep all but so many weights of lowest score, and of each mask the one of highest score.

    Args:
        masks: Are changed; what they set to zero stays so.
        scores: Of the weights of each mask, −1 or more.
        zeros: Wanted number of zeros in all masks together.
    """
    parts = [torch.where(mask.keep, part, -2.0).reshape(-1) for mask, part in zip(masks, scores, strict=True)]
    for part in parts:
        part[part.argmax()] = torch.inf
    flat = torch.cat(parts)
    gone = lowest(flat, max(min(zeros, len(flat) - len(masks)), int((flat == -2.0).sum())))
    for mask, lost in zip(masks, torch.split(gone, [len(part) for part in parts]), strict=True):
        mask.keep = ~lost.view(mask.keep.shape)


def masked_share(masks: Iterable[Mask]) -> float:
    """Return the share of weights that masks set to zero."""
    keeps = [mask.keep for mask in masks]
    return sum(int((~keep).sum()) for keep in keeps) / sum(keep.numel() for keep in keeps)


def zeros_of(amount: float, weights: int) -> int:
    """Return how many of so many weights are zero at a share."""
    return round(amount * weights)


def lowest(scores: Tensor, count: int) -> Tensor:
    """Return which are the `count` lowest of scores [n], bool [n]; of equal ones the first."""
    if count <= 0:
        return torch.zeros_like(scores, dtype=torch.bool)
    threshold = scores.kthvalue(count).values
    found = scores < threshold
    tied = torch.nonzero(scores == threshold)[:, 0]
    found[tied[: count - int(found.sum())]] = True
    return found

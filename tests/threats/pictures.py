"""Small pictures to attack, and models of them with known answers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from efficienttrust.threats import attacks

GRADIENT = [name for name in attacks.names() if attacks.get(name).needs_gradient and not attacks.get(name).stages]


def pictures(n: int = 60, *, seed: int = 0, channels: int = 3, side: int = 6) -> tuple[Tensor, Tensor]:
    """Return pictures around mid-grey, so that small balls do not touch the box, and random binary labels."""
    generator = torch.Generator().manual_seed(seed)
    x = 0.5 + 0.2 * (torch.rand(n, channels, side, side, generator=generator) - 0.5)
    return x, torch.randint(0, 2, (n,), generator=generator)


def two_logits(x: Tensor, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """Return a linear model with two logits, and the weights of their difference."""
    torch.manual_seed(seed)
    layer = nn.Linear(x[0].numel(), 2)
    with torch.no_grad():  # a decision boundary that runs through the pictures
        layer.bias.copy_(-(x.flatten(1) @ layer.weight.t()).mean(0))
    return nn.Sequential(nn.Flatten(), layer), (layer.weight[1] - layer.weight[0]).detach()


def convolutional(classes: int = 5, seed: int = 0, scale: float = 3.0) -> nn.Module:
    """Return a small convolutional network with batch norms that have seen data, far from linear."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, classes),
    )  # fmt: skip
    network.train()
    with torch.no_grad():
        for _ in range(5):
            network(pictures(40)[0])
        network.eval()
        network[-1].weight.mul_(scale)
        network[-1].bias.sub_(network(pictures(40)[0]).mean(0))  # boundaries that run through the pictures
    return network


class Counted:
    """A victim that remembers how many rows it was asked about."""

    differentiable = True

    def __init__(self, module: nn.Module) -> None:
        self.module, self.rows = module, 0

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        def answer(points: Tensor) -> Tensor:
            self.rows += len(points)
            result: Tensor = self.module(points)
            return result

        return answer

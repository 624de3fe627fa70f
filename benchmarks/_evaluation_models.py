"""What the benchmark of attacks attacks: a residual network on digits, trained plainly and hardened."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 8 / 255
BATCH = 64
TRAIN_ROWS, TEST_ROWS = 1400, 192
CONTRAST = 0.3


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norms beside a shortcut."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
        )  # fmt: skip
        same = inside == outside and stride == 1
        self.shortcut = nn.Sequential() if same else nn.Sequential(
            nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside)
        )  # fmt: skip
        self.last = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Return path plus shortcut, rectified."""
        return self.last(self.path(x) + self.shortcut(x))


def resnet20() -> nn.Module:
    """Return a ResNet-20 of widths 16-32-64 with a stride-2 stem, for ten classes."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    inside = 16
    for stage, outside in enumerate((16, 32, 64)):
        for block in range(3):
            layers.append(Residual(inside, outside, 2 if stage and block == 0 else 1))
            inside = outside
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


@dataclass(frozen=True, eq=False)
class Pictures:
    """Test pictures [n, 3, 32, 32] in [0, 1] with labels, and a trained model in evaluation mode."""

    model: nn.Module
    x: Tensor
    y: Tensor


def digits(*, hardened: bool, epochs: int = 12, seed: int = 0) -> Pictures:
    """Train on scikit-learn's digits, 32x32 at low contrast; hardened: by N-FGSM with noise of two radii."""
    from sklearn.datasets import load_digits

    data = load_digits()
    small = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
    x = functional.interpolate(small, size=32, mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    x, y = 0.5 - CONTRAST / 2 + CONTRAST * x, torch.tensor(data.target)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    train, test = order[:TRAIN_ROWS], order[TRAIN_ROWS : TRAIN_ROWS + TEST_ROWS]
    torch.manual_seed(seed)
    model = resnet20()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    steps = TRAIN_ROWS // BATCH
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, epochs * steps)
    for _ in range(epochs):
        shuffled = train[torch.randperm(len(train))]
        for step in range(steps):
            rows = shuffled[step * BATCH : (step + 1) * BATCH]
            batch = _hardened(model, x[rows], y[rows]) if hardened else x[rows]
            loss = functional.cross_entropy(model(batch), y[rows])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return Pictures(model.eval(), x[test], y[test])


def _hardened(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    shift = torch.empty_like(x).uniform_(-2 * EPS, 2 * EPS).requires_grad_(True)
    (gradient,) = torch.autograd.grad(functional.cross_entropy(model(x + shift), y), shift)
    return (x + shift.detach() + EPS * gradient.sign()).clamp(0, 1)

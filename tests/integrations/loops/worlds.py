"""Small worlds to train in: a biased table, bright and dark images, and the loops around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from efficienttrust import ATATS

Batch = tuple[Tensor, Tensor, Tensor]


def table(n: int, seed: int) -> Batch:
    """Six columns; the first is higher in group 1, and so is the share of positives."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(0, 2, (n,), generator=generator)
    x = torch.randn(n, 6, generator=generator)
    x[:, 0] += 1.2 * groups
    y = torch.rand(n, generator=generator) < torch.sigmoid(1.5 * x[:, 0] + x[:, 1] - 0.5)
    return x, y.long(), groups


def images(n: int, seed: int, classes: int = 2) -> Batch:
    """8x8 pictures in [0, 1] with two signs of the class (Tsipras et al. 2019).

    A quadrant whose level is right in nine of ten pictures, and which no small perturbation reverses; and a faint shift
    of all other pixels that is always right, and that a perturbation of 16/255 reverses.
    """
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(0, classes, (n,), generator=generator)
    wrong = torch.rand(n, generator=generator) < 0.1
    shown = torch.where(wrong, torch.randint(0, classes, (n,), generator=generator), y)
    scale = 1 / (classes - 1)
    faint = 0.48 + 0.04 * y * scale
    x = faint[:, None, None, None] + 0.02 * torch.randn(n, 1, 8, 8, generator=generator)
    x[:, :, :4, :4] = (0.2 + 0.6 * shown * scale)[:, None, None, None]
    return x.clamp(0, 1), y, torch.randint(0, 2, (n,), generator=generator)


def loader(rows: Batch, size: int = 64, seed: int = 0) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(seed)
    return DataLoader(TensorDataset(*rows), batch_size=size, shuffle=True, generator=generator)


def mlp(outputs: int = 1, seed: int = 0, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, outputs))


def cnn(outputs: int = 2, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(32, outputs),
    )  # fmt: skip


def started(model: nn.Module | None = None, **options: Any) -> tuple[ATATS, torch.optim.Optimizer]:
    """An ATATS on a model of the table with Adam."""
    model = mlp() if model is None else model
    optimizer = torch.optim.Adam(model.parameters(), lr=options.pop("lr", 5e-3))
    given: dict[str, Any] = {"budget": "time=60 steps", "targets": ["dpd <= 0.1"]}
    return ATATS(model, optimizer, **{**given, **options}), optimizer


def run(
    atats: ATATS,
    optimizer: torch.optim.Optimizer,
    batches: Any,
    validation: Any,
    each: Callable[[int], None] | None = None,
) -> None:
    """The loop of the documentation; `each` is called before every step with its number."""
    for x, y, groups in atats.batches(batches):
        if each is not None:
            each(atats.steps)
        loss = atats.loss(atats.model, x, y, groups)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        atats.step(validation)

"""A small sound network on 8x8 digits, the same network with one fault each, and the evidence about them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from efficienttrust.evaluation.alarms import Alarm, Evidence, gather, raise_alarms
from efficienttrust.threats import ModuleVictim, ball

EPS = 16 / 255
TRAINED_ON = 1200
ROWS = 60


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Return 8-bit digits in [0, 1], [1797, 1, 8, 8], and their labels."""
    data = load_digits()
    pixels = (torch.tensor(data.images, dtype=torch.float32) * 255 / 16).round() / 255
    return pixels[:, None], torch.tensor(data.target)


def held_out() -> tuple[Tensor, Tensor]:
    x, y = digits()
    return x[TRAINED_ON:], y[TRAINED_ON:]


class Standardise(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - 0.5) / 0.25


def network(*, convolves: bool) -> nn.Sequential:
    body = [nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)] if convolves else []
    width = 128 if convolves else 64
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(width, 48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 10))


def trained(build: Callable[[], nn.Module], *, epochs: int = 12, rate: float = 0.05) -> nn.Module:
    """Train by plain gradient descent with momentum: the first optimiser of torch.optim would import for seconds."""
    x, y = (column[:TRAINED_ON] for column in digits())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build()
        weights = list(model.parameters())
        speed = [torch.zeros_like(weight) for weight in weights]
        for _ in range(epochs):
            for part in torch.randperm(len(x)).split(64):
                gradient = torch.autograd.grad(nn.functional.cross_entropy(model(x[part]), y[part]), weights)
                with torch.no_grad():
                    torch._foreach_mul_(speed, 0.9)
                    torch._foreach_add_(speed, gradient)
                    torch._foreach_add_(weights, speed, alpha=-rate)
    return model.eval()


@cache
def sound(convolves: bool = True) -> nn.Module:
    """Return a network trained once for all tests; nobody changes it."""
    return trained(lambda: network(convolves=convolves))


@cache
def normalised_outside() -> nn.Module:
    """Return a network trained on standardised digits, without the standardisation."""
    whole = trained(lambda: nn.Sequential(Standardise(), network(convolves=True)))
    return whole[1]  # type: ignore[index]


class Planted(nn.Module):
    """The sound network with something before it or after it."""

    def __init__(self, *, before: Any = None, after: Any = None) -> None:
        super().__init__()
        self.body, self.before, self.after = sound(), before, after

    def forward(self, x: Tensor) -> Tensor:
        z = self.body(x if self.before is None else self.before(x))
        return z if self.after is None else self.after(z)


def evidence_of(model: nn.Module, *, eps: float = EPS, norm: str = "linf", **more: Any) -> Evidence:
    x, y = held_out()
    widest = 1.0 if norm == "linf" else 8.0
    # A stand-in with folded batch norms would be compared with the model on answers that may be NaN here.
    victim = ModuleVictim(model, fold=False, screen=False)
    return gather(
        victim,
        lambda radius: ball(x, radius, norm),
        y,
        eps,
        widest=widest,
        module=model,
        pixels=True,
        most=ROWS,
        **more,
    )


def looked_at(evidence: Evidence) -> dict[str, Alarm]:
    return {alarm.name: alarm for alarm in raise_alarms(evidence)}


@cache
def sound_alarms() -> dict[str, Alarm]:
    """Return every alarm about the sound network."""
    return looked_at(evidence_of(sound()))


def fired(evidence: Evidence) -> set[str]:
    return {name for name, alarm in looked_at(evidence).items() if alarm.fired}

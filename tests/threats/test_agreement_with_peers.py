"""Other libraries' PGD and ours find the same rows, up to the noise of random starts, on the same model."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from efficienttrust.metrics.intervals import wilson
from efficienttrust.threats import ModuleVictim, Tally, attacks, ball, run_attack
from efficienttrust.threats.catalogue.pgd import PGD
from tests.threats.pictures import convolutional, pictures

STEPS, SIZE, N = 20, 0.25, 240
RADII = (0.002, 0.004, 0.008)


def ours(norm: str, eps: float, model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    attack = replace(attacks.get("pgd"), iteration=PGD(steps=STEPS, size=SIZE))
    generator = torch.Generator().manual_seed(0)
    found = run_attack(attack, ModuleVictim(model), ball(x, eps, norm), y, generator, tally=Tally())
    return float(found.right.float().mean())


def assert_same(first: float, second: float) -> None:
    low, high = wilson(np.array([first * N]), np.array([float(N)]), 1.96)
    assert low[0] <= second <= high[0]
    assert abs(first - second) < 0.03


@pytest.mark.parametrize("eps", RADII)
def test_foolbox_linf(eps: float) -> None:
    foolbox = pytest.importorskip("foolbox", reason="foolbox is not installed: make peers")
    x, _ = pictures(N)
    model = convolutional()
    y = model(x).argmax(1)
    torch.manual_seed(0)
    attack = foolbox.attacks.LinfPGD(steps=STEPS, rel_stepsize=SIZE, random_start=True)
    _, _, fooled = attack(foolbox.PyTorchModel(model, bounds=(0, 1)), x, y, epsilons=eps)
    assert_same(ours("linf", eps, model, x, y), float(1 - fooled.float().mean()))


@pytest.mark.parametrize("eps", [0.02, 0.05])
def test_foolbox_l2(eps: float) -> None:
    foolbox = pytest.importorskip("foolbox", reason="foolbox is not installed: make peers")
    x, _ = pictures(N)
    model = convolutional()
    y = model(x).argmax(1)
    torch.manual_seed(0)
    attack = foolbox.attacks.L2PGD(steps=STEPS, rel_stepsize=SIZE, random_start=True)
    _, _, fooled = attack(foolbox.PyTorchModel(model, bounds=(0, 1)), x, y, epsilons=eps)
    assert_same(ours("l2", eps, model, x, y), float(1 - fooled.float().mean()))


@pytest.mark.parametrize("eps", RADII)
def test_torchattacks_linf(eps: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torchattacks = pytest.importorskip("torchattacks", reason="torchattacks is not installed: make peers")
    x, _ = pictures(N)
    model = convolutional()
    y = model(x).argmax(1)
    torch.manual_seed(0)
    moved = torchattacks.PGD(model, eps=eps, alpha=SIZE * eps, steps=STEPS, random_start=True)(x, y)
    with torch.no_grad():
        theirs = float((model(moved).argmax(1) == y).float().mean())
    assert_same(ours("linf", eps, model, x, y), theirs)


def test_auto_pgd_is_no_weaker_than_torchattacks() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torchattacks = pytest.importorskip("torchattacks", reason="torchattacks is not installed: make peers")
    x, _ = pictures(N)
    model = convolutional()
    y = model(x).argmax(1)
    for name, loss in (("apgd_ce", "ce"), ("apgd_dlr", "dlr")):
        moved = torchattacks.APGD(model, norm="Linf", eps=0.004, steps=50, loss=loss, seed=0)(x, y)
        with torch.no_grad():
            theirs = float((model(moved).argmax(1) == y).float().mean())
        found = run_attack(attacks.get(name), ModuleVictim(model), ball(x, 0.004), y, torch.Generator().manual_seed(0))
        assert float(found.right.float().mean()) <= theirs + 2.0 / N

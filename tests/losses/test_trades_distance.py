"""The distance of TRADES is the Kullback-Leibler divergence, of two classes or more; its gradients are autograd's."""

from __future__ import annotations

import torch
from torch.nn import functional

from efficienttrust.losses import trades_distances, trades_gradients


def pair(*shape):
    generator = torch.Generator().manual_seed(0)
    return (3 * torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2))


def test_two_classes_are_two_of_many():
    z, attacked = pair(50)
    two = trades_distances(torch.stack([torch.zeros(50), z], 1), torch.stack([torch.zeros(50), attacked], 1))
    torch.testing.assert_close(trades_distances(z, attacked), two)
    assert torch.all(two > 0)
    assert torch.equal(trades_distances(z, z), torch.zeros(50, dtype=torch.float64))


def test_many_classes_by_torch():
    z, attacked = pair(20, 5)
    wanted = functional.kl_div(torch.log_softmax(attacked, 1), torch.softmax(z, 1), reduction="none").sum(1)
    torch.testing.assert_close(trades_distances(z, attacked), wanted)


def test_gradients_by_hand():
    z, attacked = (one.requires_grad_(True) for one in pair(50))
    wanted = torch.autograd.grad(trades_distances(z, attacked).sum(), (z, attacked))
    found = trades_gradients(z.detach(), attacked.detach())
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_far_logits_stay_finite():
    z, attacked = torch.tensor([80.0, -80.0, 80.0]), torch.tensor([-80.0, 80.0, 80.0])
    distances = trades_distances(z, attacked)
    torch.testing.assert_close(distances, torch.tensor([80.0, 80.0, 0.0]))
    assert all(torch.isfinite(one).all() for one in trades_gradients(z, attacked))

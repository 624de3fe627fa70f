"""`bind(x, p)(x[:, :p])` is the network itself, as a function of the numeric columns only."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.models import MLP, build_mlp

D = 9
SHAPES = [(), (5,), (16, 8)]


def network(widths: tuple[int, ...]) -> MLP:
    return build_mlp(n_features=D, widths=widths, seed=3)


@pytest.mark.parametrize("widths", SHAPES)
@pytest.mark.parametrize("n_numeric", [0, 1, 4, D])
@pytest.mark.parametrize("n_rows", [0, 1, 37])
def test_bound_network_gives_the_same_logits(widths: tuple[int, ...], n_numeric: int, n_rows: int) -> None:
    net = network(widths)
    x = torch.randn(n_rows, D, generator=torch.Generator().manual_seed(0))
    whole = net(x)
    assert whole.shape == (n_rows,)
    torch.testing.assert_close(net.bind(x, n_numeric)(x[:, :n_numeric]), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("widths", SHAPES)
def test_bound_network_has_the_gradient_of_the_network(widths: tuple[int, ...]) -> None:
    net, p = network(widths), 4
    x = torch.randn(20, D, generator=torch.Generator().manual_seed(1))
    whole = x.clone().requires_grad_(True)
    numeric = x[:, :p].clone().requires_grad_(True)
    (expected,) = torch.autograd.grad(net(whole).sum(), whole)
    (found,) = torch.autograd.grad(net.bind(x, p)(numeric).sum(), numeric)
    torch.testing.assert_close(found, expected[:, :p], rtol=1e-5, atol=1e-6)


def test_bound_network_sees_other_numeric_values_but_keeps_the_rest() -> None:
    net, p = network((16, 8)), 4
    x = torch.randn(20, D, generator=torch.Generator().manual_seed(1))
    moved = x.clone()
    moved[:, :p] += 0.5
    torch.testing.assert_close(net.bind(x, p)(moved[:, :p]), net(moved), rtol=1e-5, atol=1e-6)

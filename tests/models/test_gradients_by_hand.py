"""The gradients written by hand are those of autograd."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.models import build_mlp


@pytest.mark.parametrize("widths", [(), (7,), (16, 8), (5, 4, 3)])
@pytest.mark.parametrize("rows", [1, 33])
def test_they_equal_autograd(widths, rows):
    generator = torch.Generator().manual_seed(0)
    network = build_mlp(n_features=6, widths=widths, seed=0)
    for _ in range(2):  # the second time gradients are overwritten, not added to
        x = torch.randn(rows, 6, generator=generator)
        direction = torch.randn(rows, generator=generator)
        activations = network.activations(x)
        network.write_gradients(activations, direction)
        z = network(x)
        torch.testing.assert_close(activations[-1], z.detach())
        expected = torch.autograd.grad(z, list(network.parameters()), direction)
        for parameter, gradient in zip(network.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)

"""The arrays of `layers()` are the whole network: numpy alone can run it, and they do not change with it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.models import build_mlp


@pytest.mark.parametrize("widths", [(), (5,), (16, 8), (1, 1, 1)])
def test_arrays_reproduce_the_forward_pass(widths: tuple[int, ...]) -> None:
    net = build_mlp(n_features=7, widths=widths, seed=0)
    x = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    activation = x
    layers = net.layers()
    for index, (weight, bias) in enumerate(layers):
        assert weight.dtype == bias.dtype == np.float32
        activation = activation @ weight + bias
        if index < len(layers) - 1:
            activation = np.maximum(activation, 0)
    with torch.no_grad():
        expected = net(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(activation[:, 0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("widths", [(), (1,), (6, 3)])
def test_arrays_are_copies(widths: tuple[int, ...]) -> None:
    net = build_mlp(n_features=1 if widths == (1,) else 7, widths=widths, seed=0)
    before = net.layers()
    kept = [(weight.copy(), bias.copy()) for weight, bias in before]
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    for (weight, bias), (weight_then, bias_then) in zip(before, kept, strict=True):
        np.testing.assert_array_equal(weight, weight_then)
        np.testing.assert_array_equal(bias, bias_then)


@pytest.mark.parametrize("widths", [(), (5,), (16, 8)])
def test_counts_of_parameters_and_operations_agree_with_the_arrays(widths: tuple[int, ...]) -> None:
    net = build_mlp(n_features=7, widths=widths, seed=0)
    assert net.n_parameters == sum(weight.size + bias.size for weight, bias in net.layers())
    assert net.flops_per_row() == sum(2 * weight.size for weight, _ in net.layers())


def test_known_count_of_parameters() -> None:
    assert build_mlp(n_features=10, widths=(32, 16), seed=0).n_parameters == 10 * 32 + 32 + 32 * 16 + 16 + 16 + 1
    assert build_mlp(n_features=10, widths=(), seed=0).n_parameters == 11


def test_names_for_reports() -> None:
    assert build_mlp(n_features=3, widths=(32, 16), seed=0).name == "mlp 32-16"
    assert build_mlp(n_features=3, widths=(), seed=0).name == "linear"

"""Numbers are clipped, and embedded as curves through quantiles, as the formulas say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from efficienttrust.models._embeddings import CURVE_GAIN, PiecewiseLinear, RobustClip, _knots, column_sample
from efficienttrust.models._table_layers import BlockEmbedding
from tests.models.table_cases import table

SAMPLES = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 60), st.integers(1, 3)), elements=st.floats(-20, 20, width=32)
)


def column(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)[:, None]


def test_a_smooth_column_is_centred_and_scaled_by_its_quartiles() -> None:
    values = np.random.default_rng(0).gamma(2.0, size=(999, 1))
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    clip = RobustClip(values)
    robust = (values - median) / (upper - lower)
    expected = robust / np.sqrt(1 + (robust / 3) ** 2)
    found = clip(torch.tensor(values, dtype=torch.float32))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_a_column_of_mostly_zeros_keeps_its_amounts_apart() -> None:
    amounts = np.random.default_rng(0).uniform(4, 6, 100)
    clipped = RobustClip(column(np.append(np.zeros(1900), amounts)))(torch.tensor([[0.0], [4.0], [6.0]])).flatten()
    assert clipped[0] == 0
    assert 0.5 < clipped[1] < clipped[2] - 0.2 < 2


@given(SAMPLES)
@settings(max_examples=30, deadline=None)
def test_clipping_is_bounded_and_rises(sample: np.ndarray) -> None:
    x = torch.linspace(-30, 30, 200)[:, None].expand(-1, sample.shape[1])
    clipped = RobustClip(sample)(x)
    assert clipped.isfinite().all()
    assert (clipped.abs() <= 3 * (1 + 1e-6)).all()
    assert (clipped.diff(dim=0) >= -1e-6).all()


def by_definition(layer: PiecewiseLinear, knots: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The formula of Gorishniy et al. (2022), component by component, for a single column."""
    curve = CURVE_GAIN * layer.curve[0].detach().numpy().astype(np.float64)
    total = x[:, None] * layer.linear[0].detach().numpy() + layer.bias[0].detach().numpy()
    for t in range(len(knots) - 1):
        position = (x - knots[t]) / (knots[t + 1] - knots[t])
        position = position if t == 0 else np.maximum(position, 0)
        position = position if t == len(knots) - 2 else np.minimum(position, 1)
        total = total + position[:, None] * curve[t]
    return total


def test_it_is_the_formula_with_quantiles_as_knots() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    torch.manual_seed(0)
    layer = PiecewiseLinear(column(values), bins=8, size=3)
    with torch.no_grad():
        layer.curve.normal_()
    x = np.linspace(-6, 6, 101)
    found = layer(torch.tensor(x, dtype=torch.float32)[:, None])[:, 0].detach().numpy()
    np.testing.assert_allclose(found, by_definition(layer, np.quantile(values, np.linspace(0, 1, 9)), x), atol=1e-4)


def test_common_values_are_knots_and_do_not_use_up_the_quantiles() -> None:
    rare = np.random.default_rng(0).uniform(2, 3, 100)
    layer = PiecewiseLinear(column(np.concatenate([np.zeros(900), np.full(200, 5.0), rare])), bins=10, size=2)
    starts = (-layer.offset / layer.slope)[0].numpy()
    expected = [0, *np.quantile(rare, np.linspace(0, 1, 9))]
    np.testing.assert_allclose(starts, expected, atol=1e-5)  # and 5, where the last bin ends


def test_columns_of_different_kinds_share_one_layer() -> None:
    rng = np.random.default_rng(0)
    columns = [rng.normal(size=300), np.full(300, 0.7), rng.integers(0, 2, 300), np.where(rng.random(300) < 0.95, 0, 4)]
    torch.manual_seed(0)
    layer = PiecewiseLinear(np.stack(columns, axis=1), bins=16, size=2)
    assert (layer.slope != 0).sum(1).tolist() == [16, 0, 1, 1]
    alone = PiecewiseLinear(column(columns[2]), bins=16, size=2)
    x = torch.randn(20, 4)
    with torch.no_grad():
        layer.curve.normal_()
        alone.curve.copy_(layer.curve[2:3, :1])
        alone.linear.copy_(layer.linear[2:3])
        alone.bias.copy_(layer.bias[2:3])
    torch.testing.assert_close(layer(x)[:, 2:3], alone(x[:, 2:3]))
    torch.testing.assert_close(layer(x)[:, 1], x[:, 1:2] * layer.linear[1] + layer.bias[1])


@given(SAMPLES, st.integers(1, 20))
@settings(max_examples=30, deadline=None)
def test_it_is_the_formula_whatever_the_sample(sample: np.ndarray, bins: int) -> None:
    torch.manual_seed(0)
    sample = sample[:, :1] / 8
    layer, knots = PiecewiseLinear(sample, bins=bins, size=2).double(), _knots(sample[:, 0], bins)
    assert (np.diff(knots) >= 1e-3 - 1e-12).all()
    x = np.linspace(-3, 3, 50)
    with torch.no_grad():
        layer.curve.normal_()
        found = layer(torch.tensor(x)[:, None])[:, 0].numpy()
    # A knot is kept in float32 and divided by a width of 1e-3 or more.
    np.testing.assert_allclose(found, by_definition(layer, knots, x), atol=5e-3)


def test_at_a_knot_the_gradient_lies_between_both_sides() -> None:
    layer = PiecewiseLinear(column([0.0, 1.0, 2.0]), bins=2, size=1)
    with torch.no_grad():
        layer.curve.copy_(torch.tensor([[[1.0], [3.0]]]) / CURVE_GAIN)
        layer.linear.zero_()
    x = torch.tensor([[0.5], [1.0], [1.5]], requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(x).sum(), x)
    torch.testing.assert_close(gradient.flatten(), torch.tensor([1.0, 2.0, 3.0]))


def test_without_a_sample_columns_are_standard_normal() -> None:
    values = column_sample(replace(table(), sample=None))
    assert values.shape[1] == 4
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-2)


@pytest.mark.parametrize("size", [1, 4])
def test_a_block_is_the_vector_of_its_category(size: int) -> None:
    layer = BlockEmbedding(((1, 4), (4, 9)), size=size, scale=1.0)
    x = torch.zeros(3, 9)
    x[torch.arange(3), [1, 3, 2]] = 1
    x[torch.arange(3), [8, 4, 4]] = 1
    found = layer(x)
    torch.testing.assert_close(found[:, 0], layer.vectors[0][[0, 2, 1]])
    torch.testing.assert_close(found[:, 1], layer.vectors[1][[4, 0, 0]])

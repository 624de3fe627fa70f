"""Networks for tables: shapes, rows apart from each other, gradients that attacks can use, odd tables."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from efficienttrust.models import Inputs, make_network
from efficienttrust.models.counting import count_flops, count_parameters
from tests.models.network_cases import network
from tests.models.table_cases import encoded, table

OPTIONS = {"tabular": {"width": 0.25, "members": 3}, "ft_transformer": {"width": 1 / 6, "depth": 2}}
NAMES = list(OPTIONS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [0, 1, 7])
def test_logits_have_one_column_per_output_or_none(name: str, n: int) -> None:
    inputs = table()
    x = encoded(inputs, n)
    assert network(name, inputs, 3, **OPTIONS[name])(x).shape == (n, 3)
    assert network(name, inputs, 1, **OPTIONS[name])(x).shape == (n,)


@pytest.mark.parametrize("name", NAMES)
def test_rows_do_not_depend_on_their_batch(name: str) -> None:
    inputs = table()
    module, x = network(name, inputs, 2, **OPTIONS[name]), encoded(inputs, 9)
    with torch.no_grad():
        torch.testing.assert_close(torch.cat([module(row[None]) for row in x]), module(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_every_feature_moves_the_logit_and_the_gradient_says_how_far(name: str) -> None:
    inputs = table(blocks=(3, 20, 5))
    module = network(name, inputs, 1, **OPTIONS[name]).double()
    x = encoded(inputs, 40).double().requires_grad_(True)
    (gradient,) = torch.autograd.grad(module(x).sum(), x)
    assert gradient.isfinite().all()
    assert (gradient != 0).any(0).all()
    step = 1e-7
    with torch.no_grad():
        for feature in range(*inputs.shape):
            there, back = x.clone(), x.clone()
            there[:, feature] += step
            back[:, feature] -= step
            slope = (module(there) - module(back)) / (2 * step)
            # The median, as a few rows lie on a knot or a corner of a ReLU, where there is no slope.
            assert (slope - gradient[:, feature]).abs().median() < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_rows_far_away_have_finite_logits_and_gradients(name: str) -> None:
    inputs = table()
    module, x = network(name, inputs, 1, **OPTIONS[name]), encoded(inputs, 20)
    x[:, : inputs.n_numeric] *= 1e4
    x.requires_grad_(True)
    logits = module(x)
    (gradient,) = torch.autograd.grad(logits.sum(), x)
    assert logits.isfinite().all()
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "inputs",
    [
        table(numeric=0),
        table(blocks=()),
        table(numeric=1, blocks=()),
        table(m=1),
        dataclasses.replace(table(), sample=None),
        dataclasses.replace(table(), sample=np.zeros((50, *table().shape), dtype=np.float32)),
        Inputs("table", (5,)),
        Inputs("table", (5,), n_numeric=5),
    ],
    ids=["no numbers", "no blocks", "one number", "one row", "no sample", "constant", "nothing said", "numbers alone"],
)
def test_odd_tables_are_read(name: str, inputs: Inputs) -> None:
    x = torch.randn(6, *inputs.shape, generator=torch.Generator().manual_seed(0))
    logits = network(name, inputs, 1, **OPTIONS[name])(x)
    assert logits.isfinite().all()
    assert len(logits.unique()) == 6


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name: str) -> None:
    inputs = table()
    module = network(name, inputs, 1, **OPTIONS[name])
    module(encoded(inputs, 400)).square().sum().backward()
    for parameter, tensor in module.named_parameters():
        assert tensor.grad is not None, parameter
        assert tensor.grad.isfinite().all()
        assert (tensor.grad != 0).any(), parameter


@pytest.mark.parametrize("name", NAMES)
def test_weights_depend_on_the_seed_alone(name: str) -> None:
    def weights(seed: int) -> torch.Tensor:
        module = make_network(name, table(), 2, seed=seed, **OPTIONS[name])
        return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])

    first = weights(5)
    torch.rand(17)
    assert torch.equal(first, weights(5))
    assert not torch.equal(first, weights(6))


@pytest.mark.parametrize("name", NAMES)
def test_width_scales_what_it_costs(name: str) -> None:
    inputs = table()
    x = encoded(inputs, 4)

    def costs(width: float) -> tuple[int, float]:
        module = make_network(name, inputs, 1, seed=0, width=width)
        count = count_flops(module, [x])
        assert count.note == ""
        return count_parameters(module).total, count.per_row

    narrow, plain, wide = costs(0.5), costs(1.0), costs(2.0)
    assert narrow[0] < plain[0] < wide[0]
    assert narrow[1] < plain[1] < wide[1]
    assert costs(1e-6)[0] < narrow[0]


@pytest.mark.parametrize("name", NAMES)
def test_linear_layers_are_most_of_the_work_counted(name: str) -> None:
    inputs = table()
    module = make_network(name, inputs, 1, seed=0)
    x = encoded(inputs, 4)
    calls: list[float] = []

    def count(layer: torch.nn.Linear, given: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        calls.append(given[0].numel() / len(x) / layer.in_features * layer.weight.numel())

    hooks = [layer.register_forward_hook(count) for layer in module.modules() if isinstance(layer, torch.nn.Linear)]
    module(x)
    for hook in hooks:
        hook.remove()
    counted = count_flops(module, [x]).multiply_adds
    assert sum(calls) < counted < 1.35 * sum(calls)


def test_a_deeper_ft_transformer_has_more_blocks() -> None:
    one, four = (make_network("ft_transformer", table(), 1, seed=0, depth=depth) for depth in (1, 4))
    added = count_parameters(four.blocks[1]).total
    assert count_parameters(four).total == count_parameters(one).total + 3 * added


@pytest.mark.parametrize(("numeric", "bins", "most"), [(4, 8, 8), (4, 256, 256), (200, 256, 20)])
def test_bins_are_as_asked_and_fewer_where_columns_are_many(numeric: int, bins: int, most: int) -> None:
    module = make_network("tabular", table(3000, numeric=numeric, blocks=()), 1, seed=0, bins=bins)
    assert 0.8 * most < module.numbers.slope.shape[1] <= most + 2

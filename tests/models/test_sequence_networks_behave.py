"""Sequence networks see nothing of a missing cell, stand empty sequences, treat rows apart, and cost what they cost."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from efficienttrust.models import make_network
from efficienttrust.models.counting import count_flops, count_parameters
from tests.models.network_cases import network, rows, sequences

OPTIONS = {"lstm": {"width": 0.25, "layers": 2}, "gru": {"width": 0.25}, "time_transformer": {"width": 0.5, "depth": 2}}
NAMES = list(OPTIONS)


def missing_cells(inputs, x):
    """Which numeric columns of the grid are missing, bool [n, d]."""
    missing = torch.zeros_like(x, dtype=torch.bool)
    for cell in inputs.grid[inputs.grid >= 0]:
        if inputs.indicator[cell] >= 0:
            missing[:, cell] = x[:, inputs.indicator[cell]] == 1
    return missing


@pytest.mark.parametrize("name", NAMES)
def test_missing_cells_have_no_effect_and_a_gradient_of_exactly_zero(name):
    inputs = sequences()
    module, x = network(name, inputs, outputs=1, **OPTIONS[name]), rows(inputs, 6).requires_grad_(True)
    missing = missing_cells(inputs, x.detach())
    (gradient,) = torch.autograd.grad(module(x).sum(), x)
    assert gradient.isfinite().all()
    assert missing.any()
    assert (gradient[missing] == 0).all()
    with torch.no_grad():
        for rubbish in (7.0, float("inf"), float("nan")):
            assert torch.equal(module(torch.where(missing, rubbish, x)), module(x))


@pytest.mark.parametrize("name", NAMES)
def test_observed_cells_and_statics_have_an_effect(name):
    inputs = sequences()
    module, x = network(name, inputs, outputs=1, **OPTIONS[name]), rows(inputs, 6, missing=0.0).requires_grad_(True)
    (gradient,) = torch.autograd.grad(module(x).sum(), x)
    assert (gradient[:, inputs.grid[inputs.grid >= 0]] != 0).all()
    assert (gradient[:, 0] != 0).all(), "the numeric column outside the grid"
    assert (gradient[:, inputs.blocks[0][0] :] != 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_that_a_value_is_missing_is_seen(name):
    inputs = sequences()
    module, x = network(name, inputs, **OPTIONS[name]), rows(inputs, 6, missing=0.0)
    hidden = x.clone()
    hidden[:, inputs.indicator[inputs.grid[3, 0]]] = 1.0
    assert (module(hidden) != module(x)).any(1).all()


@pytest.mark.parametrize("name", NAMES)
def test_empty_sequences_have_finite_logits_and_gradients(name):
    inputs = sequences()
    module, x = network(name, inputs, outputs=2, **OPTIONS[name]), rows(inputs, 4, missing=1.0)
    nothing_at_all = inputs.grid[inputs.grid >= 0][inputs.indicator[inputs.grid[inputs.grid >= 0]] < 0]
    inputs.indicator[nothing_at_all] = 0  # the one cell that is always there gets an indicator for this
    module = network(name, inputs, outputs=2, **OPTIONS[name])
    x[:, 0] = 1.0
    x.requires_grad_(True)
    logits = module(x)
    assert not module.read(x).observed.any()
    assert logits.isfinite().all()
    logits.sum().backward()
    assert x.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("name", NAMES)
def test_rows_do_not_depend_on_their_batch(name):
    inputs = sequences()
    module, x = network(name, inputs, **OPTIONS[name]), rows(inputs, 9)
    with torch.no_grad():
        together, alone = module(x), torch.cat([module(row[None]) for row in x])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)
    assert module(x[:0]).shape == (0, 3)


@pytest.mark.parametrize("name", NAMES)
def test_one_output_is_one_number_per_row(name):
    inputs = sequences()
    assert network(name, inputs, outputs=1, **OPTIONS[name])(rows(inputs, 5)).shape == (5,)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_determines_the_weights(name):
    first, again, other = (
        nn.utils.parameters_to_vector(make_network(name, sequences(), seed=seed).parameters()) for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_steps_at_which_nothing_was_observed_are_not_attended_to():
    """Their tokens change with their positions, and the logits do not."""
    inputs = sequences(steps=4)
    module, x = network("time_transformer", inputs, **OPTIONS["time_transformer"]), rows(inputs, 3, missing=0.0)
    hidden = inputs.grid[3]
    x[:, inputs.indicator[hidden]] = 1.0
    before = module(x)
    module.positions[3] += 5.0
    assert torch.equal(module(x), before)
    module.positions[2] += 5.0
    assert not torch.equal(module(x), before)


@pytest.mark.parametrize(("name", "gates"), [("lstm", 4), ("gru", 3)])
def test_recurrent_networks_by_hand(name, gates):
    inputs, hidden = sequences(steps=5, channels=3, statics=2), 32
    module = make_network(name, inputs, 4, seed=0, width=0.5)
    count = count_flops(module, [rows(inputs, 3)])
    statics = 1 + 1 + 2  # a numeric column, its indicator, slots
    known = statics + 5 * 3  # and totals of three channels
    recurrent = gates * hidden * (9 + hidden)
    assert module.read.n_statics == statics
    assert count.note == ""
    assert count.multiply_adds == 5 * recurrent + (hidden + known) * hidden + hidden * 4 + known * 4
    parameters = 3 + recurrent + 2 * gates * hidden + (hidden + known + 1) * hidden + (hidden + known + 2) * 4
    assert count_parameters(module).total == parameters


def test_time_transformer_by_hand():
    inputs = sequences(steps=5, channels=3, statics=2)
    module = make_network("time_transformer", inputs, 4, seed=0, depth=2)
    count = count_flops(module, [rows(inputs, 3)])
    tokens, units, statics = 6, 64, module.read.n_statics
    block = tokens * 12 * units * units + tokens * tokens * 2 * units
    assert count.note == ""
    assert count.multiply_adds == 5 * 9 * units + statics * units + 2 * block + units * 4 + (statics + 5 * 3) * 4


def test_totals_by_brute_force():
    inputs = sequences(steps=5, channels=3)
    module, x = network("gru", inputs, **OPTIONS["gru"]), rows(inputs, 6)
    sequence = module.read(x)
    found = module.summarise(sequence).reshape(6, 5, 3)
    assert sequence.observed.any()
    assert not sequence.observed.all()
    for row, channel in itertools.product(range(6), range(3)):
        seen = [(t, float(sequence.values[row, t, channel])) for t in range(5) if sequence.observed[row, t, channel]]
        level, trend = sum(value for _, value in seen), sum(value * (t - 2) / 2 for t, value in seen)
        expected = [level / 5**0.5, trend / 5**0.5, level / (len(seen) + 4), trend / (len(seen) + 4), len(seen) / 5]
        assert found[row, :, channel].tolist() == pytest.approx(expected, abs=1e-5)


def test_forget_gates_start_open_and_recurrent_weights_orthogonal():
    recurrent = make_network("lstm", sequences(), seed=0, width=0.25).recurrent
    gates = (recurrent.bias_ih_l0 + recurrent.bias_hh_l0).view(4, 16)
    assert gates.mean(1).tolist() == [0.0, 1.0, 0.0, 0.0]
    for gate in recurrent.weight_hh_l0.view(4, 16, 16):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_learns_a_value_seen_early_in_the_sequence(name):
    from efficienttrust.models import networks

    inputs = sequences()
    x = rows(inputs, 128, missing=0.3)
    y = (x[:, inputs.grid[0, 0]] > 0).float()  # the first step, whose cell is always there
    module = make_network(name, inputs, seed=0, **OPTIONS[name])
    optimiser = torch.optim.AdamW(module.parameters(), networks.get(name).learning_rate)
    for _ in range(100):  # totals, which are learned first, say little here
        optimiser.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(module(x), y).backward()
        optimiser.step()
    assert float(((module(x) > 0) == (y > 0)).float().mean()) > 0.9

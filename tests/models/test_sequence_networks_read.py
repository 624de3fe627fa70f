"""Rows are taken apart into values, masks, time gaps and static features as a loop over cells says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.models import Inputs, make_network
from efficienttrust.models._sequences import Filled, Reader, last_observed
from tests.models.network_cases import rows, sequences

NAMES = ["lstm", "gru", "time_transformer"]


@pytest.mark.parametrize(("steps", "channels", "statics"), [(7, 3, 2), (3, 2, 4), (13, 2, 1)])
def test_cells_masks_and_statics_by_brute_force(steps, channels, statics):
    inputs = sequences(steps, channels, statics)
    x = rows(inputs, 5)
    sequence = Reader(inputs, "lstm")(x)
    assert inputs.grid is not None
    for i in range(5):
        for t in range(steps):
            for c in range(channels):
                cell = int(inputs.grid[t, c])
                seen = cell >= 0 and (inputs.indicator[cell] < 0 or x[i, inputs.indicator[cell]] == 0)
                assert bool(sequence.observed[i, t, c]) == seen
                assert float(sequence.values[i, t, c]) == (float(x[i, cell]) if seen else 0.0)
    cells = inputs.grid[inputs.grid >= 0]
    used = {*cells.tolist(), *inputs.indicator[cells].tolist()}
    assert torch.equal(sequence.statics, x[:, [j for j in range(inputs.shape[0]) if j not in used]])


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 11])
def test_last_observation_by_brute_force(steps):
    observed = torch.rand(20, steps, 2, generator=torch.Generator().manual_seed(steps)) < 0.3
    found = last_observed(observed, torch.arange(steps)[:, None])
    for i in range(20):
        for c in range(2):
            last = -1
            for t in range(steps):
                last = t if observed[i, t, c] else last
                assert found[i, t, c] == last


def test_missing_values_fade_from_the_last_one_observed():
    inputs = sequences(4, 1, 1)
    fill, nothing = Filled(1, 4), torch.zeros(1, 1)
    with torch.no_grad():
        fill.rate.fill_(-2.0)  # the sign does not matter
    observed = torch.tensor([False, True, False, False]).view(1, 4, 1)
    values = torch.tensor([0.0, 3.0, 0.0, 0.0]).view(1, 4, 1)
    filled, mask, ago = fill(
        Reader(inputs, "lstm")(rows(inputs, 1))._replace(values=values, observed=observed, statics=nothing)
    )[0].T
    np.testing.assert_allclose(filled.detach(), [0.0, 3.0, 3.0 * np.exp(-0.5), 3.0 * np.exp(-1.0)], rtol=1e-6)
    assert mask.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert ago.tolist() == [0.25, 0.0, 0.25, 0.5]


@pytest.mark.parametrize("name", NAMES)
def test_tables_without_a_grid_are_refused(name):
    with pytest.raises(UsageError, match=rf"network '{name}' reads sequences: numeric columns named NAME@00") as error:
        make_network(name, Inputs("table", (4,), n_numeric=4, indicator=np.full(4, -1)), seed=0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_images_are_refused(name):
    with pytest.raises(UsageError, match="not image"):
        make_network(name, Inputs("image", (1, 8, 8)), seed=0)


@pytest.mark.parametrize(("name", "option"), [("lstm", "layers"), ("gru", "layers"), ("time_transformer", "depth")])
def test_no_layers_are_refused(name, option):
    with pytest.raises(UsageError, match=rf"{name} needs {option} >= 1, not 0"):
        make_network(name, sequences(), seed=0, **{option: 0})

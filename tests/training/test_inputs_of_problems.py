"""What a network is told of its inputs follows the encoder, and can be written down."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.data import Encoder, NumericFeature, load_image_problem, load_problem
from efficienttrust.models import Inputs, make_network
from efficienttrust.training import described, inputs_from, inputs_of
from efficienttrust.training._inputs import SAMPLE_ROWS, grid_of
from tests.small_problems import loans, make_table


def encoder_of(*columns: str) -> Encoder:
    return Encoder(
        tuple(NumericFeature(name, False, 0.0, 0.0, 1.0, -1.0, 1.0, indicator=False) for name in columns), ()
    )


def wide(n: int = 300) -> pd.DataFrame:
    """Two variables over three hours, of which one was not measured in the second, and a static column."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({f"{name}@{hour:02d}": rng.normal(size=n) for hour in range(3) for name in ("hr", "bp")})
    table = table.drop(columns="bp@01").assign(age=rng.normal(60, 9, n), sex=rng.choice(["f", "m"], n))
    table.loc[::5, "hr@02"] = np.nan
    table["died"] = np.where(table["hr@00"] > 0, "yes", "no")
    return table


@pytest.fixture(scope="module")
def sequence():
    return load_problem(wide(), label="died", sensitive="sex")


def test_a_table_is_told_as_the_encoder_lays_it_out():
    problem = loans()
    inputs, x, names = inputs_of(problem, 0), problem.splits["train"].x, problem.encoder.feature_names
    assert (inputs.kind, inputs.shape, inputs.grid) == ("table", (x.shape[1],), None)
    assert inputs.n_numeric == len(problem.encoder.numeric)
    for start, stop in inputs.blocks:
        np.testing.assert_array_equal(x[:, start:stop].sum(axis=1), 1)
    owned = [feature for start, stop in inputs.blocks for feature in range(start, stop)]
    assert sorted([*range(inputs.n_numeric), *inputs.indicator[inputs.indicator >= 0], *owned]) == list(
        range(x.shape[1])
    )
    for column, feature in enumerate(inputs.indicator):
        if feature >= 0:
            assert problem.encoder.numeric[column].column in names[feature]
            assert set(np.unique(x[:, feature])) <= {0.0, 1.0}


def test_the_grid_holds_each_cell_of_the_sequence(sequence):
    inputs, names = inputs_of(sequence, 0), [feature.column for feature in sequence.encoder.numeric]
    assert inputs.grid is not None
    shown = np.array([["" if cell < 0 else names[cell] for cell in row] for row in inputs.grid])
    channels = [column.partition("@")[0] for column in shown[0]]
    assert sorted(channels) == ["bp", "hr"]
    np.testing.assert_array_equal(shown[:, channels.index("hr")], ["hr@00", "hr@01", "hr@02"])
    np.testing.assert_array_equal(shown[:, channels.index("bp")], ["bp@00", "", "bp@02"])


def test_times_are_ordered_as_numbers():
    grid = grid_of(encoder_of("v@10", "age", "v@9", "w@10", "v@100"))
    np.testing.assert_array_equal(grid, [[2, -1], [0, 3], [4, -1]])


@pytest.mark.parametrize("columns", [(), ("a", "b"), ("v@1", "b"), ("v@", "@1", "v@x", "v@1.5", "v@-1")], ids=str)
def test_without_two_cells_there_is_no_sequence(columns):
    assert grid_of(encoder_of(*columns)) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 120)), min_size=2, max_size=12, unique=True))
def test_every_cell_is_in_the_grid_once(cells):
    grid = grid_of(encoder_of(*(f"{name}@{time:03d}" for name, time in cells)))
    assert grid is not None
    assert sorted(grid[grid >= 0]) == list(range(len(cells)))
    times = sorted({time for _, time in cells})
    for row, time in zip(grid, times, strict=True):
        assert {cells[cell][1] for cell in row[row >= 0]} == {time}
    for column in grid.T:
        assert len({cells[cell][0] for cell in column[column >= 0]}) == 1


def test_the_sample_is_training_rows_and_bounded(sequence):
    train = sequence.splits["train"].x
    sample = inputs_of(sequence, 0).sample
    assert sample is not None
    np.testing.assert_array_equal(sample, train), "few rows are all taken, in their order"
    large = load_problem(make_table(9000), label="approved", sensitive="sex")
    sample = inputs_of(large, 0).sample
    assert sample is not None
    assert len(sample) == SAMPLE_ROWS
    known = {row.tobytes() for row in large.splits["train"].x}
    assert all(row.tobytes() in known for row in sample)
    np.testing.assert_array_equal(sample, inputs_of(large, 0).sample)
    assert not np.array_equal(sample, inputs_of(large, 1).sample)


def test_images_are_told_by_their_shape_alone(tmp_path, monkeypatch):
    from efficienttrust.training import _inputs

    x = np.random.default_rng(0).integers(0, 256, (60, 8, 10, 3), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", x=x, y=np.arange(60) % 2)
    problem = load_image_problem(tmp_path / "set.npz")
    monkeypatch.setattr(_inputs, "SAMPLE_CELLS", 7 * 240)
    inputs = inputs_of(problem, 0)
    assert (inputs.kind, inputs.shape, inputs.n_numeric, inputs.grid) == ("image", (3, 8, 10), 0, None)
    assert inputs.sample is not None
    assert inputs.sample.shape == (7, 3, 8, 10)
    assert inputs.sample.max() <= 1


def same(one: Inputs, other: Inputs) -> None:
    assert (one.kind, one.shape, one.n_numeric, one.blocks) == (other.kind, other.shape, other.n_numeric, other.blocks)
    np.testing.assert_array_equal(one.indicator, other.indicator)
    assert one.indicator.dtype == other.indicator.dtype
    assert (one.grid is None) == (other.grid is None)
    if one.grid is not None and other.grid is not None:
        np.testing.assert_array_equal(one.grid, other.grid)


def test_what_is_written_down_is_read_back(sequence):
    for inputs in (inputs_of(sequence, 0), inputs_of(loans(), 0), Inputs("image", (3, 4, 5))):
        again = inputs_from(json.loads(json.dumps(described(inputs))))
        assert again.sample is None
        same(again, inputs)


@pytest.mark.parametrize("name", ["linear", "mlp", "tabular", "ft_transformer", "lstm", "gru", "time_transformer"])
def test_a_network_is_made_again_from_what_was_written_down(sequence, name):
    inputs = inputs_of(sequence, 0)
    first = make_network(name, inputs, 1, seed=0).state_dict()
    again = make_network(name, inputs_from(described(inputs)), 1, seed=0).state_dict()
    assert first.keys() == again.keys(), "values and shapes may differ: they came from the sample"

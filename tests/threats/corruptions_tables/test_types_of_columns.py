"""Columns of any type come back as the same type wherever it can hold the result, and are read alike."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data._columns import numbers
from efficienttrust.threats.corruptions.tables import NumericScale, TableScale, corrupt_table

N = 60


def scale_of(integer: bool = True) -> TableScale:
    reference = np.arange(1.0, 101.0)
    column = NumericScale("dose", integer, True, 50.0, 30.0, 1.0, 100.0, reference, True)
    return TableScale((column,), ())


def doses(dtype: object) -> pd.DataFrame:
    return pd.DataFrame({"dose": pd.Series(np.arange(1, N + 1)).astype(dtype)})


@pytest.mark.parametrize(
    "dtype", ["int64", "int32", "Int64", "Int16", "float64", "Float64", "float32", "int64[pyarrow]"]
)
@pytest.mark.parametrize("name", ["gaussian_noise", "salt", "unit_error_tenfold"])
def test_the_type_stays(dtype, name):
    frame = doses(dtype)
    worse = corrupt_table(frame, name, 5, columns=scale_of())
    assert worse["dose"].dtype == frame["dose"].dtype
    reference = corrupt_table(doses("float64"), name, 5, columns=scale_of())
    np.testing.assert_array_equal(numbers(worse["dose"]), reference["dose"])
    assert (numbers(worse["dose"]) != np.arange(1, N + 1)).any()


def test_a_type_that_is_too_narrow_is_widened():
    worse = corrupt_table(doses("int8"), "unit_error_tenfold", 5, columns=scale_of())
    assert worse["dose"].dtype == np.int64
    assert worse["dose"].max() > 127
    unsigned = corrupt_table(doses("uint8"), "gaussian_noise", 5, columns=scale_of())
    assert unsigned["dose"].min() < 0


def test_a_number_too_large_for_whole_numbers_becomes_a_float_and_never_infinite():
    frame = pd.DataFrame({"dose": np.full(N, 9 * 10**18)})
    worse = corrupt_table(frame, "unit_error_tenfold", 5, columns=scale_of())
    assert set(worse["dose"]) == {9e18, 9e19}
    frame = pd.DataFrame({"dose": np.full(N, 1e308)})
    pd.testing.assert_frame_equal(corrupt_table(frame, "unit_error_tenfold", 5, columns=scale_of(False)), frame)
    frame = pd.DataFrame({"dose": np.full(N, 3e38, dtype=np.float32)})
    pd.testing.assert_frame_equal(corrupt_table(frame, "unit_error_tenfold", 5, columns=scale_of(False)), frame)


def test_untouched_cells_keep_every_bit():
    cells = np.random.default_rng(0).normal(50, 30, N) / 3
    frame = pd.DataFrame({"dose": cells})
    worse = corrupt_table(frame, "unit_error_tenfold", 2, columns=scale_of(False))["dose"].to_numpy()
    same = worse.view(np.int64) == cells.view(np.int64)
    assert 0 < (~same).sum() < N / 3
    np.testing.assert_array_equal(worse[~same], cells[~same] * 10)
    large = pd.DataFrame({"dose": 2**60 + np.arange(N)})  # no double holds these
    worse = corrupt_table(large, "salt", 5, columns=scale_of())["dose"].to_numpy()
    same = worse == large["dose"].to_numpy()
    assert set(worse[~same]) == {1, 100}
    assert same.sum() > N / 2


def test_decimals_and_mixed_objects_are_still_read():
    frame = pd.DataFrame({"dose": [Decimal(value) / 4 for value in range(1, N + 1)]})
    worse = corrupt_table(frame, "unit_error_tenfold", 5, columns=scale_of(False))
    assert all(isinstance(value, Decimal) for value in worse["dose"])
    hit = worse["dose"] != frame["dose"]
    assert hit.any()
    assert all(10 * old == new for old, new in zip(frame["dose"][hit], worse["dose"][hit], strict=True))
    mixed = pd.DataFrame({"dose": pd.Series([1, 2.5, None] * 20, dtype=object)})
    noisy = corrupt_table(mixed, "gaussian_noise", 5, columns=scale_of(False))
    assert np.isnan(numbers(noisy["dose"])).sum() == 20


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float32", "Float64", "int64[pyarrow]"])
def test_missing_cells_of_any_type_are_read_as_missing(dtype):
    worse = corrupt_table(doses(dtype), "mcar", 5, columns=scale_of())
    read = numbers(worse["dose"])
    assert 0 < np.isnan(read).sum() < N
    np.testing.assert_array_equal(read[~np.isnan(read)], np.arange(1, N + 1)[~np.isnan(read)])

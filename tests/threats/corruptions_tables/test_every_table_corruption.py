"""What every table corruption keeps: shape, other columns, missing cells, whole numbers, and each row's own result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.threats.corruptions.tables import SEVERITIES, corrupt_table
from tests.threats.corruptions_tables.mixed_tables import (
    FIXED,
    NO_INPUT,
    changed,
    every_corruption,
    every_severity,
    make_table,
    mixed_problem,
    mixed_scale,
)

WHOLE = ("children", "age")


@every_corruption
@every_severity
def test_what_may_not_change_does_not(name, severity):
    frame = make_table(500, seed=1)
    kept = frame.copy()
    worse = corrupt_table(frame, name, severity, columns=mixed_scale())
    pd.testing.assert_frame_equal(frame, kept)
    assert list(worse.columns) == list(frame.columns)
    pd.testing.assert_index_equal(worse.index, frame.index)
    untouchable = [*FIXED, *NO_INPUT]
    pd.testing.assert_frame_equal(worse[untouchable], frame[untouchable])
    assert worse[frame.isna()].isna().all().all()
    for column in WHOLE:
        observed = worse[column].dropna().to_numpy(dtype=float)
        np.testing.assert_array_equal(observed, np.rint(observed))
    assert np.isfinite(mixed_problem().encoder.transform(worse)).all()


@every_corruption
def test_something_changes_and_more_at_higher_severity(name):
    frame = make_table(800, seed=2)
    before = None
    for severity in SEVERITIES:
        hit = changed(frame, corrupt_table(frame, name, severity, columns=mixed_scale()))
        assert hit.to_numpy().any()
        if before is not None:
            assert not (before & ~hit).to_numpy().any(), "a cell hit at a lower severity is hit at a higher one"
        before = hit


@every_corruption
@every_severity
def test_a_row_is_corrupted_alike_whatever_rows_stand_beside_it(name, severity):
    frame = make_table(300, seed=3)
    frame.index = pd.Index(np.random.default_rng(0).permutation(10_000)[:300])
    whole = corrupt_table(frame, name, severity, columns=mixed_scale(), seed=5)
    some = frame.iloc[np.random.default_rng(1).permutation(300)[:40]]
    part = corrupt_table(some, name, severity, columns=mixed_scale(), seed=5)
    pd.testing.assert_frame_equal(part, whole.loc[some.index], check_dtype=False)
    single = corrupt_table(frame.iloc[[7]], name, severity, columns=mixed_scale(), seed=5)
    pd.testing.assert_frame_equal(single, whole.iloc[[7]], check_dtype=False)


@every_corruption
def test_the_seed_decides(name):
    frame = make_table(400, seed=4)
    first, again = (corrupt_table(frame, name, 3, columns=mixed_scale(), seed=0) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    others = [corrupt_table(frame, name, 3, columns=mixed_scale(), seed=seed) for seed in range(1, 6)]
    assert any(changed(first, other).to_numpy().any() for other in others)


@every_corruption
def test_the_order_of_the_columns_does_not_matter(name):
    frame = make_table(200, seed=4)
    turned = frame[frame.columns[::-1]]
    pd.testing.assert_frame_equal(
        corrupt_table(turned, name, 4, columns=mixed_scale())[frame.columns],
        corrupt_table(frame, name, 4, columns=mixed_scale()),
    )


@every_corruption
def test_no_rows(name):
    frame = make_table(20).iloc[:0]
    worse = corrupt_table(frame, name, 5, columns=mixed_scale())
    assert worse.shape == frame.shape
    assert list(worse.columns) == list(frame.columns)


@every_corruption
def test_a_column_without_any_value_stays_without(name):
    frame = make_table(100)
    frame["income"] = np.nan
    frame["housing"] = None
    worse = corrupt_table(frame, name, 5, columns=mixed_scale())
    assert worse["income"].isna().all()
    assert worse["housing"].isna().all()


@every_corruption
@pytest.mark.parametrize("labels", ["text", "dates", "pairs"])
def test_any_index_labels_a_row(name, labels):
    frame = make_table(60)
    index = {
        "text": pd.Index([f"patient {row}" for row in range(60)]),
        "dates": pd.date_range("2024-01-01", periods=60),
        "pairs": pd.MultiIndex.from_arrays([np.arange(60) // 7, np.arange(60) % 7]),
    }[labels]
    frame.index = index
    worse = corrupt_table(frame, name, 5, columns=mixed_scale())
    pd.testing.assert_index_equal(worse.index, index)
    assert changed(frame, worse).to_numpy().any()

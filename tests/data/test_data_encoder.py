"""The encoder and the domain: round trips, blocks, train-only statistics, agreement with scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from efficienttrust.data import Encoder, load_problem
from efficienttrust.errors import UsageError


def load(table, **more):
    return load_problem(table, label="approved", sensitive="sex", **more)


def test_layout_and_blocks(loans):
    problem = load(loans)
    encoder, x = problem.encoder, problem.splits["train"].x
    assert x.dtype == np.float32
    assert encoder.columns == ("income", "age", "housing", "employed", "region")
    assert encoder.feature_names[:3] == ("income", "age", "income (missing)")
    assert encoder.feature_names[3:8] == (
        "housing=free",
        "housing=own",
        "housing=rent",
        "housing=(missing)",
        "housing=(other)",
    )
    assert len(encoder.feature_names) == encoder.n_features == x.shape[1]
    for split in problem.splits.values():
        for start, stop in problem.domain.blocks:
            assert np.all(split.x[:, start:stop].sum(axis=1) == 1)
            assert set(np.unique(split.x[:, start:stop])) <= {0.0, 1.0}
    assert problem.domain.blocks[0][0] == encoder.blocks_start
    assert problem.domain.blocks[-1][1] == encoder.n_features


def test_inverse_round_trip(loans):
    problem = load(loans)
    for name, split in problem.splits.items():
        raw = problem.raw(name)
        back = problem.encoder.raw_numeric(split.x)
        seen = raw["income"].notna().to_numpy()
        assert np.allclose(back[seen, 0], raw["income"][seen], rtol=1e-6)
        assert np.array_equal(back[:, 1], raw["age"])
        assert np.allclose(back[~seen, 0], problem.encoder.numeric[0].fill)


def test_agrees_with_scikit_learn_on_complete_data(loans):
    table = loans.dropna().reset_index(drop=True)
    problem = load(table)
    train, test = problem.raw("train"), problem.raw("test")
    scaler = StandardScaler().fit(train[["income", "age"]])
    hot = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(train[["housing", "region"]])
    x, names = problem.splits["test"].x, problem.encoder.feature_names
    assert np.allclose(x[:, :2], scaler.transform(test[["income", "age"]]), atol=1e-6)
    ours = x[:, [i for i, n in enumerate(names) if n.startswith(("housing=", "region=")) and "(other)" not in n]]
    assert np.array_equal(ours, hot.transform(test[["housing", "region"]]))


def test_statistics_come_from_train_only(loans):
    before = load(loans)
    changed = loans.copy()
    outside = np.concatenate([before.splits[name].rows for name in ("monitor", "calibrate", "certify", "test")])
    changed.loc[outside, "income"] = 1e6
    changed.loc[outside, "age"] = 5
    changed.loc[outside, "housing"] = "castle"
    after = load(changed)
    assert after.encoder == before.encoder
    assert np.array_equal(after.splits["train"].x, before.splits["train"].x)
    assert after.fingerprint != before.fingerprint
    other = after.encoder.feature_names.index("housing=(other)")
    assert after.splits["test"].x[:, other].all()


def test_transform_repeats_training_exactly(loans):
    problem = load(loans)
    for name, split in problem.splits.items():
        assert np.array_equal(problem.encoder.transform(problem.raw(name)), split.x)


@pytest.mark.parametrize("dtypes", ["object", "string", "category", "nullable", "polars"])
def test_the_same_table_in_other_types_is_the_same_problem(loans, dtypes):
    table = loans.copy()
    if dtypes == "object":
        table = table.astype(object)
    elif dtypes in {"string", "category"}:
        for column in ("housing", "sex", "region", "approved"):
            table[column] = table[column].astype(dtypes)
    elif dtypes == "nullable":
        table = table.convert_dtypes()
    else:
        polars = pytest.importorskip("polars")
        table = polars.from_pandas(table)
    problem, expected = load(table), load(loans)
    assert problem.fingerprint == expected.fingerprint
    assert problem.encoder == expected.encoder
    assert np.array_equal(problem.encoder.transform(problem.raw("test")), expected.splits["test"].x)


def test_json_round_trip(loans):
    encoder = load(loans).encoder
    assert Encoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


def test_unseen_and_missing_categories(loans):
    problem = load(loans)
    frame = problem.raw("test").head(3).copy()
    frame["housing"] = ["boat", None, " own "]
    frame["region"] = [None, "", "?"]  # no missing cell in train: missing goes to (other)
    x, names = problem.encoder.transform(frame), problem.encoder.feature_names
    hot = [[names[i] for i in np.flatnonzero(row) if "=" in names[i] and "employed" not in names[i]] for row in x]
    assert hot == [
        ["housing=(other)", "region=(other)"],
        ["housing=(missing)", "region=(other)"],
        ["housing=own", "region=(other)"],
    ]


def test_rare_categories_and_high_cardinality(make):
    table = make(4000)
    rng = np.random.default_rng(1)
    table["city"] = rng.choice([f"c{i:03d}" for i in range(300)], 4000, p=np.r_[[1 / 80] * 60, [0.25 / 240] * 240])
    problem = load(table)
    block = next(block for block in problem.encoder.categorical if block.column == "city")
    counts = problem.raw("train")["city"].value_counts()
    assert len(block.categories) == 50
    assert min(counts[category] for category in block.categories) >= 10
    left_out = counts.drop(list(block.categories))
    assert left_out.max() <= counts[list(block.categories)].min()
    assert any("'city': rare categories" in note for note in problem.notes)


def test_domain(loans):
    problem = load(loans, immutable=["age", "housing"])
    domain, x = problem.domain, problem.splits["train"].x
    assert np.array_equal(domain.upper, x[:, :2].max(axis=0))
    assert np.array_equal(domain.lower, x[:, :2].min(axis=0))
    assert domain.step[0] == 0.0
    assert domain.step[1] == np.float32(1 / problem.encoder.numeric[1].scale)
    assert domain.mutable.tolist() == [True, False]
    assert domain.indicator.tolist() == [2, -1]
    assert problem.encoder.feature_names[domain.indicator[0]] == "income (missing)"
    assert {c.name for c in problem.columns if not c.mutable} == {"age", "housing"}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", " 12", r"column 'age', row 2: expected a number, got ' 12'"),
        ("income", np.inf, r"column 'income' holds 1 infinite values \(data rows 2\)"),
    ],
)
def test_transform_refuses_bad_cells(loans, column, value, message):
    problem = load(loans)
    frame = problem.raw("test").head(5).astype({column: object})
    frame.loc[2, column] = value
    with pytest.raises(UsageError, match=message):
        problem.encoder.transform(frame)


def test_transform_names_a_missing_column(loans):
    problem = load(loans)
    with pytest.raises(UsageError, match=r"no column 'income'\. Did you mean 'incomes'"):
        problem.encoder.transform(problem.raw("test").rename(columns={"income": "incomes"}))


def test_transform_of_no_rows(loans):
    problem = load(loans)
    assert problem.encoder.transform(problem.raw("test").head(0)).shape == (0, problem.encoder.n_features)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.one_of(st.none(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6, width=32)),
        min_size=60,
        max_size=60,
    )
)
def test_any_number_survives_the_round_trip(values):
    table = pd.DataFrame({"v": pd.array(values, dtype="Float64"), "w": [1.5, 2.5, 3.5] * 20, "y": [0, 1] * 30})
    problem = load_problem(table, label="y")
    if "v" not in problem.encoder.columns:
        return
    frame = problem.raw("train")
    back = problem.encoder.raw_numeric(problem.splits["train"].x)
    position = problem.encoder.columns.index("v")
    expected = frame["v"].to_numpy(dtype=float, na_value=np.nan)
    expected = np.where(np.isnan(expected), problem.encoder.numeric[position].fill, expected)
    feature = problem.encoder.numeric[position]
    assert np.allclose(back[:, position], expected, rtol=1e-5, atol=1e-5 * max(feature.scale, abs(feature.mean)))

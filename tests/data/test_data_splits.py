"""The splits: shares, strata by brute force, whole units, time order, the user's own column, determinism."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.data import FRACTIONS, SPLITS, load_problem
from efficienttrust.data._splits import Rows, deal, rotation
from efficienttrust.errors import UsageError


def by_row(problem):
    rows = np.concatenate([problem.splits[name].rows for name in SPLITS])
    names = np.concatenate([[name] * len(problem.splits[name]) for name in SPLITS])
    return pd.Series(names, index=rows).sort_index()


def test_fractions():
    assert FRACTIONS == {"train": 0.50, "monitor": 0.05, "calibrate": 0.15, "certify": 0.10, "test": 0.20}


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(40, 3000), st.integers(1, 6))
def test_every_stratum_gets_its_share(seed, n, n_groups):
    rng = np.random.default_rng(seed)
    y, groups = (rng.random(n) < 0.3).astype(np.int8), rng.integers(-1, n_groups, n)
    split = deal(Rows(y, groups), SPLITS, seed)
    for place, name in enumerate(SPLITS):
        share = FRACTIONS[name]
        assert abs((split == place).sum() - share * n) <= 1
        for value in (0, 1):
            assert abs(((split == place) & (y == value)).sum() - share * (y == value).sum()) < 2
            for group in np.unique(groups):
                stratum = (y == value) & (groups == group)
                assert abs((stratum & (split == place)).sum() - share * stratum.sum()) < 2


def test_twenty_rows_of_a_class_reach_every_split():
    for offset in range(20):
        y = np.r_[np.zeros(offset + 40), np.ones(20)].astype(np.int8)
        split = deal(Rows(y, np.zeros(len(y), dtype=np.int64)), SPLITS, 0)
        assert np.array_equal(np.bincount(split[y == 1]), [10, 1, 3, 2, 4])


def test_rotation_never_strays_from_the_shares():
    shares = np.array([10, 1, 3, 2, 4])
    order = np.tile(rotation(shares), 2)
    for start in range(20):
        for stop in range(start + 1, start + 21):
            counts = np.bincount(order[start:stop], minlength=5)
            assert np.all(np.abs(counts - shares * (stop - start) / 20) < 2)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(100, 400), st.booleans())
def test_a_unit_is_never_divided(seed, n_units, with_time):
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(n_units), rng.integers(1, 6, n_units))
    rng.shuffle(unit)
    n = len(unit)
    y, groups = (rng.random(n) < 0.5).astype(np.int8), rng.integers(0, 2, n)
    split = deal(Rows(y, groups, unit, rng.random(n) if with_time else None), SPLITS, seed)
    assert all(len(np.unique(split[unit == u])) == 1 for u in np.unique(unit))
    for place, name in enumerate(SPLITS):
        assert abs((split == place).mean() - FRACTIONS[name]) < 0.08


def test_units_through_load_problem(loans):
    loans["patient"] = [f"p{i // 4}" for i in range(len(loans))]
    problem = load_problem(loans, label="approved", sensitive="sex", unit="patient")
    assert "patient" not in problem.encoder.columns
    placed = by_row(problem)
    assert placed.groupby(loans["patient"].to_numpy()).nunique().max() == 1


def test_rows_without_a_unit_stand_alone(loans):
    loans["patient"] = [f"p{i // 4}" if i % 8 else None for i in range(len(loans))]
    problem = load_problem(loans, label="approved", sensitive="sex", unit="patient")
    assert any("50 rows have no 'patient'" in note for note in problem.notes)


@pytest.mark.parametrize("form", ["number", "date", "text"])
def test_time_order(loans, form):
    rng = np.random.default_rng(3)
    day = rng.permutation(len(loans))
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    loans["when"] = {"number": day, "date": stamps, "text": stamps.strftime("%Y-%m-%d")}[form]
    problem = load_problem(loans, label="approved", sensitive="sex", time="when")
    assert "when" not in problem.encoder.columns
    ends = [(day[problem.splits[name].rows].min(), day[problem.splits[name].rows].max()) for name in SPLITS]
    assert all(before[1] < after[0] for before, after in pairwise(ends))
    assert [len(problem.splits[name]) for name in SPLITS] == [200, 20, 60, 40, 80]


def test_own_split_column_is_kept(loans):
    rng = np.random.default_rng(0)
    loans["fold"] = rng.choice(list(SPLITS), len(loans))
    problem = load_problem(loans, label="approved", sensitive="sex", split_column="fold")
    assert np.array_equal(by_row(problem).to_numpy(), loans["fold"])
    assert "fold" not in problem.encoder.columns


@pytest.mark.parametrize(
    ("words", "donor"),
    [(["train", "test"], "train"), (["Training", "val", "TEST"], "val"), (["train", "test", "calibrate"], "train")],
)
def test_missing_splits_are_cut_out(make, words, donor):
    table = make(1200)
    table["fold"] = np.random.default_rng(0).choice(words, len(table))
    problem = load_problem(table, label="approved", sensitive="sex", split_column="fold")
    placed = by_row(problem).to_numpy()
    assert set(placed) == set(SPLITS)
    assert set(placed[table["fold"].str.lower() == "test"]) == {"test"}
    given = {"train", "test", "calibrate"} & set(words)
    cut = set(placed[table["fold"] == donor])
    assert cut == ({"monitor", "calibrate", "certify"} if donor == "val" else set(SPLITS) - (given - {"train"}))


def test_same_seed_same_split_in_every_process(loans, tmp_path):
    path = tmp_path / "loans.csv"
    loans.to_csv(path, index=False)
    code = (
        "from efficienttrust.data import load_problem, SPLITS; import hashlib; "
        f"p = load_problem({str(path)!r}, label='approved', sensitive='sex,region', seed=7); "
        "print(p.fingerprint, hashlib.sha256(b''.join(p.splits[s].x.tobytes() for s in SPLITS)).hexdigest())"
    )
    outs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(outs) == 1


def test_another_seed_is_another_split_and_fingerprint(loans):
    one, two = (load_problem(loans, label="approved", sensitive="sex", seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.splits["test"].rows, two.splits["test"].rows)
    assert one.fingerprint != two.fingerprint


def bad_split(loans, message, **more):
    with pytest.raises(UsageError, match=message):
        load_problem(loans, label="approved", sensitive="sex", **more)


def test_bad_split_columns(loans):
    loans["fold"] = ["train", "test"] * 200
    bad_split(loans.assign(fold=["trian", "test"] * 200), "holds 'trian'. Did you mean 'train'", split_column="fold")
    bad_split(loans.assign(fold="train"), "never says 'test'", split_column="fold")
    bad_split(loans.assign(fold=["train", None] * 200), "is empty in 200 rows", split_column="fold")
    one_class = loans.assign(fold=np.where(loans["approved"] == "yes", "train", "test"))
    bad_split(one_class, "has no row with label", split_column="fold")
    divided = loans.assign(who=[f"w{i // 2}" for i in range(400)])
    bad_split(divided, "divides 200 units", split_column="fold", unit="who")


def test_too_few_units_and_bad_time(loans):
    bad_split(loans.assign(who=[f"w{i // 100}" for i in range(400)]), "when each 'who' stays whole", unit="who")
    bad_split(loans.assign(when="soon"), "neither numbers nor dates", time="when")
    bad_split(loans.assign(when=[1.0, None] * 200), "is empty in 200 rows", time="when")
    ordered = loans.assign(when=(loans["approved"] == "yes").astype(int))
    bad_split(ordered, "in the order of 'when'", time="when")

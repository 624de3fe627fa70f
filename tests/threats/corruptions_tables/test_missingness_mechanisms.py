"""Missing completely at random, at random, and not at random: the shares and what they depend on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from efficienttrust.threats.corruptions.tables import SEVERITIES, corrupt_table
from efficienttrust.threats.corruptions.tables._missingness import rank_probability
from efficienttrust.threats.corruptions.tables.catalogue.missing_at_random import driver_of
from tests.threats.corruptions_tables.mixed_tables import make_table, mixed_problem, mixed_scale

SHARES = dict(zip(SEVERITIES, (0.05, 0.10, 0.20, 0.30, 0.50), strict=True))
MUTABLE = ("income", "debt", "children", "age", "owner", "housing", "region")
MECHANISMS = ("missing_completely_at_random", "missing_at_random", "missing_not_at_random")


def assert_binomial(hits: int, n: int, p: float) -> None:
    low, high = stats.binom.interval(1 - 1e-6, n, p)
    assert low <= hits <= high, f"{hits} of {n} at {p}"


def lost(frame: pd.DataFrame, name: str, severity: int, seed: int = 0) -> pd.DataFrame:
    worse = corrupt_table(frame, name, severity, columns=mixed_scale(), seed=seed)
    return worse.isna() & frame.notna()


@pytest.mark.parametrize("name", MECHANISMS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_column_loses_the_share_of_the_level(name, severity):
    frame = make_table(4000, seed=11)
    gone = lost(frame, name, severity)
    for column in MUTABLE:
        assert_binomial(int(gone[column].sum()), int(frame[column].notna().sum()), SHARES[severity])
    assert not gone[["born", "sex", "approved", "note"]].to_numpy().any()


@pytest.mark.parametrize("severity", SEVERITIES)
def test_the_expected_share_over_the_training_rows_is_the_level_exactly(severity):
    train = mixed_problem().raw("train")
    for column in mixed_scale().columns:
        rank = column.rank(train[column.name])
        probability = rank_probability(rank, SHARES[severity])[~np.isnan(rank)]
        assert probability.mean() == pytest.approx(SHARES[severity], rel=1e-12)
        assert (probability >= 0).all()
        assert (probability <= 1).all()


def test_ranks_are_mid_ranks_of_scipy():
    train = mixed_problem().raw("train")
    for column in mixed_scale().numeric:
        values = train[column.name].dropna()
        expected = (stats.rankdata(values) - 0.5) / len(values)
        np.testing.assert_allclose(column.rank(values), expected, atol=1e-12)


def test_completely_at_random_is_independent_of_every_cell():
    frame = make_table(4000, seed=12)
    gone = lost(frame, "mcar", 5)
    for column in MUTABLE:
        for other in ("income", "children", "born"):
            values = frame[other].astype(float)
            assert stats.mannwhitneyu(values[gone[column]], values[~gone[column]]).pvalue > 1e-5
    pairs = gone[list(MUTABLE)].astype(float).corr().to_numpy()
    assert np.abs(pairs - np.eye(len(MUTABLE))).max() < 5 / np.sqrt(4000)


def test_at_random_follows_the_driver_and_nothing_else():
    frame = make_table(6000, seed=13)
    assert driver_of(mixed_scale()).name == "born"
    gone = lost(frame, "mar", 4)["income"]
    late = mixed_scale().numeric[[c.name for c in mixed_scale().numeric].index("born")].rank(frame["born"]) > 0.5
    # P(missing | r) = 2 q r: 1.5 q on average over the upper half of the ranks, 0.5 q over the lower.
    assert_binomial(int(gone[late].sum()), int(late.sum()), 0.45)
    assert_binomial(int(gone[~late].sum()), int((~late).sum()), 0.15)
    for half in (late, ~late):
        values = frame["income"][half]
        assert stats.mannwhitneyu(values[gone[half]], values[~gone[half]]).pvalue > 1e-5


def test_not_at_random_takes_high_numbers_and_rare_categories():
    frame = make_table(6000, seed=14)
    gone = lost(frame, "mnar", 4)
    train = mixed_problem().raw("train")
    high = frame["income"] > train["income"].median()
    assert_binomial(int(gone["income"][high].sum()), int(high.sum()), 0.45)
    assert_binomial(int(gone["income"][~high].sum()), int((~high).sum()), 0.15)
    shares = gone["region"].groupby(frame["region"].astype(str)).mean()
    assert shares["north"] < shares["south"] < shares["east"] < shares["west"]


def test_the_driver_is_never_lost_and_cells_without_it_take_the_level():
    scale = mixed_scale(immutable=())
    assert driver_of(scale).name == "income"  # complete in training, the first number
    frame = make_table(4000, seed=15)
    frame["income"] = np.nan
    worse = corrupt_table(frame, "mar", 3, columns=scale)
    assert worse["income"].isna().all()
    assert_binomial(int(worse["children"].isna().sum()), 4000, 0.20)
    whole = corrupt_table(make_table(500), "mar", 5, columns=scale)
    assert whole["income"].notna().all()


def test_a_driver_may_be_a_category():
    scale = mixed_scale(immutable=("region",))
    assert driver_of(scale).name == "region"
    frame = make_table(6000, seed=16)
    worse = corrupt_table(frame, "mar", 5, columns=scale)
    by_region = worse["income"].isna().groupby(frame["region"].astype(str)).mean()
    assert by_region["north"] < by_region["south"] < by_region["east"] < by_region["west"]
    assert_binomial(int(worse["income"].isna().sum()), 6000, 0.50)


def test_a_category_never_seen_ranks_as_the_rarest():
    (region,) = [column for column in mixed_scale().categorical if column.name == "region"]
    rank = region.rank(pd.Series(["atlantis", None, "north"], name="region"))
    assert rank[0] == 1.0
    assert np.isnan(rank[1])
    assert rank[2] == pytest.approx(region.shares.max() / 2)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_column_loss_takes_whole_columns(severity):
    frame = make_table(50)
    worse = corrupt_table(frame, "column_loss", severity, columns=mixed_scale())
    emptied = [column for column in MUTABLE if worse[column].isna().all()]
    assert len(emptied) == int(np.ceil(SHARES[severity] * len(MUTABLE)))
    kept = [column for column in frame.columns if column not in emptied]
    pd.testing.assert_frame_equal(worse[kept], frame[kept])


def test_every_column_is_lost_under_some_seed():
    frame = make_table(10)
    gone = {
        column
        for seed in range(60)
        for column in MUTABLE
        if corrupt_table(frame, "column_loss", 1, columns=mixed_scale(), seed=seed)[column].isna().all()
    }
    assert gone == set(MUTABLE)


@pytest.mark.parametrize("name", [*MECHANISMS, "column_loss", "category_swap"])
def test_a_cell_that_already_means_missing_keeps_its_text(name):
    frame = make_table(200)
    frame["housing"] = "?"
    worse = corrupt_table(frame, name, 5, columns=mixed_scale(), seed=1)
    assert (worse["housing"] == "?").all()

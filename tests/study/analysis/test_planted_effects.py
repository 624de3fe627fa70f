"""What was planted is found, in the size in which it was planted; what was not planted is not."""

from __future__ import annotations

import numpy as np
import pytest

from efficienttrust.study.analysis._units import resampling, within
from tests.study.analysis.conftest import section, table_from
from tests.study.synthetic import ACCURACY, CONSTRAINTS, GAP, Planted

FREE = {"none": CONSTRAINTS["none"]}


def of(rows, metric, level, **more):
    found = [one for one in rows if one.metric == metric and one.level == level]
    found = [one for one in found if all(getattr(one, name) == value for name, value in more.items())]
    assert len(found) == 1
    return found[0]


@pytest.fixture(scope="module")
def exact():
    """Without noise every difference is the planted one."""
    return section(Planted(noise_sd=1e-9, through=0.0), "effects").pooled


@pytest.mark.parametrize(
    ("metric", "level", "planted"),
    [
        (ACCURACY, "atats", -0.002),
        (ACCURACY, "penalty", -0.01),
        (ACCURACY, "time=12.5%", -0.03),
        (ACCURACY, "prune=0.8", -0.04),
        (GAP, "atats", -0.06),
        (GAP, "time=12.5%", 0.03),
        (GAP, "prune=0.5", 0.03 * 0.5 / 0.8),
    ],
)
def test_differences_are_in_natural_units(exact, metric, level, planted):
    row = of(exact, metric, level)
    assert row.difference.value == pytest.approx(planted, abs=1e-8)
    assert row.mean - row.reference_mean == pytest.approx(planted, abs=1e-8)


def test_data_sets_weigh_alike_whatever_their_number_of_seeds():
    z, blocks = np.array([1.0, 1.0, 1.0, 1.0, 5.0, 7.0]), np.array([0, 0, 0, 0, 1, 1])
    assert within(z, blocks, 0.95).estimate.value == 3.5


def test_with_one_data_set_the_interval_is_student_s():
    from scipy import stats

    z = np.random.default_rng(0).normal(1, 1, 7)
    ours = within(z, np.zeros(7, dtype=int), 0.9)
    theirs = stats.ttest_1samp(z, 0)
    assert ours.p == pytest.approx(theirs.pvalue)
    low, high = theirs.confidence_interval(0.9)
    assert (ours.estimate.low, ours.estimate.high) == pytest.approx((low, high))


def test_replicates_draw_data_sets_then_seeds():
    blocks = np.repeat([0, 1, 2], 4)
    drawn = resampling(blocks, 500, 0)
    by_set = np.stack([drawn.counts[:, blocks == i].sum(1) for i in range(3)], axis=1)
    assert (by_set == 4 * drawn.drawn).all()
    assert (drawn.drawn.sum(1) == 3).all()
    constant = np.repeat([1.0, 2.0, 6.0], 4)
    assert drawn.means(constant).mean() == pytest.approx(3.0, abs=0.3)
    assert set(np.round(3 * drawn.means(constant)).astype(int)) <= {3, 4, 5, 6, 8, 9, 10, 13, 14, 18}


def test_an_interaction_is_found_where_it_was_planted():
    terms = {
        one.term: one
        for one in section(Planted(interaction=0.02), "anova", metrics=(ACCURACY,)).terms
        if one.kind == "III"
    }
    assert terms["model × mitigation"].p_units < 1e-6
    assert terms["model × mitigation"].omega2.low > 0.1
    assert terms["model × constraint"].p_units > 0.01
    assert terms["constraint × mitigation"].omega2.value < 0.02


def test_balanced_types_agree_and_interactions_have_but_one():
    terms = section(Planted(), "anova", metrics=(GAP,)).terms
    two = {one.term: one.ss for one in terms if one.kind == "II"}
    three = {one.term: one.ss for one in terms if one.kind == "III"}
    assert two == pytest.approx(three)


def test_effect_sizes_are_those_of_the_table():
    for one in section(Planted(), "anova", metrics=(ACCURACY,)).terms:
        rows = 4 * 5 * 36
        omega = one.df * (one.f - 1) / (one.df * (one.f - 1) + rows)
        eta = one.df * one.f / (one.df * one.f + one.df_error)
        assert (one.omega2.value, one.eta2.value) == pytest.approx((omega, eta))


def test_an_effect_that_differs_over_data_sets_widens_only_what_speaks_of_others():
    row = of(section(Planted(slope_sd=0.02, seed=3), "effects").pooled, ACCURACY, "atats")
    width = row.difference.high - row.difference.low
    assert row.across_t.high - row.across_t.low > 5 * width
    assert row.across.high - row.across.low > 2 * width


def test_mixed_models_say_which_was_used_and_agree_with_the_differences_on_balanced_tables():
    planted = Planted(slope_sd=0.01, seed=1, data=("a", "b", "c", "d", "e", "f"), models=("mlp",), constraints=FREE)
    mixed = section(planted, "mixed", headline=(ACCURACY,)).effects
    paired = section(planted, "effects", metrics=(ACCURACY,)).pooled
    assert {one.model for one in mixed if one.factor == "mitigation"} == {"random slope"}
    for one in mixed:
        assert one.difference.value == pytest.approx(of(paired, ACCURACY, one.level).difference.value, abs=1e-6)
        assert bool(one.tried) == (one.model != "random slope")


def test_without_a_random_slope_the_chain_goes_on_and_says_why():
    mixed = section(Planted(), "mixed", headline=(ACCURACY,)).effects
    assert {one.model for one in mixed} == {"random intercept"}
    assert all(one.tried[0].startswith("random slope: its variance is not clear of 0") for one in mixed)


def test_two_data_sets_give_a_fixed_block():
    mixed = section(Planted(data=("a", "b"), constraints=FREE), "mixed", headline=(ACCURACY,)).effects
    assert {one.model for one in mixed} == {"fixed block"}
    assert mixed[0].tried == ("random slope: 2 data sets", "random intercept: 2 data sets")


def test_with_one_seed_the_slope_cannot_be_told_from_the_residual():
    mixed = section(Planted(seeds=1, models=("mlp",), constraints=FREE), "mixed", headline=(ACCURACY,)).effects
    assert all(one.tried[0].startswith("random slope: one seed") for one in mixed)
    assert {one.model for one in mixed} <= {"random intercept", "fixed block"}


def test_the_order_of_factors_is_that_of_the_design():
    table = table_from(Planted())
    assert [one.name for one in table.factors] == ["model", "constraint", "mitigation"]
    rows = section(Planted(), "effects").pooled
    levels = [one.level for one in rows if one.metric == ACCURACY and one.factor == "constraint"]
    assert levels == ["time=50%", "time=25%", "time=12.5%", "prune=0.5", "prune=0.8"]

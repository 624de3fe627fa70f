"""Shares, log odds under separation, and the cheapest budget, against closed forms and planted rates."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.proportion import proportion_confint

from efficienttrust.study.analysis._cheapest import tightest
from efficienttrust.study.analysis._firth import firth
from efficienttrust.study.analysis._proportions import clopper_pearson, wilson
from tests.study.analysis.conftest import section
from tests.study.synthetic import ACCURACY, Planted

CENSORED = Planted(infeasible={"time=12.5%": 0.5, "time=25%": 0.1}, failing=0.03)


@pytest.mark.parametrize(("count", "trials"), [(0, 7), (7, 7), (3, 10), (1, 400)])
def test_intervals_of_shares_are_those_of_statsmodels(count, trials):
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        found = ours(count, trials, 0.9)
        expected = proportion_confint(count, trials, 0.1, method)
        assert (found.low, found.high) == pytest.approx([float(one) for one in expected], abs=1e-12)


def test_firth_of_one_share_and_of_two_adds_half_to_each_count():
    """The closed form for a saturated model; the second group is separated."""
    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    found = firth(x, np.array([3.0, 8.0]), np.array([9.0, 8.0]))
    first, second = np.log(3.5 / 6.5), np.log(8.5 / 0.5)
    assert found.converged
    assert found.b == pytest.approx([first, second - first], abs=1e-6)


def test_firth_goes_over_into_maximum_likelihood_with_many_trials():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    trials = np.full(40, 50_000.0)
    successes = rng.binomial(50_000, 1 / (1 + np.exp(-x @ [0.3, -1.0, 0.5]))).astype(float)
    theirs = sm.GLM(np.column_stack([successes, trials - successes]), x, family=sm.families.Binomial()).fit()
    ours = firth(x, successes, trials)
    assert ours.b == pytest.approx(theirs.params, abs=1e-4)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(theirs.bse, rel=1e-3)


def test_a_held_coefficient_is_zero_and_costs_likelihood():
    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    counts = np.array([3.0, 7.0]), np.array([9.0, 8.0])
    held, full = firth(x, *counts, fixed=np.array([1])), firth(x, *counts)
    assert held.b[1] == 0
    assert held.likelihood < full.likelihood


def test_planted_rates_are_inside_their_intervals_and_failures_are_left_out():
    rates = {
        one.levels["constraint"]: one
        for one in section(CENSORED, "feasibility", level=0.9999).rates
        if one.outcome == "feasible" and one.data == "" and set(one.levels) == {"constraint"}
    }
    assert rates["none"].rate.value == 1
    assert rates["none"].trials < 4 * 5 * 6  # some failed
    for level, feasible in (("time=12.5%", 0.5), ("time=25%", 0.9)):
        chance = 0.97 * feasible / (0.97 * feasible + 1 - feasible)  # 3 % of the feasible ones fail and do not count
        assert rates[level].exact.low < chance < rates[level].exact.high


def test_a_share_that_hangs_on_the_data_set_has_a_wide_clustered_interval():
    """Data sets far apart decide who hits: 720 trials are worth four, which Wilson's interval cannot know."""
    apart = Planted(data_sd=0.3, noise_sd=0.01, narrowing={}, through=0.0, direct=0.0, unit_sd=0.01, seed=2)
    rows = [one for one in section(apart, "feasibility").rates if one.outcome == "hit" and len(one.levels) == 1]
    for one in (one for one in rows if not one.data):
        assert one.clustered.value == pytest.approx(one.rate.value)  # balanced
        assert one.clustered.high - one.clustered.low > 3 * (one.rate.high - one.rate.low)


def test_clustered_shares_weigh_data_sets_alike_and_are_missing_where_all_agree():
    rows = section(CENSORED, "feasibility").rates
    always = next(one for one in rows if one.levels == {"constraint": "none"} and one.outcome == "feasible")
    assert always.clustered.value == 1
    assert np.isnan([always.clustered.low, always.clustered.high]).all()
    chosen = [one for one in rows if one.levels == {"constraint": "time=12.5%"} and one.outcome == "feasible"]
    assert [one.data for one in chosen] == ["", "adult", "bank", "compas", "german"]
    pooled, alone = chosen[0].clustered, [one.clustered for one in chosen[1:]]
    assert pooled.value == pytest.approx(np.mean([one.value for one in alone]))
    assert all(one.low < one.value < one.high for one in (pooled, *alone))


def test_separated_levels_are_named_and_finite():
    odds = section(CENSORED, "feasibility").odds
    rows = {one.level: one for one in odds if one.outcome == "feasible" and one.factor == "constraint"}
    assert rows["prune=0.5"].separated
    assert all(np.isfinite([one.log_odds.low, one.log_odds.high]).all() for one in rows.values())
    assert rows["time=12.5%"].log_odds.high < 0
    assert rows["time=12.5%"].p < 1e-6
    others = [one.p for one in odds if one.outcome == "feasible" and one.factor in ("model", "mitigation")]
    assert min(others) > 0.005


def test_both_halves_of_a_censored_metric_are_shown():
    rows = {one.level: one for one in section(CENSORED, "feasibility").censored if one.metric == ACCURACY}
    assert rows["time=12.5%"].feasible.value < 0.7
    assert rows["time=12.5%"].given_feasible.value == pytest.approx(rows["none"].given_feasible.value - 0.03, abs=0.01)
    assert sum(rows[name].failed for name in ("mlp", "trees")) > 0


def test_the_tightest_level_needs_all_looser_ones():
    rates = np.array([[1.0, 0.9, 0.5, 1.0], [0.2, 1.0, 1.0, 1.0], [1.0, np.nan, 1.0, 1.0], [0.8, 0.8, 0.8, 0.8]])
    assert tightest(rates, 0.8).tolist() == [1, -1, 0, 3]


def test_the_cheapest_budget_is_the_planted_one():
    """The gap of atats is 0.09 + 0.01 per halving, exactly: a target of 0.115 is met down to a quarter of the time."""
    exact = Planted(noise_sd=1e-6, unit_sd=1e-6, data_sd=1e-6, through=0.0, time=0.0, target=0.115)
    found = section(exact, "feasibility").cheapest
    for one in (one for one in found if one.kind == "time"):
        if one.mitigation == "atats":
            assert (one.level, one.dose, one.dose_low, one.dose_high) == ("time=25%", 0.25, 0.25, 0.25)
            assert one.costs["cost.flops"] == pytest.approx(1e9 / 4 * 1.5)
        elif one.mitigation == "baseline":
            assert (one.level, one.reached) == ("", 0.0)

"""Candidates are ordered on calibrate: surest first, none that another beats, and of many those that promise most."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.evaluation.rule_data import Calibrated
from efficienttrust.evaluation.selection import Entrant, plan_order
from efficienttrust.evaluation.targets import parse_target

DPD, ACCURACY = parse_target("dpd <= 0.1"), parse_target("accuracy >= 0.7")
ERRORS = {DPD.key: (0.02, 0.03), ACCURACY.key: (0.01, 0.015)}


def calibrated(utility: float, **values: float) -> Calibrated:
    named = {"dpd": DPD.key, "accuracy": ACCURACY.key}
    by_key = {named[name]: value for name, value in values.items()}
    return Calibrated(0.0, np.zeros(0, np.float32), utility, utility, by_key, 0.0, 0.0)


def planned(found, targets=(DPD,), most=4, alpha=0.025):
    errors = [None if one is None else ERRORS for one in found]
    return plan_order(found, errors, targets, alpha=alpha, most=most)


def test_the_surest_comes_first_and_dominated_ones_are_left_out():
    found = [
        calibrated(0.90, dpd=0.09),
        calibrated(0.85, dpd=0.02),
        calibrated(0.84, dpd=0.05),  # less useful than the one before, and less sure
        calibrated(0.80, dpd=0.00),
        None,  # not calibrated
    ]
    assert [one.index for one in planned(found)] == [3, 1, 0]


def test_the_tightest_target_decides():
    sure_of_one = calibrated(0.9, dpd=0.0, accuracy=0.70)
    sure_of_both = calibrated(0.8, dpd=0.05, accuracy=0.80)
    assert [one.index for one in planned([sure_of_one, sure_of_both], (DPD, ACCURACY))] == [1, 0]


def test_the_chance_is_that_of_a_normal_limit():
    """Oracle: estimates on both splits drawn around one truth, given the estimate on calibrate."""
    (entrant,) = planned([calibrated(0.8, dpd=0.03)])
    rng = np.random.default_rng(0)
    here, there = ERRORS[DPD.key]
    truth = 0.03 + here * rng.normal(size=200_000)
    limit = truth + there * rng.normal(size=200_000) + 1.959964 * there
    assert entrant.chance == pytest.approx((limit <= DPD.bound).mean(), abs=0.005)


def test_what_cannot_be_estimated_is_never_sure():
    order = planned([calibrated(0.9, dpd=math.nan), calibrated(0.8, dpd=0.0)])
    assert [one.index for one in order] == [1, 0]
    assert order[1].chance == 0


def test_targets_without_a_value_on_calibrate_do_not_count():
    auc = parse_target("auc >= 0.9")
    assert planned([calibrated(0.8, dpd=0.03)], (DPD, auc)) == planned([calibrated(0.8, dpd=0.03)])


def test_no_error_is_certainty():
    values = [calibrated(0.8, dpd=0.05), calibrated(0.9, dpd=0.2)]
    order = plan_order(values, [{DPD.key: (0.0, 0.0)}] * 2, (DPD,), alpha=0.05)
    assert [(one.index, one.chance) for one in order] == [(0, 1.0), (1, 0.0)]


def promised(order: tuple[Entrant, ...]) -> float:
    before, total = 0.0, 0.0
    for one in order:
        total += (one.utility - before) * one.chance
        before = one.utility
    return total


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.5, 1.0), st.floats(0.0, 0.2)), min_size=1, max_size=9), st.integers(1, 4)
)  # fmt: skip
def test_of_many_those_are_kept_that_promise_most(pairs, most):
    """Oracle: every subset of the whole front, by brute force."""
    found = [calibrated(utility, dpd=dpd) for utility, dpd in pairs]
    front, kept = planned(found, most=len(found)), planned(found, most=most)
    assert set(kept) <= set(front)
    assert [one.lead for one in kept] == sorted((one.lead for one in kept), reverse=True)
    best = max(promised(some) for some in itertools.combinations(front, min(most, len(front))))
    assert promised(kept) == pytest.approx(best, abs=1e-9)


def test_thirty_settings_of_a_dial_leave_four():
    found = [calibrated(0.7 + 0.005 * k, dpd=0.004 * k) for k in range(30)]
    order = planned(found)
    assert len(order) == 4
    assert order[0].chance > 0.5 > order[-1].chance

"""T14: how many attack steps a budget buys."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.errors import UsageError
from efficienttrust.theory.catalogue.compute_allocation import budget_to_suboptimality, plan_attack_steps

PARTS = (st.floats(0.1, 10), st.floats(0.01, 5), st.floats(0.05, 0.95))


def left(k, plain_steps, dg=1.0, g0=0.5, rho=0.5):
    return dg * math.sqrt((k + 1) / plain_steps) + g0 * rho**k


def test_numbers_of_the_catalogue():
    assert plan_attack_steps(100, 1).value == 4
    large = plan_attack_steps(10_000, 1)
    assert large.value == 8
    assert large.details["steps"] == 10_000 // 9
    assert large.kind == "heuristic"
    assert not large.rigorous


@settings(max_examples=60, deadline=None)
@given(st.floats(2, 1e6), *PARTS)
def test_no_other_number_of_steps_is_predicted_to_be_better(budget, dg, g0, rho):
    plan = plan_attack_steps(budget, 1.0, dg, g0, rho)
    best = min(left(k, budget, dg, g0, rho) for k in range(400))
    assert plan.details["suboptimality"] == pytest.approx(best)


@settings(max_examples=40, deadline=None)
@given(st.floats(2, 1e5), *PARTS)
def test_a_larger_budget_attacks_longer_and_leaves_less(budget, dg, g0, rho):
    small, large = (plan_attack_steps(size, 1.0, dg, g0, rho) for size in (budget, 10 * budget))
    assert large.value >= small.value
    assert large.details["suboptimality"] < small.details["suboptimality"]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.005, 1), *PARTS)
def test_the_budget_for_a_suboptimality_is_the_inverse_of_the_plan(suboptimality, dg, g0, rho):
    needed = budget_to_suboptimality(suboptimality, 3.0, dg, g0, rho)
    plan = plan_attack_steps(needed.value, 3.0, dg, g0, rho)
    assert plan.details["suboptimality"] == pytest.approx(suboptimality, rel=1e-9)
    less = plan_attack_steps(0.99 * needed.value, 3.0, dg, g0, rho)
    assert less.details["suboptimality"] > suboptimality


def test_a_budget_below_one_step_is_vacuous():
    assert plan_attack_steps(0.5, 1.0).vacuous


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: plan_attack_steps(0, 1), "budget is 0"),
        (lambda: plan_attack_steps(1, math.inf), "step_cost is inf"),
        (lambda: plan_attack_steps(1, 1, rho=1.0), "rho is 1"),
        (lambda: budget_to_suboptimality(0, 1), "suboptimality is 0"),
        (lambda: budget_to_suboptimality(0.1, 1, g0=-1), "g0 is -1"),
    ],
)
def test_bad_input_is_one_line(call, says):
    with pytest.raises(UsageError, match=says):
        call()

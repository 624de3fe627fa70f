"""The planner: training ends before the reserve, and what a shrinking budget does not buy is declared."""

from __future__ import annotations

import itertools
import math
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import Lever, Plan, make_plan, policies
from efficienttrust.atats._planner import (
    DECISIONS_LEAST,
    DECISIONS_WANTED,
    ENOUGH_EPOCHS,
    ENOUGH_STEPS,
    FIRST_SPACING,
    FREE_STEP,
    MOST_SLACK,
    SPARSE_SPACING,
)

ROBUST = Lever(fairness=True, robustness=True, calibration=1.0)
FAIR = Lever(fairness=True, robustness=False, calibration=1.0)
PLAIN = Lever(fairness=False, robustness=False, calibration=0.0)
LEVERS = pytest.mark.parametrize("lever", [ROBUST, FAIR, PLAIN])


def plan_for(lever: Lever, limit: float, **changes: float) -> Plan:
    costs = {
        "used": 1.0, "reserve": 0.5, "plain_step": 0.01, "adversarial_step": 0.02, "monitor": 0.05,
        "steps_per_epoch": 100.0,
    }  # fmt: skip
    return make_plan(lever, limit=limit, **{**costs, **changes})


LIMITS = [1.0, 1.2, 1.5, 1.6, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0, 20.0, 50.0, 100.0, 1000.0, math.inf]


@given(
    lever=st.sampled_from([ROBUST, FAIR, PLAIN]),
    limit=st.floats(0.1, 1e4) | st.just(math.inf),
    used=st.floats(0.0, 10.0),
    reserve=st.floats(0.0, 10.0),
    plain=st.floats(1e-4, 10.0),
    ratio=st.floats(0.5, 20.0),
    monitor=st.floats(0.0, 10.0),
    epoch=st.floats(1.0, 1e4),
)
def test_plan_is_sound_whatever_the_costs(
    lever: Lever, limit: float, used: float, reserve: float, plain: float, ratio: float, monitor: float, epoch: float
) -> None:
    plan = make_plan(
        lever, used=used, limit=limit, reserve=reserve, plain_step=plain, adversarial_step=plain * ratio,
        monitor=monitor, steps_per_epoch=epoch,
    )  # fmt: skip
    assert all(math.isfinite(value) for value in astuple(plan) if isinstance(value, float))
    assert plan.start == used
    assert plan.end <= max(limit - reserve, used)
    assert plan.horizon >= 0
    assert 1 <= plan.decisions <= DECISIONS_WANTED
    assert (
        plan.decisions >= DECISIONS_LEAST
        or plan.decisions * SPARSE_SPACING * monitor <= plan.horizon * 1.000001
        or (plan.decisions == 1)
    )
    assert 0 < plan.interval <= 0.5
    assert 0 <= plan.adversarial_start <= 1
    assert 0 <= plan.start_share <= 1
    assert (plan.start_share > 0) == lever.robustness == (plan.adversarial_start < 1)
    assert (plan.start_lambda > 0) == lever.fairness
    assert not plan.left_to_calibration or (lever.fairness and not plan.looks)
    assert plan.attack in ("n_fgsm", "noise")
    assert lever.robustness or not plan.fallbacks
    assert (plan.attack == "noise") == (len(plan.fallbacks) == 2)


@LEVERS
def test_more_budget_never_plans_less(lever: Lever) -> None:
    plans = [plan_for(lever, limit) for limit in LIMITS]
    for less, more in itertools.pairwise(plans):
        assert more.end >= less.end
        assert more.decisions >= less.decisions
        assert len(more.fallbacks) <= len(less.fallbacks)
        assert (less.attack, more.attack) != ("n_fgsm", "noise")
        assert more.start_share <= less.start_share  # whole batches are the fall-back of the small budget


def test_fallbacks_appear_one_by_one_as_the_budget_shrinks() -> None:
    large, small, tiny = (plan_for(ROBUST, limit) for limit in (50.0, 3.5, 2.0))
    assert large.fallbacks == {}
    assert (large.start_share, large.attack) == (0.5, "n_fgsm")
    assert len(small.fallbacks) == 1
    assert (small.start_share, small.adversarial_start, small.attack) == (1.0, 0.0, "n_fgsm")
    assert "whole batches" in small.fallbacks["adversarial_share"]
    assert len(tiny.fallbacks) == 2
    assert tiny.attack == "noise"
    assert "not bought" in tiny.fallbacks["attack"]


def test_declared_number_of_steps_is_what_the_horizon_buys() -> None:
    plan = plan_for(ROBUST, 3.5)
    steps = plan.horizon / (0.02 * (1 + 1 / 8))
    assert f"about {steps:.0f} adversarial steps" in plan.fallbacks["adversarial_share"]


@LEVERS
def test_budget_is_a_cap_not_a_target(lever: Lever) -> None:
    with_limit, without = plan_for(lever, 1e6), plan_for(lever, math.inf)
    assert with_limit.end == without.end
    mean_step = 0.015 if lever.robustness else 0.01
    # Half of every batch is attacked for (at most) the whole horizon; looks cost an eighth on top.
    assert without.horizon <= ENOUGH_EPOCHS * 100.0 * mean_step * (1 + 1 / 8) + 1e-9
    assert without.horizon >= ENOUGH_EPOCHS * 100.0 * 0.01


@pytest.mark.parametrize("steps_per_epoch", [1.0, 3.0, 13.0])
@pytest.mark.parametrize("ratio", [1.0, 2.0, 8.0])
def test_few_rows_are_not_mistaken_for_a_small_budget(steps_per_epoch: float, ratio: float) -> None:
    plan = plan_for(ROBUST, 1e6, steps_per_epoch=steps_per_epoch, adversarial_step=0.01 * ratio)
    assert plan.fallbacks == {}
    assert plan.horizon >= ENOUGH_STEPS * 0.01


def test_the_dearer_an_attack_the_later_it_starts() -> None:
    starts = [plan_for(ROBUST, 1e6, adversarial_step=0.01 * ratio).adversarial_start for ratio in (1.0, 2.0, 4.0, 50.0)]
    assert starts == [0.0, 0.0, 0.5, 0.7]


def test_dear_looks_are_rare() -> None:
    cheap, dear = plan_for(FAIR, 21.5, monitor=0.01), plan_for(FAIR, 21.5, monitor=0.3)
    assert cheap.decisions == DECISIONS_WANTED
    assert dear.decisions == int(20.0 / (8 * 0.3))
    assert plan_for(FAIR, 21.5, monitor=1.0).decisions == DECISIONS_LEAST
    assert plan_for(FAIR, 21.5, monitor=2.0).decisions == int(20.0 / (SPARSE_SPACING * 2.0))


def test_a_look_that_is_dearer_than_the_steps_it_displaces_is_not_taken() -> None:
    assert plan_for(FAIR, 21.5, monitor=20.0 / FIRST_SPACING).looks
    assert plan_for(FAIR, math.inf, monitor=1e6).looks, "what is worth while may be little; there is enough for a look"
    dear = plan_for(FAIR, 21.5, monitor=20.1 / FIRST_SPACING)
    assert not dear.looks
    assert dear.decisions == 1, "policies divide by it"


def test_without_a_look_steps_are_free_ones_and_calibration_finishes_fairness() -> None:
    blind = plan_for(ROBUST, 2.9, monitor=1.4 / FIRST_SPACING + 0.01)
    assert not blind.looks
    assert (blind.attack, blind.start_share, blind.adversarial_start) == ("free", 1.0, 0.0)
    assert blind.left_to_calibration
    assert f"about {1.4 / (FREE_STEP * 0.01):.0f} steps" in blind.fallbacks["attack"]
    seeing = plan_for(ROBUST, 2.9, monitor=1.4 / FIRST_SPACING - 0.01)
    assert (seeing.attack, seeing.left_to_calibration, "attack" in seeing.fallbacks) == ("n_fgsm", False, False)
    uninformed = Lever(fairness=True, robustness=True, calibration=0.0)
    assert not plan_for(uninformed, 2.9, monitor=1.0).left_to_calibration
    assert plan_for(ROBUST, 1.9, monitor=1.0).attack == "noise", "fewer than anything can be trained by"


@pytest.mark.parametrize("policy", ["static", "rule", "pid"])
def test_only_plan_leaves_fairness_to_calibration(policy: str) -> None:
    blind, seeing = plan_for(ROBUST, 2.9, monitor=1.0), plan_for(ROBUST, 2.9)
    assert policies.get("plan")().reset(blind).lambda_fair == 0.0
    assert policies.get("plan")().reset(seeing).lambda_fair > 0.0
    assert policies.get(policy)().reset(blind).lambda_fair == policies.get(policy)().reset(seeing).lambda_fair > 0.0


def test_budget_that_is_used_up_leaves_no_horizon() -> None:
    plan = plan_for(ROBUST, 1.2)
    assert (plan.start, plan.end, plan.horizon) == (1.0, 1.0, 0.0)
    assert plan.progress(1.0) == 1.0
    assert len(plan.fallbacks) == 2


def test_progress_runs_from_start_to_end() -> None:
    plan = plan_for(FAIR, 11.5)
    assert [plan.progress(used) for used in (0.0, 1.0, 6.0, 11.0, 99.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_same_costs_same_plan() -> None:
    assert plan_for(ROBUST, 12.0) == plan_for(ROBUST, 12.0)


def test_better_calibration_loosens_the_target_in_training() -> None:
    levels = (0.0, 0.3, 1.0)
    slack = [plan_for(Lever(fairness=True, robustness=False, calibration=c), 10.0).fairness_slack for c in levels]
    assert slack == sorted(set(slack))
    assert slack[0] == 1.0
    assert slack[-1] == pytest.approx(1 + MOST_SLACK)

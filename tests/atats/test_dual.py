"""The policy `dual`: multipliers by hand, and on closed-form convex plants their known optima."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import ConstraintState, TrustAction, make_policy
from efficienttrust.atats.catalogue.dual import Multiplier
from efficienttrust.errors import UsageError
from tests.atats.runs import closed_loop, constraint, plan_of, state_of, steps


def exactly(lever: str, gap: float) -> ConstraintState:
    """Return a constraint without noise, as a plant with a formula has."""
    return ConstraintState(lever, lever, 0.05, gap, 0.0, gap, 0.0, gap)


def test_recursion_by_hand() -> None:
    one = Multiplier(0.5, rho=1.0, most_rho=1.3, growth=1.2, most=10.0)
    assert one.update(0.2) == pytest.approx(0.7)  # the first violation is not compared
    assert one.rho == 1.0
    assert one.update(0.19) == pytest.approx(0.7 + 1.2 * 0.19)  # it did not shrink to 90 %: the step grows
    assert one.update(0.1) == pytest.approx(0.928 + 1.2 * 0.1)  # it did
    assert one.update(0.1) == pytest.approx(1.048 + 1.3 * 0.1)  # grows, up to its limit
    assert one.update(-5.0) == 0.0
    assert one.rho == 1.3


def test_a_violation_within_its_noise_does_not_grow_the_step() -> None:
    one = Multiplier(0.5, rho=1.0, most_rho=4.0, growth=2.0, most=10.0)
    for _ in range(5):
        one.update(0.01, noise=0.02)
    assert one.rho == 1.0


@given(gaps=st.lists(st.floats(-1, 1), max_size=30), rho=st.floats(0.1, 5), growth=st.floats(1, 3))
def test_multiplier_stays_in_its_range(gaps: list[float], rho: float, growth: float) -> None:
    one = Multiplier(1.0, rho, 4 * rho, growth, most=3.0)
    for gap in gaps:
        assert 0.0 <= one.update(gap) <= 3.0
        assert rho <= one.rho <= 4 * rho


@pytest.mark.parametrize("bound", [1.0, 1.3, 1.9])
@pytest.mark.parametrize("rho", [0.5, 1.0])
def test_projection_onto_a_half_space_finds_the_known_multiplier(bound: float, rho: float) -> None:
    # min (x - 2)² / 2 s.t. x <= bound. The Lagrangian is least at x = 2 - mu, so mu* = 2 - bound, x* = bound.
    def plant(_: int, action: TrustAction) -> Sequence[ConstraintState]:
        return (exactly("fairness", (2.0 - action.lambda_fair) - bound),)

    actions = closed_loop(make_policy(f"dual(rho={rho}, growth=1)"), plan_of(), 80, plant)
    assert actions[-1].lambda_fair == pytest.approx(2.0 - bound, abs=1e-6)


def test_an_inactive_constraint_ends_at_zero() -> None:
    actions = closed_loop(make_policy("dual"), plan_of(), 60, lambda i, a: (exactly("fairness", -0.3 - a.lambda_fair),))
    assert actions[-1].lambda_fair < 1e-6


def test_share_is_the_multiplier_of_its_constraint_as_odds() -> None:
    # min (x - 2)² / 2 s.t. x <= 1.5 / 6, in the units of the gap: lambda_R* = 1.5, so q* = 1.5 / 2.5.
    def plant(_: int, action: TrustAction) -> Sequence[ConstraintState]:
        odds = action.adversarial_share / (1.0 - action.adversarial_share)
        return (exactly("robustness", (1.5 - odds) / 6.0),)

    actions = closed_loop(make_policy("dual(growth=1)"), plan_of(), 80, plant)
    assert actions[-1].adversarial_share == pytest.approx(0.6, abs=1e-6)


def test_growth_reaches_a_weak_plant_sooner() -> None:
    def weak(_: int, action: TrustAction) -> Sequence[ConstraintState]:
        return (exactly("fairness", 0.1 - 0.02 * action.lambda_fair),)

    fixed, growing = (
        closed_loop(make_policy(f"dual(rho=0.5, growth={growth})"), plan_of(), 30, weak)[-1].lambda_fair
        for growth in (1, 1.5)
    )
    assert growing > 2 * fixed
    assert growing < 5.5


def test_what_the_projector_held_back_winds_nothing_up() -> None:
    policy = make_policy("dual(rho=20, growth=1)")
    plan = plan_of()
    far = [[constraint("fairness", 0.5)]] * 8
    actions = steps(policy, plan, far)
    fallen = policy.act(state_of(exactly("fairness", -0.001), action=actions[-1]))
    scale = 20 / plan.decisions
    assert fallen.lambda_fair == pytest.approx(actions[-1].lambda_fair - 20 * scale * 0.001)


def test_an_infinite_violation_survives_a_checkpoint() -> None:
    policy, resumed = make_policy("dual"), make_policy("dual")
    for one in (policy, resumed):
        one.reset(plan_of())
    resumed.load_state_dict(policy.state_dict())
    assert math.isinf(resumed._fair.violation)  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["dual(rho=0)", "dual(rho=-1)", "dual(growth=0.9)"])
def test_options_are_checked(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape("must be > 0 and growth=")):
        make_policy(text)

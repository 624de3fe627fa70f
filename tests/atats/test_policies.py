"""What every policy keeps to: ranges after the projector, determinism, checkpoints, and dials that serve a target."""

from __future__ import annotations

import inspect
import itertools
import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from efficienttrust.atats import ConstraintState, Lever, Plan, TrustAction, make_policy, policies
from tests.atats.runs import (
    ADAPTIVE,
    assert_in_range,
    closed_loop,
    constraint,
    every_policy,
    plan_of,
    plans,
    readings,
    state_of,
    steps,
    without_reasons,
)

Readings = list[list[ConstraintState]]


@every_policy
@settings(max_examples=50, deadline=None)
@given(plan=plans(), seen=readings)
def test_dials_are_in_range_from_the_start_on(name: str, plan: Plan, seen: Readings) -> None:
    for action in steps(make_policy(name), plan, seen):
        assert_in_range(action)
        assert not action.stop


@every_policy
@settings(max_examples=50, deadline=None)
@given(plan=plans(), seen=readings)
def test_what_a_policy_asks_for_is_in_range_before_the_projector(name: str, plan: Plan, seen: Readings) -> None:
    policy = make_policy(name)
    action = policy.reset(plan)
    for index, reading in enumerate(seen):
        action = policy.act(state_of(*reading, progress=index / len(seen), action=action))
        assert math.isfinite(action.lambda_fair)
        assert action.lambda_fair >= 0.0
        assert 0.0 <= action.adversarial_share <= 1.0
        assert action.next_monitor_in > 0


@every_policy
@settings(max_examples=30, deadline=None)
@given(plan=plans(), seen=readings)
def test_reset_forgets_everything(name: str, plan: Plan, seen: Readings) -> None:
    policy = make_policy(name)
    assert steps(policy, plan, seen) == steps(policy, plan, seen) == steps(make_policy(name), plan, seen)


@every_policy
@settings(max_examples=30, deadline=None)
@given(plan=plans(), seen=readings, later=readings)
def test_policy_goes_on_from_a_checkpoint(name: str, plan: Plan, seen: Readings, later: Readings) -> None:
    policy, resumed = make_policy(name), make_policy(name)
    action, reached = steps(policy, plan, seen)[-1], len(seen) / (len(seen) + 1)  # progress never goes back
    resumed.reset(plan)
    resumed.load_state_dict(json.loads(json.dumps(policy.state_dict())))

    def go_on(one: object, present: TrustAction) -> list[TrustAction]:
        actions = []
        for index, reading in enumerate(later):
            state = state_of(*reading, progress=reached + (1 - reached) * index / len(later), action=present)
            present = one.act(state)  # type: ignore[attr-defined]
            actions.append(present)
        return actions

    assert go_on(policy, action) == go_on(resumed, action)


@every_policy
@pytest.mark.parametrize(("fairness", "robustness"), [(False, False), (True, False), (False, True)])
def test_dial_without_a_target_stays_at_zero(name: str, fairness: bool, robustness: bool) -> None:
    plan = plan_of(Lever(fairness, robustness, calibration=1.0))
    levers = {"fairness": fairness, "robustness": robustness}
    reading = [constraint(lever, 0.2) for lever, wanted in levers.items() if wanted]
    for action in steps(make_policy(name), plan, [reading] * 6):
        assert fairness or action.lambda_fair == 0.0
        assert robustness or action.adversarial_share == 0.0


@every_policy
def test_targets_without_a_lever_move_nothing(name: str) -> None:
    plan = plan_of()
    quiet = steps(make_policy(name), plan, [[] for _ in range(6)])
    noisy = steps(make_policy(name), plan, [[constraint("none", 0.5)] for _ in range(6)])
    assert without_reasons(quiet) == without_reasons(noisy)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_dials_rise_while_targets_are_violated_and_fall_once_they_are_met(name: str) -> None:
    bad = [constraint("fairness", 0.15), constraint("robustness", 0.15)]
    good = [constraint("fairness", -0.15), constraint("robustness", -0.15)]
    actions = steps(make_policy(name), plan_of(), [bad] * 12 + [good] * 6)
    rising, falling = actions[1:13], actions[13:]
    for dial in ("lambda_fair", "adversarial_share"):
        up, down = [getattr(a, dial) for a in rising], [getattr(a, dial) for a in falling]
        assert all(later >= earlier for earlier, later in itertools.pairwise(up))
        assert up[-1] > up[0] or up[-1] == 1.0
        assert all(later <= earlier for earlier, later in itertools.pairwise(down))
        assert down[-1] < up[-1]


@pytest.mark.parametrize("name", ADAPTIVE)
def test_every_move_has_its_reason(name: str) -> None:
    bad = [constraint("fairness", 0.15, key="dpd"), constraint("robustness", 0.15, key="rob")]
    actions = steps(make_policy(name), plan_of(), [bad] * 12)
    for before, after in itertools.pairwise(actions):
        for dial in ("lambda_fair", "adversarial_share"):
            if getattr(before, dial) != getattr(after, dial):
                assert after.reasons.get(dial)
    assert "dpd" in actions[-1].reasons["lambda_fair"]
    assert "rob" in actions[-1].reasons["adversarial_share"]


@pytest.mark.parametrize("name", ADAPTIVE)
def test_a_plant_that_answers_is_brought_to_its_targets(name: str) -> None:
    def plant(_: int, action: TrustAction) -> Sequence[ConstraintState]:
        return (
            constraint("fairness", 0.10 - 0.2 * action.lambda_fair),
            constraint("robustness", 0.05 - 0.1 * action.adversarial_share),
        )

    actions = closed_loop(make_policy(name), plan_of(), 60, plant)
    for _, action in list(enumerate(actions))[-20:]:
        fairness, robustness = plant(0, action)
        assert fairness.gap < 0.07  # `plan` stops at 1.8 times the tolerance: calibration does the rest
        assert robustness.gap < 0.02
        assert action.lambda_fair < 2.0


def test_static_does_what_it_says() -> None:
    bad = [constraint("fairness", 0.5), constraint("robustness", 0.5)]
    for action in steps(make_policy("static(lambda_fair=0.7, adversarial_share=0.9)"), plan_of(), [bad] * 4):
        assert (action.lambda_fair, action.adversarial_share, action.attack) == (0.7, 0.9, "n_fgsm")


def test_controllers_of_present_metrics_follow_the_worst_present_metric() -> None:
    now = ConstraintState("now", "fairness", 0.05, 0.2, 0.01, 0.2, 0.0, -0.1)
    later = ConstraintState("later", "fairness", 0.05, -0.2, 0.01, -0.2, 0.0, 0.1)
    for name, key in (("pid", "now"), ("rule", "now"), ("plan", "later")):
        action = steps(make_policy(name), plan_of(), [[now, later]] * 4)[-1]
        assert key in action.reasons["lambda_fair"]


def test_plan_aims_at_the_loosened_tolerance() -> None:
    plan = plan_of()
    assert plan.fairness_slack == pytest.approx(1.8)
    policy = make_policy("plan")
    start = policy.reset(plan)
    # A gap of 0.8 tolerances is where calibration takes over: the dial stays.
    for tolerance in (0.05, 0.2):
        policy.reset(plan)
        at_rest = policy.act(state_of(constraint("fairness", 0.8 * tolerance, tolerance=tolerance), action=start))
        assert at_rest.lambda_fair == pytest.approx(start.lambda_fair)


def test_rule_starts_no_attack_that_no_target_needs() -> None:
    met = [constraint("robustness", -0.2)]
    assert all(a.adversarial_share == 0.0 for a in steps(make_policy("rule"), plan_of(), [met] * 10))


@every_policy
def test_policy_names_and_documents_itself(name: str) -> None:
    policy = make_policy(name)
    assert policy.name == name
    assert inspect.getdoc(policies.get(name))

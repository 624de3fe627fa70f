"""The policy `rl`: it asks its network inside of its training, and leaves the rest to `plan`, with the reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from efficienttrust.atats import Policy, Scheduler, TrustState, make_policy
from efficienttrust.atats.learning import READS, ResidualNetwork, load_network, save_network, shipped_weights
from efficienttrust.errors import UsageError
from tests.atats.runs import constraint, plan_of, state_of, without_reasons

WIDE = np.full(len(READS), 10.0)


def policy_of(bias: tuple[float, float], path: Path, *, reach: np.ndarray = WIDE) -> Policy:
    save_network(ResidualNetwork([(np.zeros((len(READS), 2)), np.array(bias))], -reach, reach, {}), path)
    return make_policy(f"rl(weights={path})")


def state() -> TrustState:
    return state_of(constraint("fairness", 0.02), constraint("robustness", 0.02), action=make_policy("plan").reset(
        plan_of()))  # fmt: skip


def planned(seen: TrustState) -> object:
    plan = make_policy("plan")
    plan.reset(plan_of())
    return plan.act(seen)


def test_the_network_corrects_plan(tmp_path: Path) -> None:
    policy = policy_of((-0.4, 0.5), tmp_path / "rl.npz")
    policy.reset(plan_of())
    action, base = policy.act(state()), planned(state())
    assert action.adversarial_share == pytest.approx(base.adversarial_share - 0.4 * 0.25)
    assert action.lambda_fair == pytest.approx(base.lambda_fair * np.exp(0.4 * 0.5))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_is_no_number_leaves_the_decision_to_plan(tmp_path: Path, value: float) -> None:
    policy = policy_of((value, 0.0), tmp_path / "rl.npz")
    policy.reset(plan_of())
    action = policy.act(state())
    assert without_reasons([action]) == without_reasons([planned(state())])
    assert action.reasons["policy"] == "plan decides alone: the network answered with what is not a number"
    assert policy.state_dict()["fallen_back"] == 1.0


def test_a_state_outside_of_training_leaves_the_decision_to_plan(tmp_path: Path) -> None:
    policy = policy_of((1.0, 1.0), tmp_path / "rl.npz", reach=np.full(len(READS), 0.5))
    policy.reset(plan_of())
    action = policy.act(state())
    assert without_reasons([action]) == without_reasons([planned(state())])
    assert "utility = 0.8 is outside of its training (-0.5 to 0.5)" in action.reasons["policy"]


def test_a_state_with_what_is_no_number_leaves_the_decision_to_plan(tmp_path: Path) -> None:
    policy = policy_of((1.0, 1.0), tmp_path / "rl.npz")
    policy.reset(plan_of())
    assert "policy" in policy.act(replace(state(), utility=float("nan"))).reasons


def test_whatever_the_network_says_the_projector_bounds_it(tmp_path: Path) -> None:
    scheduler = Scheduler(policy_of((1e9, 1e9), tmp_path / "rl.npz"), plan_of(), lambda action: 1.0)
    scheduler.start()
    before = scheduler.action
    scheduler.decide(replace(state(), dials=before))
    assert scheduler.action.adversarial_share <= before.adversarial_share + 0.25
    assert scheduler.action.lambda_fair <= 1.5 * before.lambda_fair + 1e-12


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file of weights"):
        make_policy(f"rl(weights={tmp_path / 'none.npz'})")


def test_shipped_weights_have_something_to_say() -> None:
    network = load_network(shipped_weights())
    readings = np.random.default_rng(0).uniform(network.low, network.high, (50, len(READS)))
    corrections = network.correction(readings)
    assert np.isfinite(corrections).all()
    assert corrections.std(axis=0).min() > 0.01
    assert all(not network.strange(reading) for reading in readings)

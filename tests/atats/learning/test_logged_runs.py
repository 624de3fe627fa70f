"""Dynamics fitted to logged runs: a linear system is found again, and runs by it end and are paid as others."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from efficienttrust.atats import Plan, TrustAction, TrustState
from efficienttrust.atats.learning import LoggedRuns, Residual, fit_dynamics, state_of
from efficienttrust.errors import UsageError
from tests.atats.runs import constraint, plan_of
from tests.atats.runs import state_of as made_state

LAMBDA_EFFECT, SHARE_EFFECT = -0.05, -0.04  # on the gaps, per decision


def logged_run(seed: int, n: int = 15, *, noise: float = 0.0) -> tuple[list[TrustState], Plan, list[str]]:
    """Return a run of a plant whose gaps answer linearly to the dials set."""
    rng, plan = np.random.default_rng(seed), plan_of()
    fair, robust, states = rng.uniform(0.0, 0.2), rng.uniform(0.0, 0.2), []
    action = TrustAction(lambda_fair=0.25, adversarial_share=0.5)
    for index in range(n):
        constraints = constraint("fairness", fair), constraint("robustness", robust)
        states.append(made_state(*constraints, progress=(index + 1) / (n + 1), action=action))
        weight = rng.uniform(0, 0.5)
        action = TrustAction(
            lambda_fair=weight / (1 - weight), adversarial_share=rng.random(), next_monitor_in=rng.uniform(0.04, 0.08)
        )
        fair += LAMBDA_EFFECT * weight + 0.01 + noise * rng.standard_normal()
        robust += SHARE_EFFECT * action.adversarial_share + 0.02 + noise * rng.standard_normal()
    return states, plan, ["sparsity"]


def test_a_linear_plant_is_found_again() -> None:
    dynamics = fit_dynamics([logged_run(seed) for seed in range(40)])
    state = made_state(constraint("fairness", 0.1), constraint("robustness", 0.1))
    for weight, share in ((0.0, 1.0), (0.5, 0.25)):
        action = TrustAction(lambda_fair=weight / (1 - weight), adversarial_share=share)
        change = dynamics.change(state, action)
        assert change[1] == pytest.approx(LAMBDA_EFFECT * weight + 0.01, abs=1e-3)
        assert change[2] == pytest.approx(SHARE_EFFECT * share + 0.02, abs=1e-3)
        assert change[[0, 3]] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert np.abs(dynamics.residuals).max() < 1e-3


def test_runs_by_the_dynamics_end_and_their_rewards_add_up() -> None:
    dynamics = fit_dynamics([logged_run(seed, noise=0.01) for seed in range(5)])
    policies = [Residual() for _ in range(6)]
    runs = LoggedRuns(dynamics, policies, seed=0)
    first = np.array([-sum(max(c.calibrated_gap, 0.0) for c in state.constraints) for state in runs.states])
    total, decisions = np.zeros(6), 0
    while not runs.finished.all():
        total += runs.decide()
        decisions += 1
    assert 3 <= decisions <= 25
    scores = [outcome.score for outcome in runs.outcomes if outcome is not None]
    np.testing.assert_allclose(total, np.array(scores) - first)
    runs.begin_anew([2])
    assert runs.finished.tolist() == [True, True, False, True, True, True]


def test_a_state_comes_back_from_its_record() -> None:
    state = dataclasses.replace(
        made_state(constraint("fairness", 0.1)), dials=TrustAction(lambda_fair=0.3, reasons={"lambda_fair": "why"})
    )
    recorded = json.loads(json.dumps(dataclasses.asdict(state)).replace("NaN", "null"))
    again = state_of(recorded)
    assert repr(again) == repr(state)  # NaN is not equal to itself


def test_too_few_changes_are_refused() -> None:
    with pytest.raises(UsageError, match="14 changes of state, and a fit takes 30: give more runs"):
        fit_dynamics([logged_run(0)])

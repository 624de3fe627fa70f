"""Rewards: what shaping adds is fixed by the first state, so it leaves the best policy as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficienttrust.atats.learning import MicroRuns, Outcome, Residual
from efficienttrust.atats.learning._metrics import violations
from tests.atats.learning.quick import quick_tasks

N = 4


def run(seed: int, corrections: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[Outcome | None]]:
    """Return the sums of rewards, the potentials of the first states, and the outcomes."""
    policies = [Residual() for _ in range(N)]
    runs = MicroRuns(quick_tasks(seed, N), policies, seed=seed)
    bounds = np.array([[task.fairness_bound, task.robustness_bound] for task in runs.tasks])
    first, total, index = -violations(runs.exact[:, 1], runs.exact[:, 2], bounds).sum(axis=1), np.zeros(N), 0
    while not runs.finished.all():
        for policy in policies:
            policy.correction = corrections[index % len(corrections)]
        total += runs.decide()
        index += 1
    return total, first, runs.outcomes


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), choices=st.lists(st.tuples(*[st.floats(-1, 1)] * 2), min_size=1, max_size=20))
def test_rewards_add_up_to_the_score_less_the_potential_of_the_first_state(
    seed: int, choices: list[tuple[float, float]]
) -> None:
    total, first, outcomes = run(seed, np.array(choices))
    np.testing.assert_allclose(total, [outcome.score for outcome in outcomes if outcome] - first, atol=1e-12)


def test_no_decision_changes_what_shaping_adds() -> None:
    first = {tuple(run(5, np.array([correction]))[1]) for correction in ([0.0, 0.0], [1.0, 1.0], [-1.0, -1.0])}
    assert len(first) == 1


def test_score_is_utility_less_twice_the_violations_and_the_overspend() -> None:
    assert Outcome(0.8, 0.05, 0.02, hit=False).score == pytest.approx(0.8 - 0.1 - 0.02)


def test_corrections_matter() -> None:
    scores = [
        sum(outcome.score for outcome in run(5, np.array([correction]))[2] if outcome)
        for correction in ([0.0, 0.0], [1.0, 1.0], [-1.0, -1.0])
    ]
    assert len(set(scores)) == 3

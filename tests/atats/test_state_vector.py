"""`TrustState.vector`: as long as ever, finite and small, whatever the run is going through."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import STATE_VERSION, ConstraintState, TrustState
from tests.atats.runs import constraint, constraints, state_of

LENGTH = 21
share = st.floats(0.0, 1.0)

states = st.builds(
    TrustState,
    progress=share,
    budget_used=st.floats(0.0, 1e6),
    step=st.integers(0, 10**9),
    utility=share,
    calibrated_utility=share,
    loss=st.floats(allow_nan=True, allow_infinity=True),
    constraints=st.lists(constraints(), max_size=5).map(tuple),
    lambda_fair=st.floats(0.0, 10.0),
    adversarial_share=share,
    learning_rate_factor=st.floats(0.1, 2.0),
    adversarial_cost_ratio=st.floats(0.0, 1e6),
    monitor_cost_ratio=st.floats(0.0, 1e9),
    overfitting=st.floats(-1.0, 1.0),
)


@given(state=states)
def test_finite_bounded_and_of_fixed_length(state: TrustState) -> None:
    vector = state.vector()
    assert vector.shape == (LENGTH,)
    assert vector.dtype == np.float64
    assert np.isfinite(vector).all()
    assert np.abs(np.delete(vector, 1)).max() <= 1.0
    assert 0 <= vector[1] <= 2.0  # the budget may be overspent, which should show


def test_layout_is_the_documented_one() -> None:
    seen = ConstraintState("k", "robustness", 0.2, 0.01, 0.02, 0.03, 0.04, 0.05)
    vector = state_of(seen, progress=0.4).vector()
    head = [0.4, 0.36, 0.8, 0.79, np.log10(0.4) / 2, 0.0, 0.0, 0.5, 1 / 3, np.log10(5) / 4, 0.0]
    np.testing.assert_allclose(vector[:11], head)
    np.testing.assert_array_equal(vector[11:16], 0.0)  # no fairness constraint
    np.testing.assert_allclose(vector[16:], np.tanh(10 * np.array([0.01, 0.02, 0.03, 0.04, 0.05])))
    assert STATE_VERSION == 1


def test_order_of_constraints_does_not_matter() -> None:
    several = [constraint("fairness", 0.1), constraint("fairness", -0.1), constraint("robustness", 0.2)]
    np.testing.assert_array_equal(state_of(*several).vector(), state_of(*reversed(several)).vector())


def test_worst_constraint_of_a_lever() -> None:
    now = ConstraintState("now", "fairness", 0.05, 0.2, 0.01, 0.2, 0.0, -0.1)
    later = ConstraintState("later", "fairness", 0.05, -0.2, 0.01, -0.2, 0.0, 0.1)
    state = state_of(now, later, constraint("none", 0.9))
    assert state.worst("fairness", "smoothed_gap") is now
    assert state.worst("fairness", "calibrated_gap") is later
    assert state.worst("robustness", "calibrated_gap") is None


def test_state_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        state_of().progress = 0.1  # type: ignore[misc]

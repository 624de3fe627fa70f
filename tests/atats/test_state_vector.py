"""The vector of a state: as long as ever, finite and small, whatever the run is going through."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import (
    DIALS,
    FIELDS,
    STATE_VERSION,
    ConstraintState,
    Landscape,
    TrustAction,
    TrustState,
    vector_of,
)
from tests.atats.runs import constraint, constraints, state_of

NAMES = [name for name, _, _ in FIELDS]
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
    dials=st.builds(TrustAction, **{dial.name: st.floats(dial.low, dial.high) for dial in DIALS}),
    adversarial_cost_ratio=st.floats(0.0, 1e6),
    monitor_cost_ratio=st.floats(0.0, 1e9),
    overfitting=st.floats(-1.0, 1.0) | st.just(float("nan")),
    step_cost_ratio=st.floats(0.0, 1e6),
    generalisation_gap=st.floats(-1.0, 1.0) | st.just(float("nan")),
    spent=st.dictionaries(st.sampled_from(["time", "memory"]), st.floats(0.0, 1e6)),
    landscape=st.builds(Landscape, *[st.floats(allow_nan=True, allow_infinity=True)] * 9),
    sparsity=share,
)


@given(state=states)
def test_finite_bounded_and_of_fixed_length(state: TrustState) -> None:
    vector = vector_of(state)
    assert vector.shape == (len(FIELDS),)
    assert vector.dtype == np.float64
    assert np.isfinite(vector).all()
    overspent = [NAMES.index("budget_used"), NAMES.index("memory_used")]  # which should show
    assert np.abs(np.delete(vector, overspent)).max() <= 1.0
    assert (vector[overspent] >= 0).all()
    assert (vector[overspent] <= 2.0).all()


def test_layout_is_the_documented_one() -> None:
    seen = ConstraintState("k", "robustness", 0.2, 0.01, 0.02, 0.03, 0.04, 0.05)
    action = TrustAction(lambda_fair=1.0, adversarial_share=0.3, learning_rate_factor=0.1)
    state = dataclasses.replace(
        state_of(seen, progress=0.4, action=action), landscape=Landscape(norm_fairness=100.0, cosine_robust=-0.5)
    )
    vector = dict(zip(NAMES, vector_of(state), strict=True))
    expected = {
        "progress": 0.4, "budget_used": 0.36, "memory_used": 0.0, "utility": 0.8, "calibrated_utility": 0.79,
        "loss": np.log10(0.4) / 2, "adversarial_cost": 1 / 3, "monitor_cost": np.log10(5) / 4, "lambda_fair": 0.5,
        "adversarial_share": 0.3, "learning_rate_factor": 0.0, "fairness_gap": 0.0, "robustness_gap": np.tanh(0.1),
        "robustness_half_width": np.tanh(0.2), "robustness_smoothed_gap": np.tanh(0.3),
        "robustness_slope": np.tanh(0.4), "robustness_calibrated_gap": np.tanh(0.5), "log_norm_fairness": 1.0,
        "log_norm_utility": 0.0, "cosine_fairness": 0.0, "cosine_robust": -0.5,
    }  # fmt: skip
    assert {name: vector[name] for name in expected} == pytest.approx(expected)
    assert STATE_VERSION == 2


def test_names_are_told_apart() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_order_of_constraints_does_not_matter() -> None:
    several = [constraint("fairness", 0.1), constraint("fairness", -0.1), constraint("robustness", 0.2)]
    np.testing.assert_array_equal(vector_of(state_of(*several)), vector_of(state_of(*reversed(several))))


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

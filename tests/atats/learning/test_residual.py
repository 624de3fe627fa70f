"""The residual over `plan`: none is `plan` itself, none is larger than allowed, none moves a dial without a target."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficienttrust.atats import TrustAction, make_policy
from efficienttrust.atats.learning import MicroRuns, Residual, corrected
from tests.atats.learning.quick import quick_tasks
from tests.atats.runs import constraint, state_of

numbers = st.floats(-1e6, 1e6)


def test_without_a_correction_it_is_plan() -> None:
    runs = {}
    for name in ("plan", "residual"):
        policies = [make_policy("plan") if name == "plan" else Residual() for _ in range(6)]
        runs[name] = MicroRuns(quick_tasks(11, 6), policies, seed=2)
        while not runs[name].finished.all():
            runs[name].decide()
    assert runs["plan"].outcomes == runs["residual"].outcomes


@given(share=st.floats(0, 1), weight=st.floats(0, 10), correction=st.tuples(numbers, numbers))
def test_a_correction_is_bounded(share: float, weight: float, correction: tuple[float, float]) -> None:
    base = TrustAction(adversarial_share=share, lambda_fair=weight)
    state = state_of(constraint("fairness", 0.1), constraint("robustness", 0.1))
    action = corrected(base, state, correction)
    assert abs(action.adversarial_share - share) <= 0.25 + 1e-12
    assert 0.0 <= action.adversarial_share <= 1.0
    assert weight * math.exp(-0.4) - 1e-9 <= action.lambda_fair <= min(weight * math.exp(0.4), 10.0) + 1e-9
    assert "learned correction" in action.reasons["lambda_fair"]


@pytest.mark.parametrize("lever", ["fairness", "robustness", "none"])
def test_a_dial_moves_only_for_a_target_that_calls_for_it(lever: str) -> None:
    base = TrustAction(adversarial_share=0.5, lambda_fair=0.5)
    action = corrected(base, state_of(constraint(lever, 0.1)), (1.0, 1.0))
    assert (action.adversarial_share != 0.5) == (lever == "robustness")
    assert (action.lambda_fair != 0.5) == (lever == "fairness")

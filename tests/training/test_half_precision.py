"""Training in fp16: the step is that of fp32 up to its digits, and gradients that overflow move nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from efficienttrust.atats import TrustAction
from tests.small_problems import FAIR, loans
from tests.training.module_cases import HERE, PLAIN, stepper_of

ROWS = torch.arange(64)
HALF = replace(PLAIN, precision="fp16")


def weights_after(stepper, action):
    before = [one.detach().clone() for one in stepper.network.parameters()]
    stepper.step(stepper.batch(ROWS, action), ROWS, action, 1e-3)
    return before, [one.detach() for one in stepper.network.parameters()]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_gradients_are_those_of_fp32(weight):
    action, found = TrustAction(lambda_fair=weight), []
    for settings in (PLAIN, HALF):
        stepper = stepper_of(loans(), f"{HERE}:plain", (FAIR,), settings=settings)
        weights_after(stepper, action)
        scale = stepper._scaler.get_scale() if settings is HALF else 1.0
        assert scale > 1 or settings is PLAIN
        first_moments = [stepper.optimizer.state[one]["exp_avg"] for one in stepper.network.parameters()]
        found.append(torch.cat([one.flatten() for one in first_moments]))
    exact, half = found
    assert float((half - exact).norm() / exact.norm()) < 0.01
    assert not torch.equal(half, exact)


def test_gradients_that_overflow_move_nothing_and_lower_the_scale():
    stepper = stepper_of(loans(), f"{HERE}:plain", settings=HALF)
    weights_after(stepper, TrustAction())
    state = stepper.state_dict()
    state["scaler"]["scale"] = 2.0**120
    stepper.load_state_dict(state)
    before, after = weights_after(stepper, TrustAction())
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))
    assert stepper._scaler.get_scale() == 2.0**119

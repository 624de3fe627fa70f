"""A dial at zero leaves nothing behind, one that is turned on again starts afresh, and a resumed step is the same."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.atats import TrustAction
from tests.small_problems import loans
from tests.training.interventions.cases import STEPPERS, same, some_steps, stepper_of, twin_of, weights

DIALS = {
    "lambda_fair": TrustAction(lambda_fair=0.8),
    "reweighing": TrustAction(reweighing=0.7),
    "group_dro": TrustAction(group_dro=0.9),
    "debias": TrustAction(debias=1.0),
    "fair_batch": TrustAction(fair_batch=1.0),
    "sparsity": TrustAction(sparsity=0.6),
    "trades": TrustAction(adversarial_share=0.5, trades=2.0),
    "attack_steps": TrustAction(adversarial_share=0.5, attack="pgd", attack_steps=7.0),
    "all": TrustAction(
        lambda_fair=0.8, reweighing=0.7, group_dro=0.9, debias=1.0, fair_batch=1.0, sparsity=0.6,
        adversarial_share=0.5, trades=2.0,
    ),
}  # fmt: skip
OFF = TrustAction()
CASES = [(name, network) for name in DIALS for network in STEPPERS]
IDS = [f"{name} {'by hand' if network == 'mlp' else 'by autograd'}" for name, network in CASES]


@pytest.mark.parametrize(("name", "network"), CASES, ids=IDS)
def test_off_again_is_as_if_never_on(name, network):
    stepper = stepper_of(loans(), network)
    assert name not in stepper.held
    untouched = stepper_of(loans(), network)
    some_steps(stepper, DIALS[name], 0, 12)
    some_steps(untouched, OFF, 0, 12)
    if name != "fair_batch":  # which composes batches, and leaves a given batch as it is
        assert not same(weights(stepper), weights(untouched)), "the dial does something"
    twin = twin_of(stepper, loans(), network)
    for one in (stepper, twin):
        some_steps(one, OFF, 12, 6)
    assert same(weights(stepper), weights(twin))


@pytest.mark.parametrize(("name", "network"), CASES, ids=IDS)
def test_on_again_starts_afresh(name, network):
    stepper = stepper_of(loans(), network)
    some_steps(stepper, DIALS[name], 0, 12)
    some_steps(stepper, OFF, 12, 1)
    twin = twin_of(stepper, loans(), network)
    for one in (stepper, twin):
        some_steps(one, DIALS[name], 13, 6)
    assert same(weights(stepper), weights(twin))


@pytest.mark.parametrize(("name", "network"), CASES, ids=IDS)
def test_resumed_is_uninterrupted(name, network, tmp_path):
    stepper = stepper_of(loans(), network)
    some_steps(stepper, DIALS[name], 0, 12)
    torch.save(stepper.state_dict(), tmp_path / "state.pt")
    resumed = stepper_of(loans(), network)
    some_steps(resumed, TrustAction(lambda_fair=0.3, sparsity=0.3), 3, 2)  # whatever it did before
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for one in (stepper, resumed):
        some_steps(one, DIALS[name], 12, 6)
    assert same(weights(stepper), weights(resumed))
    assert stepper.composition(DIALS[name]) is None or (
        stepper.composition(DIALS[name]).shares == resumed.composition(DIALS[name]).shares
    )


@pytest.mark.parametrize("network", STEPPERS, ids=["by hand", "by autograd"])
def test_neutral_dials_change_no_bit(network):
    """Neutral values of all dials, however they are written, take the path of the plain step."""
    plain, neutral = (stepper_of(loans(), network) for _ in range(2))
    some_steps(plain, OFF, 0, 6)
    for index in range(6):
        some_steps(neutral, TrustAction(attack_steps=20.0, trades=12.0, attack="pgd"), index, 1)  # nothing is attacked
    assert same(weights(plain), weights(neutral))
    assert plain.flops(64, OFF) == neutral.flops(64, TrustAction(attack_steps=20.0, trades=12.0, attack="pgd"))


@pytest.mark.parametrize("network", STEPPERS, ids=["by hand", "by autograd"])
def test_what_a_dial_costs_is_counted(network):
    stepper = stepper_of(loans(), network)
    plain = stepper.flops(100, OFF)
    row = stepper.forward_flops()
    for name in ("reweighing", "group_dro", "debias", "fair_batch"):
        more = stepper.flops(100, DIALS[name]) - plain
        assert 0 < more < 0.2 * plain, "a few operations per row and group"
    attacked = stepper.flops(100, TrustAction(adversarial_share=0.5))
    assert stepper.flops(100, TrustAction(adversarial_share=0.5, trades=1.0)) - attacked == pytest.approx(150 * row)
    by_steps = [
        stepper.flops(100, TrustAction(adversarial_share=1.0, attack="pgd", attack_steps=k)) for k in (3.0, 4.0, 13.0)
    ]
    assert by_steps[2] - by_steps[1] == pytest.approx(9 * (by_steps[1] - by_steps[0]))
    assert by_steps[1] - by_steps[0] >= 2 * 100 * row
    assert stepper.flops(100, TrustAction(sparsity=0.9)) == plain

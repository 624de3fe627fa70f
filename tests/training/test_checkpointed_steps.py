"""A step whose blocks compute their activations again is the step without, to the bit, and holds less."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from efficienttrust.atats import TrustAction
from efficienttrust.models import Inputs, make_network
from efficienttrust.models.counting import count_flops
from efficienttrust.threats.catalogue.pgd import TRAINING_PGD_STEPS
from efficienttrust.training._checkpointing import block_forwards, checkpointed, recomputed_flops
from efficienttrust.training._microbatch import step_memory
from tests.small_problems import FAIR, ROBUST, loans
from tests.training.module_cases import HERE, IMAGE_ROBUST, PLAIN, images, stepper_of, write_images

ROWS = torch.arange(5, 42)
ATTACKED = TrustAction(adversarial_share=0.5, attack="n_fgsm", lambda_fair=0.5)


def dropping_sequence(inputs: Any, outputs: int) -> nn.Module:
    d = inputs.shape[0]
    layers = [nn.Linear(d, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 16), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.Linear(16, 1), nn.Flatten(0))


def state_after(stepper: Any, action: TrustAction, steps: int = 3) -> dict[str, Any]:
    for _ in range(steps):
        stepper.step(stepper.attack(stepper.batch(ROWS, action), ROWS, action), ROWS, action, 1e-3)
    return stepper.network.state_dict()


def the_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("network", [f"{__name__}:dropping_sequence", "tabular", "ft_transformer"])
def test_a_step_on_a_table_is_the_same_to_the_bit(network, parts):
    options = {} if ":" in network else {"width": 0.2}
    plain, saving = (stepper_of(loans(), network, (FAIR, ROBUST), **options) for _ in range(2))
    saving.checkpoint()
    plain.parts = saving.parts = parts
    assert saving.recomputed > 0
    assert the_same(state_after(plain, ATTACKED), state_after(saving, ATTACKED))
    assert torch.equal(plain._dropout.state, saving._dropout.state)


@pytest.mark.parametrize("network", ["resnet8", "vit"])
def test_a_step_on_images_is_the_same_to_the_bit_running_means_included(network, tmp_path):
    options = {"width": 0.25} | ({"depth": 2, "patch": 4} if network == "vit" else {})
    problem = images(write_images(tmp_path, 2))
    plain, saving = (stepper_of(problem, network, (IMAGE_ROBUST,), settings=PLAIN, **options) for _ in range(2))
    saving.checkpoint()
    action = TrustAction(adversarial_share=0.5, attack="n_fgsm")
    assert the_same(state_after(plain, action), state_after(saving, action))


def test_running_means_move_once_a_step():
    stepper = stepper_of(loans(), f"{__name__}:dropping_sequence")
    stepper.checkpoint()
    state_after(stepper, TrustAction(), steps=2)
    norm = next(one for one in stepper.network.modules() if isinstance(one, nn.BatchNorm1d))
    assert int(norm.num_batches_tracked) == 2


def test_blocks_are_as_they_were_after_the_body():
    network = make_network("resnet8", Inputs("image", (3, 16, 16)), 4, seed=0)
    with checkpointed(network):
        assert sum("forward" in vars(one) for one in network.modules()) == 4, "a stem and three blocks"
    assert not any("forward" in vars(one) for one in network.modules())


def test_a_sequence_that_has_a_forward_pass_of_its_own_is_left_alone():
    assert block_forwards(stepper_of(loans(), f"{HERE}:plain").network) == []


def test_the_pass_that_is_made_again_is_counted():
    network = make_network("resnet8", Inputs("image", (3, 16, 16)), 4, seed=0)
    whole, again = (
        count_flops(network, [torch.zeros(1, 3, 16, 16)]).per_row,
        recomputed_flops(network, torch.zeros(1, 3, 16, 16)),
    )
    outside = 2 * 3 * 16 * 16 + 64 * 16 + 2 * 64 * 4 + 4  # standardised pixels, the mean of 64 channels, the head
    assert whole - again == pytest.approx(outside, rel=0.2)
    stepper = stepper_of(loans(), "tabular", (ROBUST,), width=0.2)
    before = [stepper.flops(10, TrustAction(adversarial_share=0.5, attack=name)) for name in ("noise", "n_fgsm", "pgd")]
    stepper.checkpoint()
    after = [stepper.flops(10, TrustAction(adversarial_share=0.5, attack=name)) for name in ("noise", "n_fgsm", "pgd")]
    more = [(late - early) / stepper.recomputed / 10 for early, late in zip(before, after, strict=True)]
    assert more == pytest.approx([1.0, 1.5, 1.0 + 0.5 * TRAINING_PGD_STEPS])


def test_what_is_kept_is_the_inputs_of_blocks_and_one_block():
    """Four blocks of three sigmoid layers of d units.

    A layer keeps its input, a sigmoid its output, which is the next layer's input: 1 + 4 x 3 tensors. With
    checkpointing, the inputs of four blocks, and while one is computed again its input and three outputs.
    """
    d, rows = 50, 8

    def block() -> nn.Module:
        return nn.Sequential(*(layer for _ in range(3) for layer in (nn.Linear(d, d), nn.Sigmoid())))

    network = nn.Sequential(*(block() for _ in range(4)))

    def loss_of(count: int) -> torch.Tensor:
        return network(torch.zeros(count, d)).sum()

    plain = step_memory(network, loss_of, rows)
    saving = step_memory(network, loss_of, rows, recomputed=True)
    assert plain.per_row == pytest.approx(1.5 * 4 * d * 13)
    assert saving.per_row == pytest.approx(1.5 * 4 * d * (4 + 4))

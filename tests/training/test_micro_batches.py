"""A batch taken in parts gives the gradient of the whole batch, and the parts follow from the limit on memory."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from efficienttrust.atats import TrustAction
from efficienttrust.resources.peak_memory import peak_memory
from efficienttrust.training._microbatch import StepMemory, parts_for, slices, step_memory
from tests.small_problems import FAIR, ROBUST, loans, weighted_loans
from tests.training.module_cases import HERE, closest, gradients, images, stepper_of, write_images

ROWS = torch.arange(5, 42)


@given(st.integers(1, 300), st.integers(1, 400))
def test_parts_cover_a_batch_and_are_as_equal_as_can_be(rows, parts):
    made = slices(rows, parts)
    assert [index for part in made for index in range(rows)[part]] == list(range(rows))
    sizes = [part.stop - part.start for part in made]
    assert max(sizes) - min(sizes) <= 1 <= min(sizes)
    assert len(made) == min(parts, rows)


@given(st.integers(1, 256), st.floats(0, 1e6), st.floats(1, 1e6), st.floats(0, 1e9))
def test_the_fewest_parts_that_fit_are_taken(rows, fixed, per_row, room):
    memory = StepMemory(fixed, per_row)
    parts = parts_for(rows, memory, room)
    largest = math.ceil(rows / parts)
    if memory.of(1) * (1 + 1e-9) < room:
        assert memory.of(largest) <= room * (1 + 1e-9)
    if parts > 1:
        assert memory.of(math.ceil(rows / (parts - 1))) * (1 + 1e-9) > room


@pytest.mark.parametrize("parts", [2, 5, 37, 100])
@pytest.mark.parametrize("problem", [loans, weighted_loans], ids=["plain", "weighted"])
@pytest.mark.parametrize("lambda_fair", [0.0, 0.7])
def test_the_gradient_is_that_of_the_whole_batch(problem, parts, lambda_fair):
    whole, divided = (stepper_of(problem(), f"{HERE}:dropless", (FAIR, ROBUST)) for _ in range(2))
    divided.parts = parts
    action = TrustAction(lambda_fair=lambda_fair)
    said = [one.step(one.batch(ROWS, action), ROWS, action, 1e-3) for one in (whole, divided)]
    assert float(said[0]) == pytest.approx(float(said[1]), rel=1e-5)
    assert closest(gradients(whole.network), gradients(divided.network)) < 1e-6


def test_mixed_images_keep_their_partners(tmp_path):
    from efficienttrust.training import Settings

    problem = images(write_images(tmp_path, 3))
    mixup = Settings(device="cpu", precision="fp32", augmentation={"mixup": 1.0})
    whole, divided = (stepper_of(problem, "vit", settings=mixup, width=0.1, depth=1, patch=4) for _ in range(2))
    divided.parts = 5
    for one in (whole, divided):
        one.step(one.batch(ROWS, TrustAction()), ROWS, TrustAction(), 1e-3)
    assert closest(gradients(whole.network), gradients(divided.network)) < 1e-6


def test_both_passes_of_a_penalty_drop_the_same_units_and_norms_count_a_batch_once():
    stepper = stepper_of(loans(), f"{HERE}:dropping_and_normed", (FAIR,))
    stepper.parts = 4
    x, seen = stepper.batch(ROWS, TrustAction()), []
    stepper._network.register_forward_hook(lambda module, given, z: seen.append(z.detach().clone()))
    stepper.step(x, ROWS, TrustAction(lambda_fair=1.0), 1e-3)
    assert len(seen) == 8
    assert all(torch.equal(first, second) for first, second in zip(seen[:4], seen[4:], strict=True))
    norm = next(one for one in stepper.network.modules() if isinstance(one, nn.BatchNorm1d))
    assert int(norm.num_batches_tracked) == 4


def test_all_of_the_attacked_rows_are_attacked():
    whole, divided = (stepper_of(loans(), f"{HERE}:plain", (ROBUST,)) for _ in range(2))
    divided.parts = 5
    action = TrustAction(adversarial_share=0.6)
    clean = whole.batch(ROWS, action)
    moved = [(one.attack(clean.clone(), ROWS, action) != clean).any(1) for one in (whole, divided)]
    assert torch.equal(moved[0], moved[1])
    assert moved[0].sum() >= 20


def test_kept_bytes_of_a_linear_network_are_counted():
    """Of two layers with a ReLU, autograd keeps the input, and the output of the ReLU: (d + h) floats a row."""
    network = nn.Sequential(nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 1))
    memory = step_memory(network, lambda rows: network(torch.zeros(rows, 100)).sum(), 64)
    assert memory.per_row == pytest.approx(1.5 * 4 * (100 + 50))
    assert memory.fixed == 0


@pytest.mark.slow
def test_parts_lower_the_measured_peak():
    """ResNet-8 on 256 images of 64x64 pixels, in fresh processes."""
    whole, divided = (
        peak_memory("tests.training.peak_of_parts:steps", {"parts": parts}).above_floor for parts in (1, 8)
    )
    assert divided < 0.4 * whole

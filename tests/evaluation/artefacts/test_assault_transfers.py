"""What is shipped is attacked by way of its parent, and only its own answers count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from shipped_worlds import CELLS, images, labelled, linear
from torch import nn

from efficienttrust.evaluation.artefacts import assault, gradient_victim
from efficienttrust.evaluation.subjects import open_subject
from efficienttrust.threats import ModuleVictim

EPS = [0.02, 0.05]


def network(seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Flatten(), nn.Linear(CELLS, 24), nn.ReLU(), nn.Linear(24, 3))
    with torch.no_grad():
        model[3].weight *= 4
        model[3].bias -= model(torch.full((1, 2, 3, 3), 0.5))[0]
    return model


class EightBit(nn.Module):
    """The same network with weights and inputs on a coarse grid, whose gradient is cut."""

    def __init__(self, parent: nn.Sequential, levels: int) -> None:
        super().__init__()
        self.parent, self.levels = parent, levels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return self.parent((self.levels * x).round() / self.levels)


def deciding(module: nn.Module):
    """Return the module as a function that only decides, as many services do."""

    def answer(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return np.array([f"class {code}" for code in module(torch.from_numpy(x)).argmax(1).tolist()])

    return answer


@pytest.fixture(scope="module")
def quantised():
    parent = network()
    rows = labelled(images(60, 3), parent)
    return parent, rows, open_subject(deciding(EightBit(parent, 127)), rows)


def test_transfer_finds_what_searches_on_the_file_miss(quantised):
    parent, rows, file = quantised
    alone = assault(file, rows, EPS, attack="pgd")
    led = assault(file, rows, EPS, attack="pgd", parent=ModuleVictim(parent))
    assert led.right.sum(1).tolist() < alone.right.sum(1).tolist()
    assert led.clean_right.tolist() == alone.clean_right.tolist()
    assert "float parent" in led.how
    assert "without a gradient" in alone.how
    assert "decisions only" in alone.how


def test_success_on_the_parent_alone_does_not_count(quantised):
    _, rows, file = quantised
    stranger = linear(3, seed=9)
    found = assault(file, rows, EPS, attack="pgd", parent=ModuleVictim(stranger))
    itself = assault(open_subject(stranger, rows), rows, EPS, attack="pgd")
    assert found.right[0].sum() > itself.right[0].sum()
    asked = {stage.name: stage for stage in found.stages}["asked as shipped"]
    assert asked.fooled < asked.attacked


class OneBit(nn.Module):
    """A linear model of pixels cut at one half: within a ball, only the pixels near the cut can change."""

    def __init__(self, parent: nn.Sequential) -> None:
        super().__init__()
        self.parent = parent

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return self.parent(CUT_AT + (x > CUT_AT) * 0.1)


CUT_AT = 0.5


def test_a_one_bit_file_never_falls_below_brute_force():
    parent, eps = linear(3), 0.04
    file = OneBit(parent)
    rows = labelled(images(60, 3), file)
    found = assault(open_subject(deciding(file), rows), rows, [eps], attack="pgd", parent=ModuleVictim(parent))
    x, y = torch.from_numpy(rows.x).flatten(1), torch.from_numpy(rows.y)
    stands = np.ones(len(rows), dtype=bool)
    for row in range(len(rows)):
        loose = torch.nonzero((x[row] - CUT_AT).abs() < eps).squeeze(1)
        corners = torch.cartesian_prod(*[torch.tensor([CUT_AT - 0.001, CUT_AT + 0.001])] * len(loose))
        moved = x[row].repeat(2 ** len(loose), 1)
        moved[:, loose] = corners.reshape(-1, len(loose))
        stands[row] = bool((file(moved.reshape(-1, 2, 3, 3)).argmax(1) == y[row]).all())
    right = found.right[0]
    assert 0.1 < stands.mean() < found.clean_right.mean() - 0.1
    assert not (stands & ~right).any()
    assert (right & ~stands).sum() <= 3


def test_fake_quantisation_passes_the_gradient_straight_through():
    class FakeQuantised(nn.Module):
        def __init__(self, parent: nn.Sequential) -> None:
            super().__init__()
            self.parent = parent

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.parent(torch.fake_quantize_per_tensor_affine(x, 1 / 255, 0, 0, 255))

    parent = network()
    rows = labelled(images(60, 3), parent)
    exact = assault(open_subject(parent, rows), rows, EPS, attack="pgd")
    faked = assault(open_subject(FakeQuantised(parent), rows), rows, EPS, attack="pgd")
    assert abs(int(exact.right[0].sum()) - int(faked.right[0].sum())) <= 2
    assert faked.right[0].mean() < faked.clean_right.mean() - 0.2


def test_a_budget_leaves_a_random_sample_under_the_whole_attack():
    model = linear(2)
    rows = labelled(images(400, 2), model)
    subject = open_subject(model, rows)
    whole = assault(subject, rows, EPS, attack="pgd")
    part = assault(subject, rows, EPS, attack="pgd", seconds=1e-9, seed=3)
    assert whole.complete
    assert not part.complete
    assert len(part.rows) == 16
    assert (np.diff(part.rows) > 0).all()
    assert np.array_equal(part.right, whole.right[:, part.rows])
    assert np.array_equal(part.clean_right, whole.clean_right[part.rows])


def test_the_same_seed_gives_the_same_rows():
    model = network()
    rows = labelled(images(60, 3), model)
    subject = open_subject(model, rows)
    one, two = (assault(subject, rows, EPS, attack="pgd", seed=5) for _ in range(2))
    assert np.array_equal(one.right, two.right)


def test_a_function_has_no_gradient_to_follow(quantised):
    _, rows, file = quantised
    assert gradient_victim(file, rows) is None

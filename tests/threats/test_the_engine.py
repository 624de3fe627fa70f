"""Rows come and go, and nothing shows: the batch, the stand-in and the order leave each row's outcome as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from efficienttrust.threats import ModuleVictim, Objective, Tally, attacks, ball, evaluate_robustness, run_attack
from efficienttrust.threats import _descent as descent
from efficienttrust.threats._attack import Attack
from efficienttrust.threats.catalogue.pgd import PGD
from tests.threats.pictures import Counted, convolutional, pictures

EPS = 0.005
STEADY = Attack("pgd", "without random start", needs_gradient=True, iteration=PGD(steps=12, random_start=False))


@pytest.mark.parametrize("rows", [8, 13, 64, 1000])
def test_size_of_the_batch_does_not_show(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x, _ = pictures(90)
    model = convolutional()
    y = model(x).argmax(1)
    reference = STEADY.run(Objective(model, y), ball(x, EPS), torch.Generator())[1] > 0
    monkeypatch.setattr(descent, "MOST_ROWS", rows)
    found = run_attack(STEADY, Counted(model), ball(x, EPS), y, torch.Generator())
    assert 0.1 < float(found.right.float().mean()) < 0.9
    assert torch.equal(found.right, reference)


def test_fooled_rows_are_not_attacked_further() -> None:
    x, _ = pictures(90)
    model = convolutional()
    y, tally = model(x).argmax(1), Tally()
    found = run_attack(STEADY, Counted(model), ball(x, EPS), y, torch.Generator(), tally=tally)
    stood = int(found.right.sum())
    everything = len(x) * (STEADY.iteration.steps + 1)
    assert tally.backwards < everything
    assert tally.backwards >= stood * STEADY.iteration.steps


def test_counted_rows_are_the_rows_that_went_through() -> None:
    x, _ = pictures(90)
    victim, tally = Counted(convolutional()), Tally()
    y = victim.module(x).argmax(1)
    run_attack(STEADY, victim, ball(x, EPS), y, torch.Generator(), tally=tally)
    assert tally.forwards == victim.rows


class Biased:
    """A victim whose stand-in answers are off by a constant and by noise; the exact ones are right."""

    differentiable = True

    def __init__(self, module: nn.Module, bias: float, noise: float) -> None:
        self.module, self.bias, self.noise = module, bias, noise

    def bind(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        def answer(points: Tensor) -> Tensor:
            logits = self.module(points)
            wave = torch.sin(1e3 * points.detach().flatten(1).sum(1, keepdim=True))
            shift = torch.zeros_like(logits)
            shift[:, 0] = self.bias
            return logits + shift + self.noise * wave * torch.arange(logits.shape[1])

        return answer

    def bind_exact(self, rows: Tensor) -> Callable[[Tensor], Tensor]:
        return self.module


@pytest.mark.parametrize(("bias", "noise"), [(0.0, 0.0), (0.3, 0.0), (-0.3, 0.0), (0.0, 0.1)])
def test_a_stand_in_convicts_nobody(bias: float, noise: float) -> None:
    x, _ = pictures(90)
    model = convolutional()
    y = model(x).argmax(1)
    found = run_attack(STEADY, Biased(model, bias, noise), ball(x, EPS), y, torch.Generator())
    with torch.no_grad():
        logits = model(found.points)
    assert torch.equal(found.right, logits.argmax(1) == y)
    torch.testing.assert_close(found.margin, Objective(model, y).margin(logits))
    plain = run_attack(STEADY, Counted(model), ball(x, EPS), y, torch.Generator())
    # A poor guide may miss some rows, never invent any.
    assert float(found.right.float().mean()) >= float(plain.right.float().mean()) - 0.05
    if bias == noise == 0.0:
        assert torch.equal(found.right, plain.right)


@pytest.mark.parametrize("screen", [False, True])
def test_a_prepared_module_says_what_the_module_says(screen: bool) -> None:
    x, _ = pictures(40)
    model = convolutional()
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    victim = ModuleVictim(model.train(), screen=screen)
    exact, fast = victim.bind_exact(torch.arange(40))(x), victim.bind(torch.arange(40))(x)
    assert model.training  # what was given is left as it was
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    assert torch.equal(exact, model.eval()(x))
    slack = 0.05 if screen else 1e-5
    assert float((fast - exact).abs().max()) < slack * float(exact.abs().max())
    assert victim._fast is not None
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in victim._fast.modules())


def test_a_module_that_cannot_be_traced_is_attacked_as_it_is() -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = convolutional()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) if float(x.detach().sum()) > 0 else -self.inner(x)

    x, _ = pictures(20)
    model = Branching().eval()
    found = evaluate_robustness(ModuleVictim(model), ball(x, EPS), model(x).argmax(1), attack="pgd")
    assert bool(found.clean_right.all())


@pytest.mark.parametrize("attack", ["pgd", "apgd_t", "square", "standard"])
def test_witnesses_prove_what_is_claimed(attack: str) -> None:
    x, _ = pictures(60)
    model = convolutional()
    y = model(x).argmax(1)
    found = evaluate_robustness(ModuleVictim(model), ball(x, EPS), y, attack=attack)
    assert float((found.points - x).abs().max()) <= EPS + 1e-6
    assert torch.equal(model(found.points).argmax(1) == y, found.right)
    assert torch.equal(found.fooled_by < 0, found.right)
    assert sum(stage.fooled for stage in found.stages) == int((~found.right).sum())


def test_the_cascade_is_the_worst_of_its_stages() -> None:
    x, _ = pictures(30)
    model = convolutional()
    y, victim = model(x).argmax(1), Counted(convolutional())
    whole = evaluate_robustness(victim, ball(x, EPS), y, attack="standard")
    for name in ("pgd", "apgd_ce"):
        alone = evaluate_robustness(victim, ball(x, EPS), y, attack=name)
        assert float(whole.right.float().mean()) <= float(alone.right.float().mean()) + 1e-6
    assert [stage.name for stage in whole.stages] == ["clean", *attacks.get("standard").stages]


@pytest.mark.parametrize("attack", ["coordinate", "random_points", "square", "pgd"])
def test_points_where_the_model_answers_nan_are_found(attack: str) -> None:
    class Torn(nn.Module):
        """Sure of class 0, but for bright first pixels, where it answers NaN."""

        def forward(self, x: Tensor) -> Tensor:
            first = x.flatten(1)[:, :1]
            return torch.cat([first + 5, 0 * first], 1) + torch.where(first > 0.505, torch.nan, 0.0)

    x = torch.full((6, 1, 2, 2), 0.5)
    found = evaluate_robustness(ModuleVictim(Torn()), ball(x, 0.01), torch.zeros(6, dtype=torch.long), attack=attack)
    assert bool(found.clean_right.all())
    if attack != "pgd":  # the gradient leads away from them
        assert not bool(found.right.any())
    assert torch.equal(found.right, ~(found.points.flatten(1)[:, 0] > 0.505))


def test_a_model_that_answers_nan_is_never_right() -> None:
    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.full((len(x), 3), torch.nan) + x.flatten(1)[:, :3]

    x, y = pictures(10)
    found = evaluate_robustness(ModuleVictim(Broken()), ball(x, EPS), y, attack="pgd")
    assert not bool(found.right.any())


@pytest.mark.parametrize("label", [0, 2])
def test_ties_are_decided_as_argmax_decides_them(label: int) -> None:
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 0.0 * x.flatten(1)[:, :3]

    x = pictures(10)[0]
    found = evaluate_robustness(ModuleVictim(Constant()), ball(x, EPS), torch.full((10,), label), attack="standard")
    assert bool((found.right == (label == 0)).all())


def test_a_model_that_cuts_the_graph_is_attacked_without_a_gradient() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = convolutional()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x.detach())

    x, _ = pictures(20)
    model = Cut().eval()
    y = model(x).argmax(1)
    found = evaluate_robustness(ModuleVictim(model, screen=False), ball(x, EPS), y, attack="apgd_ce")
    assert bool((model(found.points[~found.right]).argmax(1) != y[~found.right]).all())
    assert found.accuracy > evaluate_robustness(ModuleVictim(model.inner), ball(x, EPS), y, attack="apgd_ce").accuracy

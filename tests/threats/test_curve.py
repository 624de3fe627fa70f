"""A curve falls, its witnesses hold, and it agrees with attacks at each radius alone at a fraction of their price."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.threats import ModuleVictim, ball, evaluate_robustness, robustness_curve
from tests.threats.pictures import Counted, convolutional, pictures, two_logits
from tests.threats.worlds import NetworkVictim, draw

EPS = (0.001, 0.002, 0.004, 0.008, 0.016)


def test_it_falls_and_every_witness_is_inside_and_wrong() -> None:
    x, _ = pictures(90)
    model = convolutional()
    y = model(x).argmax(1)
    curve = robustness_curve(ModuleVictim(model), lambda eps: ball(x, eps), y, EPS, attack="pgd")
    before = torch.ones(90, dtype=torch.bool)
    for eps, found in zip(EPS, curve, strict=True):
        assert bool((found.right <= before).all())
        fell = ~found.right
        assert float((found.points - x).abs().max()) <= eps + 1e-6
        assert bool((model(found.points[fell]).argmax(1) != y[fell]).all())
        assert bool((found.fooled_by[fell] >= 0).all())
        assert bool(found.clean_right.all())
        before = found.right
    assert curve[0].accuracy > 0.7
    assert curve[-1].accuracy < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_each_radius_alone_for_less(seed: int) -> None:
    x, _ = pictures(150, seed=seed)
    model = convolutional(seed=seed)
    y = model(x).argmax(1)
    shared, alone = Counted(model), Counted(model)
    curve = robustness_curve(shared, lambda eps: ball(x, eps), y, EPS, attack="pgd")
    for eps, found in zip(EPS, curve, strict=True):
        single = evaluate_robustness(alone, ball(x, eps), y, attack="pgd")
        assert abs(found.accuracy - single.accuracy) <= 2.0 / 150
    assert shared.rows < 0.75 * alone.rows
    assert sum(stage.forwards for found in curve for stage in found.stages) <= shared.rows


def test_on_a_linear_model_it_is_the_closed_form() -> None:
    x, y = pictures(200)
    model, weights = two_logits(x)
    with torch.no_grad():
        logits = model(x)
    margin = (2 * y - 1) * (logits[:, 1] - logits[:, 0])
    curve = robustness_curve(ModuleVictim(model), lambda eps: ball(x, eps), y, EPS, attack="apgd_ce")
    for eps, found in zip(EPS, curve, strict=True):
        exact = margin - eps * weights.abs().sum()
        certain = exact.abs() > 1e-4
        assert torch.equal(found.right[certain], (exact > 0)[certain])


def test_tables_too() -> None:
    world = draw(3, n=80)
    victim = NetworkVictim(world)
    curve = robustness_curve(victim, world.reach, world.y, (0.1, 0.4, 1.0), attack="pgd")
    rates = [found.accuracy for found in curve]
    assert rates == sorted(rates, reverse=True)
    single = evaluate_robustness(victim, world.reach(0.4), world.y, attack="pgd")
    assert curve[1].accuracy == pytest.approx(single.accuracy, abs=2 / 80)


def test_rows_wrong_from_the_start_are_wrong_everywhere() -> None:
    x, y = pictures(60)
    model, _ = two_logits(x)
    curve = robustness_curve(ModuleVictim(model), lambda eps: ball(x, eps), y, EPS, attack="pgd")
    wrong = model(x).argmax(1) != y
    for found in curve:
        assert torch.equal(found.clean_right, ~wrong)
        assert not bool(found.right[wrong].any())


@pytest.mark.parametrize("eps", [(), (0.2, 0.1), (0.1, 0.1), (0.0, 0.1)])
def test_radii_ascend_from_above_zero(eps: tuple[float, ...]) -> None:
    x, y = pictures(4)
    with pytest.raises(UsageError, match="above 0 and ascending"):
        robustness_curve(ModuleVictim(two_logits(x)[0]), lambda e: ball(x, e), y, eps)


def test_stages_stand_in_one_order_at_every_radius_so_that_fooled_by_names_them() -> None:
    x, _ = pictures(60)
    model, _ = two_logits(x)
    with torch.no_grad():
        y = model(x).argmax(1)
    curve = robustness_curve(ModuleVictim(model), lambda eps: ball(x, eps), y, EPS, attack="pgd")
    assert {tuple(stage.name for stage in found.stages)[:2] for found in curve} == {("clean", "pgd")}
    assert any(stage.name == "drawn in" for found in curve for stage in found.stages)

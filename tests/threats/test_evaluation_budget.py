"""An evaluation stops when its time is up or the question is decided, and says what the rows so far show."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.errors import UsageError
from efficienttrust.threats import ModuleVictim, ball, evaluate_robustness
from efficienttrust.threats import _robustness as module
from tests.threats.pictures import convolutional, pictures, two_logits
from tests.threats.worlds import LinearVictim, draw


def test_without_time_one_block_is_done() -> None:
    x, _ = pictures(900)
    model = convolutional()
    y = model(x).argmax(1)
    found = evaluate_robustness(ModuleVictim(model), ball(x, 0.005), y, attack="pgd", seconds=0.0)
    assert not found.complete
    assert len(found.rows) == len(found.right) == len(found.points) == 50
    assert bool((found.rows.diff() > 0).all())
    assert float((found.points - x[found.rows]).abs().max()) <= 0.005 + 1e-6


def test_with_time_enough_all_rows_are_done_as_without_a_limit() -> None:
    x, _ = pictures(200)
    model = convolutional()
    y = model(x).argmax(1)
    limited = evaluate_robustness(ModuleVictim(model), ball(x, 0.005), y, attack="pgd", seconds=1e6)
    assert limited.complete
    assert torch.equal(limited.rows, torch.arange(200))
    plain = evaluate_robustness(ModuleVictim(model), ball(x, 0.005), y, attack="pgd")
    assert limited.accuracy == pytest.approx(plain.accuracy, abs=0.02)


@pytest.mark.parametrize(("bound", "answer"), [(0.1, "above"), (0.9, "below")])
def test_a_clear_question_is_decided_early(bound: float, answer: str) -> None:
    x, _ = pictures(900)
    model = convolutional()
    y = model(x).argmax(1)
    found = evaluate_robustness(ModuleVictim(model), ball(x, 0.003), y, attack="pgd", decide=bound)
    assert found.decided == answer
    assert not found.complete


def test_an_open_question_is_left_open() -> None:
    x, y = pictures(120)
    model, weights = two_logits(x)
    with torch.no_grad():
        logits = model(x)
    margin = (2 * y - 1) * (logits[:, 1] - logits[:, 0])
    share = float((margin - 0.002 * weights.abs().sum() > 0).float().mean())
    found = evaluate_robustness(ModuleVictim(model), ball(x, 0.002), y, attack="pgd", decide=share)
    assert found.decided == ""
    assert found.complete


def test_looking_often_errs_no_more_often_than_stated() -> None:
    """The truth is exactly the bound, so every decision is an error; 2,000 evaluations of eight looks each."""
    generator = torch.Generator().manual_seed(0)
    stands = torch.rand(2000, 400, generator=generator) < 0.7
    errors = 0
    for one in stands:
        seen = one.cumsum(0)
        for look, n in enumerate(range(50, 401, 50), start=1):
            if module._settled(int(seen[n - 1]), n, 0.7, module.DECIDE_ALPHA / (look * (look + 1))):
                errors += 1
                break
    assert errors / len(stands) <= module.DECIDE_ALPHA


def test_an_attack_that_needs_a_gradient_is_refused_on_a_model_without() -> None:
    world = draw(0)
    victim = LinearVictim(torch.ones(world.p), torch.zeros(len(world.y)))
    victim.differentiable = False
    with pytest.raises(UsageError, match=r"pgd needs a gradient and this model gives none: use one of coordinate"):
        evaluate_robustness(victim, world.reach(0.3), world.y, attack="pgd")
    found = evaluate_robustness(victim, world.reach(0.3), world.y, attack="standard")
    assert [stage.name for stage in found.stages] == ["clean", "coordinate", "square", "random_points"]

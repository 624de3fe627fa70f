"""On a linear model the worst of a ball has a closed form: margin − eps × dual norm. Attacks reach it."""

from __future__ import annotations

import pytest
import torch

from efficienttrust.threats import ModuleVictim, Objective, attacks, ball, evaluate_robustness
from tests.threats.pictures import GRADIENT, pictures, two_logits

REACHING = [name for name in GRADIENT if name != "n_fgsm"]  # its noise costs it the last bit


def closed_form(x: torch.Tensor, y: torch.Tensor, eps: float, norm: str) -> tuple[torch.nn.Module, torch.Tensor]:
    model, weights = two_logits(x)
    with torch.no_grad():
        logits = model(x)
    clean = (logits.gather(1, y[:, None]) - logits.gather(1, 1 - y[:, None])).squeeze(1)
    dual = weights.abs().sum() if norm == "linf" else weights.norm()
    return model, clean - eps * dual


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("name", REACHING)
@pytest.mark.parametrize("eps", [0.01, 0.05])
def test_the_worst_margin_is_reached(name: str, norm: str, eps: float) -> None:
    x, y = pictures()
    model, worst = closed_form(x, y, eps, norm)
    _, margin = attacks.get(name).run(Objective(model, y), ball(x, eps, norm), torch.Generator().manual_seed(0))
    torch.testing.assert_close(margin, worst, atol=4e-3 * float(worst.abs().max()), rtol=0)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("name", ["pgd", "apgd_ce", "standard"])
def test_robust_accuracy_is_the_share_of_positive_worst_margins(name: str, norm: str) -> None:
    x, y = pictures(200)
    eps = {"linf": 0.003, "l2": 0.02}[norm]
    model, worst = closed_form(x, y, eps, norm)
    found = evaluate_robustness(ModuleVictim(model), ball(x, eps, norm), y, attack=name)
    assert 0.05 < float((worst > 0).float().mean()) < 0.95
    undecided = worst.abs() < 2e-4  # at the boundary fp32 decides either way
    assert torch.equal(found.right[~undecided], (worst > 0)[~undecided])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_black_box_search_never_beats_it_and_comes_near(norm: str) -> None:
    x, y = pictures(80)
    model, worst = closed_form(x, y, 0.02, norm)
    found = evaluate_robustness(ModuleVictim(model), ball(x, 0.02, norm), y, attack="square")
    assert bool((found.right >= (worst > 2e-4)).all())
    assert float((found.right != (worst > 0)).float().mean()) < 0.1


@pytest.mark.parametrize("classes", [3, 4, 6])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_with_more_classes_the_nearest_boundary_counts(classes: int, norm: str) -> None:
    """A row of a linear model falls where eps exceeds the least (z_y − z_j) / dual norm of (w_y − w_j) over j."""
    x, _ = pictures(240)
    torch.manual_seed(classes)
    layer = torch.nn.Linear(x[0].numel(), classes)
    with torch.no_grad():
        layer.bias.copy_(-(x.flatten(1) @ layer.weight.t()).mean(0))
        logits = layer(x.flatten(1))
        y = logits.argmax(1)
        apart = layer.weight[y][:, None] - layer.weight[None]  # [n, K, d]
        dual = apart.abs().sum(2) if norm == "linf" else apart.norm(dim=2)
        away = (logits.gather(1, y[:, None]) - logits) / dual.clamp_min(1e-12)
        nearest = away.scatter(1, y[:, None], torch.inf).amin(1)
    eps = float(nearest.median())
    model = torch.nn.Sequential(torch.nn.Flatten(), layer)
    found = evaluate_robustness(ModuleVictim(model), ball(x, eps, norm), y, attack="standard")
    certain = (nearest / eps - 1).abs() > 0.01
    assert torch.equal(found.right[certain], (nearest > eps)[certain])

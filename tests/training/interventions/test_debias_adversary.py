"""The adversary reads the group off the score as well as a logistic regression does, within labels where it should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust.training.interventions import Answers, interventions
from tests.training.interventions.cases import made_groups


def answers_of(groups, z, rows=None):
    rows = torch.arange(len(groups.codes)) if rows is None else rows
    return Answers(rows, groups.y[rows], z[rows], lambda: torch.zeros(len(rows)))


def logits(groups, gap, seed=0):
    """Logits that lean on the group by `gap`, and on the label."""
    noise = torch.randn(len(groups.codes), generator=torch.Generator().manual_seed(seed))
    return noise + gap * groups.codes.clamp_min(0) + 1.5 * groups.y


def best_loss(groups, z):
    """The least weighted log loss of a softmax that is linear in the score, by L-BFGS."""
    known = groups.known
    s, codes, weight = torch.sigmoid(z)[known].double(), groups.codes[known], groups.weight[known].double()
    adversary = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([adversary], max_iter=500, line_search_fn="strong_wolfe", tolerance_grad=1e-10)

    def loss():
        solver.zero_grad()
        losses = functional.cross_entropy(torch.outer(s, adversary[0]) + adversary[1], codes, reduction="none")
        value = (weight * losses).sum() / weight.sum()
        value.backward()
        return value

    solver.step(loss)
    return float(loss().detach())


@pytest.mark.parametrize("gap", [0.0, 1.5])
def test_it_learns_what_a_regression_learns(gap):
    groups = made_groups()
    z = logits(groups, gap)
    debias = interventions.get("debias")(groups)
    value = 0.0
    for _ in range(600):
        value = debias.take(answers_of(groups, z), 1.0).value
    assert -float(value) == pytest.approx(best_loss(groups, z), abs=2e-3)


@pytest.mark.parametrize(
    "notions", [(), ("equal_opportunity",), ("equalized_odds",), ("demographic_parity", "equal_opportunity")]
)
def test_gradient_by_finite_differences(notions):
    groups = made_groups(60, notions=notions)
    z = logits(groups, 1.0).double()
    debias = interventions.get("debias")(groups)
    for _ in range(80):
        debias.take(answers_of(groups, z.float()), 1.0)
    state = debias.state_dict()
    weights = state["weights"].double()
    gradient = debias.take(answers_of(groups, z.float()), 2.0).gradient.double()

    def value(z):
        """Minus the mean over strata of the mean loss of the adversary, in float64."""
        strata = {"demographic_parity": [None], "equal_opportunity": [1], "equalized_odds": [1, 0]}
        labels = [label for one in notions or ("demographic_parity",) for label in strata[one]]
        total = 0.0
        for (slope, bias), label in zip(weights, labels, strict=True):
            counted = groups.weight.double() * groups.known * (1.0 if label is None else (groups.y == label))
            logs = torch.log_softmax(torch.outer(2 * torch.sigmoid(z) - 1, slope) + bias, 1)
            own = logs.gather(1, groups.codes.clamp_min(0)[:, None]).squeeze(1)
            total = total - (counted * own).sum() / counted.sum() / len(labels)
        return -2.0 * total

    free = z.clone().requires_grad_(True)
    (wanted,) = torch.autograd.grad(value(free), free)
    torch.testing.assert_close(gradient, wanted, atol=1e-6, rtol=1e-3)
    assert torch.all(gradient[~groups.known] == 0)
    if notions == ("equal_opportunity",):
        assert torch.all(gradient[groups.y == 0] == 0)


def test_groups_and_strata_that_a_batch_lacks():
    groups = made_groups(notions=("equalized_odds",))
    z = logits(groups, 1.0)
    debias = interventions.get("debias")(groups)
    for chosen in (groups.codes == 0, groups.y == 1, groups.codes == -1):
        effect = debias.take(answers_of(groups, z, torch.nonzero(chosen).squeeze(1)), 1.0)
        assert torch.isfinite(effect.gradient).all()
        assert np.isfinite(float(effect.value))
    assert torch.isfinite(debias.state_dict()["weights"]).all()


def test_following_the_gradient_hides_the_group():
    groups = made_groups(unknown=False)
    z = logits(groups, 1.5)
    debias = interventions.get("debias")(groups)
    ignorant = best_loss(groups, torch.zeros_like(z))
    before = ignorant - best_loss(groups, z)
    for _ in range(500):
        z = z - 30.0 * debias.take(answers_of(groups, z), 1.0).gradient
    assert ignorant - best_loss(groups, z) < 0.3 * before, "no adversary reads much of it any more"

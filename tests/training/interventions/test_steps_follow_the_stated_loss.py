"""With every intervention the gradient of a step, by hand or by autograd, is that of the loss written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust.atats import TrustAction
from tests.small_problems import loans, weighted_loans
from tests.training.interventions.cases import BY_HAND, ROWS, STEPPERS, stepper_of

PROBLEMS = pytest.mark.parametrize("problem", [loans, weighted_loans], ids=["plain", "weighted"])
NETWORKS = pytest.mark.parametrize("network", STEPPERS, ids=["by hand", "by autograd"])


def rows_of(problem):
    train = problem.splits["train"]
    n = len(train)
    weight = np.ones(n) if train.weight is None else train.weight / train.weight.mean()
    y = np.asarray(train.y).astype(np.float32)
    codes = train.codes["sex"].astype(np.int64)
    return torch.from_numpy(y), torch.from_numpy(codes), torch.from_numpy(weight.astype(np.float32))


def kamiran_calders(problem, r):
    """The weights by counting, row by row."""
    y, codes, weight = rows_of(problem)
    w = weight.double()
    share = lambda chosen: float((w * chosen).sum() / w.sum())  # noqa: E731
    factor = torch.tensor(
        [
            (share(codes == g) * share(y == label) / share((codes == g) & (y == label))) ** r
            for g, label in zip(codes.tolist(), y.tolist(), strict=True)
        ],
        dtype=torch.float64,
    )
    return (factor * w.sum() / (factor * w).sum()).float()


def assert_follows(problem, network, action, stated, rel=1e-4):
    """The step's gradients are autograd's of `stated(network, x as the step sees it)`."""
    stepper, twin = stepper_of(problem, network), stepper_of(problem, network)
    x = stepper.batch(ROWS, action)
    if action.adversarial_share > 0:
        x = stepper.attack(x, ROWS, action)
    loss = stated(twin.network, x.clone())
    parameters = list(twin.network.parameters())
    wanted = torch.autograd.grad(loss, parameters)
    said = stepper.step(x, ROWS, action, 0.0)
    assert float(said) == pytest.approx(float(loss.detach()), rel=1e-5)
    for found, one in zip(stepper.network.parameters(), wanted, strict=True):
        torch.testing.assert_close(found.grad, one, atol=2e-6, rtol=rel)


@PROBLEMS
@NETWORKS
@pytest.mark.parametrize("r", [0.5, 1.0])
def test_reweighing(problem, network, r):
    problem = problem()
    y, _, weight = rows_of(problem)
    factor = kamiran_calders(problem, r)
    assert float(factor.max() - factor.min()) > 0.1

    def stated(model, x):
        losses = functional.binary_cross_entropy_with_logits(model(x), y[ROWS], reduction="none")
        return (weight[ROWS] * factor[ROWS] * losses).mean()

    assert_follows(problem, network, TrustAction(reweighing=r), stated)


@PROBLEMS
@NETWORKS
def test_group_dro(problem, network):
    problem = problem()
    y, codes, weight = rows_of(problem)

    def stated(model, x):
        losses = functional.binary_cross_entropy_with_logits(model(x), y[ROWS], reduction="none")
        own, w = codes[ROWS], weight[ROWS]
        shares = torch.stack([weight[codes == g].sum() for g in (0, 1)]) / weight.sum()
        of_groups = torch.stack([(w * losses)[own == g].sum() / w[own == g].sum() for g in (0, 1)]).detach()
        q = torch.softmax(torch.log(shares) + 0.8 * of_groups, dim=0)
        return ((q / shares)[own] * w * losses).mean()

    assert_follows(problem, network, TrustAction(group_dro=0.8), stated)


@PROBLEMS
@NETWORKS
def test_debias(problem, network):
    problem = problem()
    y, codes, weight = rows_of(problem)
    action = TrustAction(debias=0.7)
    stepper, twin = stepper_of(problem, network), stepper_of(problem, network)
    for _ in range(30):  # an untrained adversary reads nothing, and has no gradient
        stepper.step(stepper.batch(ROWS, action), ROWS, action, 0.0)
    adversary = stepper._interventions._all["debias"]._weights.detach().clone()
    w = weight[ROWS]
    z = twin.network(twin.batch(ROWS, action))
    losses = functional.binary_cross_entropy_with_logits(z, y[ROWS], reduction="none")
    slope, bias = adversary[0]
    guesses = torch.outer(2 * torch.sigmoid(z) - 1, slope) + bias
    guessed = (w * functional.cross_entropy(guesses, codes[ROWS], reduction="none")).sum() / w.sum()
    loss = (w * losses).mean() - 0.7 * guessed
    wanted = torch.autograd.grad(loss, list(twin.network.parameters()))
    plain = torch.autograd.grad(
        (
            w
            * torch.nn.functional.binary_cross_entropy_with_logits(
                twin.network(twin.batch(ROWS, action)), y[ROWS], reduction="none"
            )
        ).mean(),
        list(twin.network.parameters()),
    )
    assert max(float((a - b).abs().max()) for a, b in zip(wanted, plain, strict=True)) > 1e-3
    said = stepper.step(stepper.batch(ROWS, action), ROWS, action, 0.0)
    assert float(said) == pytest.approx(float(loss.detach()), rel=1e-5)
    for found, one in zip(stepper.network.parameters(), wanted, strict=True):
        torch.testing.assert_close(found.grad, one, atol=2e-6, rtol=1e-4)


@PROBLEMS
@NETWORKS
@pytest.mark.parametrize("attack", ["n_fgsm", "pgd", "noise"])
def test_trades(problem, network, attack):
    problem = problem()
    y, _, weight = rows_of(problem)
    action = TrustAction(adversarial_share=0.4, attack=attack, trades=3.0)
    attacked = round(0.4 * len(ROWS))

    def stated(model, x):
        assert len(x) == len(ROWS) + attacked
        clean, moved = model(x[: len(ROWS)]), model(x[len(ROWS) :])
        losses = functional.binary_cross_entropy_with_logits(clean, y[ROWS], reduction="none")
        p, q = (torch.stack([torch.sigmoid(-z), torch.sigmoid(z)], 1) for z in (clean[:attacked], moved))
        kl = (p * (torch.log(p) - torch.log(q))).sum(1)
        assert float(kl.detach().max()) > 1e-3
        return ((weight[ROWS] * losses).sum() + 3.0 * (weight[ROWS][:attacked] * kl).sum()) / len(ROWS)

    assert_follows(problem, network, action, stated, rel=2e-4)


@NETWORKS
def test_all_at_once(network):
    problem = weighted_loans()
    y, codes, weight = rows_of(problem)
    factor = kamiran_calders(problem, 1.0)
    action = TrustAction(adversarial_share=0.25, trades=2.0, reweighing=1.0, group_dro=0.5, lambda_fair=0.6)
    attacked = round(0.25 * len(ROWS))

    def stated(model, x):
        w, own = weight[ROWS], codes[ROWS]
        clean, moved = model(x[: len(ROWS)]), model(x[len(ROWS) :])
        losses = functional.binary_cross_entropy_with_logits(clean, y[ROWS], reduction="none")
        p, q = (torch.stack([torch.sigmoid(-z), torch.sigmoid(z)], 1) for z in (clean[:attacked], moved))
        kl = (p * (torch.log(p) - torch.log(q))).sum(1)
        losses = losses + 2.0 * functional.pad(kl, (0, len(ROWS) - attacked))
        shares = torch.stack([weight[codes == g].sum() for g in (0, 1)]) / weight.sum()
        of_groups = torch.stack([(w * losses)[own == g].sum() / w[own == g].sum() for g in (0, 1)]).detach()
        ratio = torch.softmax(torch.log(shares) + 0.5 * of_groups, dim=0) / shares
        scores = torch.sigmoid(clean)
        rates = [(w * scores)[own == g].sum() / w[own == g].sum() for g in (0, 1)]
        assert float((rates[0] - rates[1]).abs().detach()) > 0.04, "the penalty is the gap where that is not small"
        return (factor[ROWS] * ratio[own] * w * losses).mean() + 0.6 * (rates[0] - rates[1]).abs()

    assert_follows(problem, network, action, stated, rel=2e-4)


def test_with_trades_the_batch_itself_stays_clean():
    problem = loans()
    action = TrustAction(adversarial_share=0.5, trades=1.5)
    stepper = stepper_of(problem, BY_HAND)
    x = stepper.attack(stepper.batch(ROWS, action), ROWS, action)
    p = len(problem.domain.lower)
    assert torch.equal(x[: len(ROWS)], stepper.batch(ROWS, action))
    assert torch.equal(x[len(ROWS) :, p:], x[:32, p:]), "one-hot blocks and indicators stay"
    assert (x[len(ROWS) :, :p] != x[:32, :p]).any(1).all()

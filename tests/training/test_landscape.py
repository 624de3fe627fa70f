"""The landscape at a monitor point is what autograd finds on the losses written out, and measuring leaves no trace."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.training import TrainingTask
from efficienttrust.training._bench import Bench
from efficienttrust.training._landscape import RHO, LossLandscape
from efficienttrust.training._levers import levers_of
from tests.small_problems import FAIR, ROBUST, loans, weighted_loans
from tests.training.module_cases import HERE, IMAGE_ROBUST, PLAIN, images, write_images

ACTION = TrustAction(lambda_fair=0.5, adversarial_share=0.5)


def bench_of(problem, network, targets, **options):
    parsed = tuple(parse_target(text) for text in targets)
    task = TrainingTask(targets=parsed, seed=0, network=network, options=options, settings=PLAIN)
    bench = Bench(problem, task, levers_of(parsed, problem.task))
    return bench, bench.stepper(), levers_of(parsed, problem.task)


def flat(loss, network):
    return torch.cat([one.reshape(-1) for one in torch.autograd.grad(loss, list(network.parameters()))]).double()


def trained(stepper, steps=10, measure=lambda: None):
    for index in range(steps):
        rows = (torch.arange(48) + 31 * index) % stepper.n_rows
        x = stepper.attack(stepper.batch(rows, ACTION), rows, ACTION)
        stepper.step(x, rows, ACTION, 1e-3)
        measure()


@pytest.mark.parametrize("problem", [loans, weighted_loans], ids=["plain", "weighted"])
@pytest.mark.parametrize(("network", "options"), [("mlp", {"widths": (8,)}), (f"{HERE}:plain", {})])
def test_losses_gradients_and_sharpness(problem, network, options):
    problem = problem()
    _, stepper, levers = bench_of(problem, network, (FAIR, ROBUST), **options)
    with torch.no_grad():
        list(stepper.network.parameters())[-2].mul_(20)  # groups far apart: the penalty is then exactly the gap
    measured = LossLandscape(stepper, problem, levers, seed=0, most_rows=200)
    found = measured()
    train, model = problem.splits["train"], copy.deepcopy(stepper.network)
    rows = [int((torch.from_numpy(train.x) == one).all(1).nonzero()[0]) for one in measured._x]
    assert len(set(rows)) == 200
    x, y = torch.from_numpy(train.x[rows]), torch.from_numpy(train.y[rows]).float()
    weight = torch.ones(len(train)) if train.weight is None else torch.from_numpy(train.weight / train.weight.mean())
    weight, codes = weight.float()[rows], torch.from_numpy(train.codes["sex"][rows])

    def loss(x):
        return (weight * functional.binary_cross_entropy_with_logits(model(x), y, reduction="none")).mean()

    scores = torch.sigmoid(model(x))
    rates = [(weight * scores)[codes == g].sum() / weight[codes == g].sum() for g in (0, 1)]
    gap = (rates[0] - rates[1]).abs()
    assert float(gap.detach()) > 0.04
    utility, fairness = flat(loss(x), model), flat(gap, model)
    assert found.loss_utility == pytest.approx(float(loss(x).detach()), rel=1e-5)
    assert found.loss_fairness == pytest.approx(float(gap.detach()), rel=1e-5)
    assert found.norm_utility == pytest.approx(float(utility.norm()), rel=1e-4)
    assert found.norm_fairness == pytest.approx(float(fairness.norm()), rel=1e-4)
    cosine = float(functional.cosine_similarity(utility, fairness, dim=0))
    assert found.cosine_fairness == pytest.approx(cosine, abs=1e-4)
    norm = float(torch.cat([one.detach().reshape(-1) for one in model.parameters()]).norm())
    before, start = float(loss(x).detach()), 0
    with torch.no_grad():
        for one in model.parameters():
            slope = utility[start : start + one.numel()].view_as(one)
            one.add_((RHO * norm * slope / utility.norm()).float())
            start += one.numel()
    assert found.sharpness == pytest.approx(float(loss(x).detach()) - before, rel=1e-2, abs=1e-6)
    assert found.sharpness > 0
    assert found.loss_robust > found.loss_utility, "an attack finds worse points"
    assert 0.5 < found.cosine_robust <= 1.0
    assert found.norm_robust > 0


def test_the_attacked_loss_is_that_of_n_fgsm_points():
    from efficienttrust.training._attacked import attacked_numbers

    problem = loans()
    _, stepper, levers = bench_of(problem, "mlp", (ROBUST,), widths=(8,))
    measured = LossLandscape(stepper, problem, levers, seed=5)
    model, x, y = copy.deepcopy(stepper.network), measured._x.clone(), measured._y
    noise = torch.Generator().manual_seed(5)
    x[:, : len(problem.domain.lower)] = attacked_numbers(model, x, y, problem.domain, levers.eps, TrustAction(), noise)
    loss = functional.binary_cross_entropy_with_logits(model(x), y.float())
    found = measured()
    assert found.loss_robust == pytest.approx(float(loss.detach()), rel=1e-6)
    assert found.norm_robust == pytest.approx(float(flat(loss, model).norm()), rel=1e-4)
    assert math.isnan(found.loss_fairness)


CASES = {
    "mlp": ("mlp", (FAIR, ROBUST), {"widths": (8,)}),
    "dropout and batch norm": (f"{HERE}:dropping_and_normed", (FAIR, ROBUST), {}),
    "frozen": (f"{HERE}:frozen", (FAIR,), {}),
    "resnet": ("resnet8", (IMAGE_ROBUST,), {"width": 0.25}),
}


@pytest.mark.parametrize("case", CASES)
def test_measuring_leaves_no_trace(tmp_path, case):
    network, targets, options = CASES[case]
    problem = images(write_images(tmp_path, 2)) if case == "resnet" else loans()
    bench, watched, _ = bench_of(problem, network, targets, **options)
    _, alone, _ = bench_of(problem, network, targets, **options)
    landscape = bench.landscape(watched)
    torch.manual_seed(3)
    expected = torch.get_rng_state()
    seen = []
    trained(watched, measure=lambda: seen.append(landscape()))
    trained(alone)
    assert torch.equal(torch.get_rng_state(), expected)
    assert len({one.loss_utility for one in seen}) == 10, "it did measure"
    for name, value in alone.network.state_dict().items():
        assert torch.equal(value, watched.network.state_dict()[name]), name
    one, other = watched.state_dict()["optimizer"]["state"], alone.state_dict()["optimizer"]["state"]
    assert all(torch.equal(one[key]["exp_avg"], other[key]["exp_avg"]) for key in other)
    assert [module.training for module in watched.network.modules()] == [
        module.training for module in alone.network.modules()
    ]
    assert landscape() == landscape() or any(math.isnan(value) for value in vars(landscape()).values())


def test_it_is_of_the_deployed_weights():
    problem = loans()
    bench, stepper, _ = bench_of(problem, "mlp", (FAIR,), widths=(8,))
    landscape = bench.landscape(stepper)
    dense = landscape().loss_utility
    stepper.batch(torch.arange(8), TrustAction(sparsity=0.8))
    sparse = landscape().loss_utility
    with stepper.as_deployed(), torch.no_grad():
        z = stepper.network(landscape._x)
    assert sparse == pytest.approx(
        float(functional.binary_cross_entropy_with_logits(z, landscape._y.float())), rel=1e-6
    )
    assert sparse != dense


def test_what_it_costs_is_counted_and_rows_are_few(tmp_path):
    problem = loans()
    costs = {}
    for targets in ((), (FAIR,), (ROBUST,), (FAIR, ROBUST)):
        bench, stepper, _ = bench_of(problem, "mlp", targets, widths=(8,))
        landscape = bench.landscape(stepper)
        assert len(landscape._x) == min(256, stepper.n_rows)
        costs[targets] = landscape.flops / (len(landscape._x) * stepper.forward_flops())
    assert costs == {(): 4.0, (FAIR,): 6.0, (ROBUST,): 10.0, (FAIR, ROBUST): 12.0}
    bench, stepper, _ = bench_of(images(write_images(tmp_path, 3)), "resnet8", (IMAGE_ROBUST,), width=0.25)
    assert len(bench.landscape(stepper)._x) == 64
    stepper.parts = 4
    assert len(bench.landscape(stepper)._x) == -(-bench.batch_size // 4)


def test_three_classes_and_numbers_have_no_penalty(tmp_path):
    bench, stepper, _ = bench_of(images(write_images(tmp_path, 3)), "resnet8", (), width=0.25)
    found = bench.landscape(stepper)()
    assert math.isfinite(found.loss_utility)
    assert math.isfinite(found.sharpness)
    assert math.isnan(found.loss_fairness)
    assert math.isnan(found.cosine_robust)

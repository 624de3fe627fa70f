"""A step of a torch module follows the stated loss: its gradients are those of autograd on the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.training import Settings
from tests.small_problems import FAIR, ROBUST, loans, weighted_loans
from tests.training.module_cases import HERE, IMAGE_ROBUST, closest, gradients, images, stepper_of, write_images

ROWS = torch.arange(5, 37)


def labels(problem):
    return torch.from_numpy(np.asarray(problem.splits["train"].y).astype(np.int64))


def gap_of_means(scores, members):
    rates = (members.t() @ scores) / members.sum(0)
    return (rates - rates.mean()).abs().sum()


@pytest.mark.parametrize("problem", [loans, weighted_loans], ids=["plain", "weighted"])
@pytest.mark.parametrize("lambda_fair", [0.0, 0.7])
def test_of_two_classes_with_weights_and_a_penalty(problem, lambda_fair):
    problem = problem()
    stepper = stepper_of(problem, f"{HERE}:plain", (FAIR,), seed=0)
    twin = stepper_of(problem, f"{HERE}:plain", (FAIR,), seed=0).network
    for network in (stepper.network, twin):
        list(network.parameters())[2].data.mul_(30)  # so that the groups lie apart
    train = problem.splits["train"]
    x, y = torch.from_numpy(train.x[ROWS]), labels(problem)[ROWS].float()
    weight = torch.ones(len(train)) if train.weight is None else torch.from_numpy(train.weight / train.weight.mean())
    z = twin(x)
    loss = (weight[ROWS] * functional.binary_cross_entropy_with_logits(z, y, reduction="none")).mean()
    members = functional.one_hot(torch.from_numpy(train.codes["sex"][ROWS].astype(np.int64)), 2).float()
    gap = gap_of_means(torch.sigmoid(z), members * weight[ROWS, None])
    assert gap > 0.04, "the penalty is the gap only where no group is near the mean"
    loss = loss + lambda_fair * gap
    loss.backward()
    action = TrustAction(lambda_fair=lambda_fair)
    said = stepper.step(stepper.batch(ROWS, action), ROWS, action, 1e-3)
    assert float(said) == pytest.approx(loss.item(), rel=1e-5)
    assert closest(gradients(stepper.network), gradients(twin)) < 1e-6


def test_of_three_classes(tmp_path):
    problem = images(write_images(tmp_path, 3))
    stepper, twin = (stepper_of(problem, "vit", width=0.1, depth=1, patch=4) for _ in range(2))
    action = TrustAction(augmentation=0.0)
    x = torch.from_numpy(problem.splits["train"].inputs(ROWS.numpy()))
    loss = functional.cross_entropy(twin.network(x), labels(problem)[ROWS])
    loss.backward()
    said = stepper.step(stepper.batch(ROWS, action), ROWS, action, 1e-3)
    assert float(said) == pytest.approx(loss.item(), rel=1e-5)
    assert closest(gradients(stepper.network), gradients(twin.network)) < 1e-6


def test_of_mixed_images(tmp_path):
    problem = images(write_images(tmp_path, 3))
    mixup = Settings(device="cpu", precision="fp32", augmentation={"mixup": 1.0})
    stepper, twin = (stepper_of(problem, "vit", settings=mixup, width=0.1, depth=1, patch=4) for _ in range(2))
    x = stepper.batch(ROWS, TrustAction())
    partners, share = stepper._losses.mixed
    assert not torch.equal(partners, torch.arange(len(ROWS)))
    own, other = labels(problem)[ROWS], labels(problem)[ROWS][partners]
    both = functional.one_hot(own, 3) * share[:, None] + functional.one_hot(other, 3) * (1 - share[:, None])
    loss = functional.cross_entropy(twin.network(x), both.float())
    loss.backward()
    said = stepper.step(x, ROWS, TrustAction(), 1e-3)
    assert float(said) == pytest.approx(loss.item(), rel=1e-5)
    assert closest(gradients(stepper.network), gradients(twin.network)) < 1e-6


@pytest.mark.parametrize("attack", ["n_fgsm", "pgd", "noise"])
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_images_are_attacked_inside_ball_and_range(tmp_path, attack, share):
    problem = images(write_images(tmp_path, 2))
    stepper = stepper_of(problem, "resnet8", (IMAGE_ROBUST,), width=0.25)
    clean = stepper.batch(ROWS, TrustAction(augmentation=0.0))
    before = {name: one.clone() for name, one in stepper.network.state_dict().items()}
    x = stepper.attack(clean.clone(), ROWS, TrustAction(adversarial_share=share, attack=attack))
    attacked = round(share * len(ROWS))
    assert torch.equal(x[attacked:], clean[attacked:]), "the rest of the batch stays"
    assert 0 <= x.min() <= x.max() <= 1
    radius = 0.03 * (2.0 if attack == "n_fgsm" else 1.0)  # N-FGSM may leave the ball by its noise
    assert float((x - clean).abs().max()) <= radius + 1e-6
    assert (x[:attacked] != clean[:attacked]).flatten(1).any(1).all()
    assert closest(before, stepper.network.state_dict()) == 0, "an attack leaves no trace in batch norms"
    assert stepper.network.training


@pytest.mark.parametrize("attack", ["n_fgsm", "pgd", "noise"])
def test_rows_of_a_table_are_attacked_inside_the_domain(attack):
    problem = loans()
    stepper = stepper_of(problem, f"{HERE}:plain", (ROBUST,))
    data = problem.splits["train"].x.copy()
    clean = stepper.batch(ROWS, TrustAction())
    x = stepper.attack(clean.clone(), ROWS, TrustAction(adversarial_share=0.5, attack=attack))
    p, domain = len(problem.domain.lower), problem.domain
    moved, was = x[:, :p].numpy(), clean[:, :p].numpy()
    changed = moved != was
    assert changed[:16].any()
    assert not changed[16:].any()
    assert np.all(((moved >= domain.lower - 1e-5) & (moved <= domain.upper + 1e-5)) | ~changed)
    assert torch.equal(x[:, p:], clean[:, p:]), "one-hot blocks and indicators stay"
    assert np.array_equal(problem.splits["train"].x, data), "the batch is written to, never the data"


def test_what_an_own_network_froze_stays_frozen():
    stepper = stepper_of(loans(), f"{HERE}:frozen", (ROBUST,))
    before = [one.clone() for one in stepper.network.parameters()]
    action = TrustAction(adversarial_share=0.5)
    for _ in range(2):
        stepper.step(stepper.attack(stepper.batch(ROWS, action), ROWS, action), ROWS, action, 1e-2)
    same = [torch.equal(one, after) for one, after in zip(before, stepper.network.parameters(), strict=True)]
    assert same == [True, True, False, False]


def test_dropout_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    stepper = stepper_of(loans(), f"{HERE}:dropping")
    stepper.step(stepper.batch(ROWS, TrustAction()), ROWS, TrustAction(), 1e-2)
    assert torch.equal(torch.rand(3), expected)

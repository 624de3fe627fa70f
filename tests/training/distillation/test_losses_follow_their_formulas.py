"""What a step loses to its teachers: scipy's divergence, the gradient of the direct formula, and their limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from scipy.stats import entropy
from torch.nn import functional

from efficienttrust.atats import TrustAction
from efficienttrust.compression import score_encoded
from efficienttrust.training import Settings
from efficienttrust.training._labels import unit_of
from efficienttrust.training.distillation._pupil import distances
from tests.small_problems import ROBUST, loans, weighted_loans
from tests.training.distillation.cases import distilled, problem_of, pupil_of, same, teacher_of
from tests.training.module_cases import HERE, closest, gradients

ROWS = torch.arange(5, 42)
PLAIN_ACTION = TrustAction()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_distance_is_the_divergence_of_the_softened_answers(temperature):
    rng = np.random.default_rng(0)
    z, t = rng.normal(0, 3, (50, 4)), rng.normal(0, 3, (50, 4))
    p, q = softmax(t / temperature, axis=1), softmax(z / temperature, axis=1)
    found = distances(torch.from_numpy(z), torch.from_numpy(p), temperature)
    np.testing.assert_allclose(found, temperature**2 * entropy(p, q, axis=1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_one_logit_is_two_classes_of_which_one_has_logit_0(temperature):
    rng = np.random.default_rng(1)
    z, t = rng.normal(0, 3, 50), rng.normal(0, 3, 50)
    one = distances(torch.from_numpy(z), torch.from_numpy(expit(t / temperature)), temperature)
    both = np.stack([np.zeros(50), z], 1)
    two = softmax(np.stack([np.zeros(50), t], 1) / temperature, axis=1)
    np.testing.assert_allclose(one, distances(torch.from_numpy(both), torch.from_numpy(two), temperature), atol=1e-12)


def test_certain_teachers_cost_what_the_label_does():
    z = torch.tensor([-2.0, 0.0, 3.0])
    bce = functional.binary_cross_entropy_with_logits(z, torch.tensor([0.0, 1.0, 1.0]), reduction="none")
    torch.testing.assert_close(distances(z, torch.tensor([0.0, 1.0, 1.0]), 1.0), bce)


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_step_takes_the_loss_of_the_direct_formula(task):
    problem, alpha, temperature = problem_of(task), 0.3, None if task == "regression" else 3.0
    teachers = [teacher_of(problem, "mlp" if task == "binary" else "linear", seed=seed) for seed in (5, 6)]
    stepper = pupil_of(problem, distilled(*teachers, alpha=alpha, temperature=temperature))
    x = stepper.batch(ROWS, PLAIN_ACTION)
    z = stepper.network(x)
    t = [torch.from_numpy(score_encoded(one, x.numpy())) for one in teachers]
    y = torch.from_numpy(problem.splits["train"].y)[ROWS]
    if task == "regression":
        unit = unit_of(problem)
        told = (torch.stack(t).mean(0) - unit.shift) / unit.scale
        losses = (1 - alpha) * (z - (y - unit.shift) / unit.scale) ** 2 + alpha * (z - told) ** 2
    elif task == "binary":
        p, q = torch.stack([torch.sigmoid(one / 3) for one in t]).mean(0), torch.sigmoid(z / 3)
        apart = p * torch.log(p / q) + (1 - p) * torch.log((1 - p) / (1 - q))
        label = functional.binary_cross_entropy_with_logits(z, y.float(), reduction="none")
        losses = (1 - alpha) * label + alpha * 9 * apart
    else:
        p = torch.stack([torch.softmax(one / 3, 1) for one in t]).mean(0)
        apart = (p * torch.log(p / torch.softmax(z / 3, 1))).sum(1)
        losses = (1 - alpha) * functional.cross_entropy(z, y.long(), reduction="none") + alpha * 9 * apart
    wanted = torch.autograd.grad(losses.mean(), list(stepper.network.parameters()))
    said = stepper.step(x, ROWS, PLAIN_ACTION, 1e-3)
    assert float(said) == pytest.approx(float(losses.detach().mean()), rel=1e-5)
    for gradient, parameter in zip(wanted, stepper.network.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-5, rtol=1e-3)


def test_without_a_share_nothing_is_distilled():
    problem = loans()
    plain = pupil_of(problem, None, f"{HERE}:plain")
    none = pupil_of(problem, distilled(teacher_of(problem), alpha=0.0), f"{HERE}:plain")
    for stepper in (plain, none):
        for _ in range(5):
            stepper.step(stepper.batch(ROWS, PLAIN_ACTION), ROWS, PLAIN_ACTION, 1e-3)
    assert same(plain, none)


def test_a_student_that_is_its_teacher_has_nothing_to_learn():
    for task in ("binary", "multiclass"):
        problem = problem_of(task)
        twin = pupil_of(problem, distilled(teacher_of(problem)), widths=(24,))
        distillation = distilled(twin.scorer(), alpha=1.0)
        stepper = pupil_of(problem, distillation, widths=(24,))
        loss = stepper.step(stepper.batch(ROWS, PLAIN_ACTION), ROWS, PLAIN_ACTION, 1e-3)
        assert abs(float(loss)) < 1e-5
        assert max(float(one.abs().max()) for one in gradients(stepper.network).values()) < 1e-6


def test_an_ensemble_of_one_network_is_that_network():
    problem = loans()
    teacher = teacher_of(problem)
    steppers = [pupil_of(problem, distilled(*[teacher] * count)) for count in (1, 4)]
    for stepper in steppers:
        stepper.step(stepper.batch(ROWS, PLAIN_ACTION), ROWS, PLAIN_ACTION, 1e-3)
    assert closest(gradients(steppers[0].network), gradients(steppers[1].network)) < 1e-7


@pytest.mark.parametrize("robust", [0.0, 0.4, 1.0])
def test_attacked_rows_are_pulled_to_what_is_said_of_the_clean_ones(robust):
    problem, alpha, action = loans(), 0.6, TrustAction(adversarial_share=0.5)
    teacher = teacher_of(problem)
    stepper = pupil_of(problem, distilled(teacher, alpha=alpha, robust=robust), targets=(ROBUST,), widths=(16,))
    clean = stepper.batch(ROWS, action).clone()
    moved = stepper.attack(stepper.batch(ROWS, action), ROWS, action)
    attacked = round(0.5 * len(ROWS))
    assert ((moved - clean).abs().amax(1) > 0)[:attacked].float().mean() > 0.9
    with torch.no_grad():
        z = stepper.network(moved)
    p = torch.sigmoid(torch.from_numpy(score_encoded(teacher, clean.numpy())) / 2.0)
    share = torch.full((len(ROWS),), alpha)
    share[:attacked] *= robust
    y = torch.from_numpy(problem.splits["train"].y)[ROWS].float()
    label = functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    losses = (1 - share) * label + share * distances(z, p, 2.0)
    assert float(stepper.step(moved, ROWS, action, 1e-3)) == pytest.approx(float(losses.detach().mean()), rel=1e-5)


@pytest.mark.parametrize("make", [loans, weighted_loans])
@pytest.mark.parametrize("terms", [{}, {"feature": 0.5}, {"balanced": True}])
def test_the_gradient_of_parts_is_that_of_the_whole_batch(make, terms):
    problem, action = make(), TrustAction(adversarial_share=0.5)
    distillation = distilled(teacher_of(problem), robust=0.5, **terms)
    whole, divided = (pupil_of(problem, distillation, f"{HERE}:dropless", (ROBUST,)) for _ in range(2))
    divided.parts = 3
    moved = whole.attack(whole.batch(ROWS, action), ROWS, action)
    divided.attack(divided.batch(ROWS, action), ROWS, action)
    said = [stepper.step(moved, ROWS, action, 1e-3) for stepper in (whole, divided)]
    assert float(said[0]) == pytest.approx(float(said[1]), rel=1e-5)
    assert closest(gradients(whole.network), gradients(divided.network)) < 1e-6


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_loses_about_the_same(precision):
    problem = loans()
    distillation = distilled(teacher_of(problem), feature=0.5)
    settings = [Settings(device="cpu", precision=one) for one in ("fp32", precision)]
    steppers = [pupil_of(problem, distillation, f"{HERE}:dropless", settings=one) for one in settings]
    losses = [float(one.step(one.batch(ROWS, PLAIN_ACTION), ROWS, PLAIN_ACTION, 1e-3)) for one in steppers]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert closest(gradients(steppers[0].network), gradients(steppers[1].network)) < 0.01


RECOMPUTED = {"binary": ("tabular", {"width": 0.2}), "multiclass": ("mlp", {"widths": (16, 16, 16)})}


@pytest.mark.parametrize("task", RECOMPUTED)
def test_activations_that_are_computed_again_change_nothing(task):
    """The last linear layer of the mlp of three classes stands inside of what is computed again."""
    network, options = RECOMPUTED[task]
    problem = problem_of(task)
    distillation = distilled(teacher_of(problem), feature=0.5)
    kept, again = (pupil_of(problem, distillation, network, **options) for _ in range(2))
    again.checkpoint()
    assert again.recomputed > 0
    for stepper in (kept, again):
        for _ in range(3):
            stepper.step(stepper.batch(ROWS, PLAIN_ACTION), ROWS, PLAIN_ACTION, 1e-3)
    assert same(kept, again)
    assert torch.equal(kept._pupil.state_dict()["weight"], again._pupil.state_dict()["weight"])

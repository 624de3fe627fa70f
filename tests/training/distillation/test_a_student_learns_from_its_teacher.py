"""A training with teachers: it learns, is charged, survives a kill; images are asked about as augmented."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from efficienttrust.atats import TrustAction, make_policy
from efficienttrust.compression import ModuleScorer, NetworkScorer, score_encoded
from efficienttrust.data import load_problem
from efficienttrust.errors import InfeasibleError, UsageError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.models import build_mlp
from efficienttrust.models.counting import count_flops
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import Settings, TrainingTask, trainers
from efficienttrust.training.distillation import _teaching
from efficienttrust.training.distillation._features import last_linear
from efficienttrust.training.distillation._teaching import Teaching
from tests.small_problems import FAIR, ROBUST, loans
from tests.training.distillation.cases import distilled, pupil_of, teacher_of
from tests.training.module_cases import HERE, PLAIN, closest, gradients, images, write_images

ROWS = torch.arange(5, 42)


class Killed(Exception):
    pass


def run(problem, budget, distillation, *, targets=(), network="mlp", checkpoint=None, on_progress=None, **options):
    ledger = Ledger(Budget.parse(budget))
    task = TrainingTask(
        targets=tuple(parse_target(text) for text in targets), seed=0, network=network, options=options,
        settings=PLAIN, checkpoint=checkpoint, identity="this run", on_progress=on_progress, distillation=distillation,
    )  # fmt: skip
    return trainers.get("network")(task).fit(problem, ledger, make_policy("plan")), ledger


def noisy(n=1500):
    """Rows whose label leans on two of eight numbers; of the labels 35 % are drawn anew."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(0, 1, (n, 8))
    y = (numbers[:, 0] + numbers[:, 1] > 0).astype(int)
    y = np.where(rng.random(n) < 0.7, rng.integers(0, 2, n), y)
    table = pd.DataFrame(numbers, columns=[f"n{index}" for index in range(8)])
    table["sex"], table["label"] = rng.choice(["F", "M"], n), y
    return load_problem(table, label="label", sensitive="sex", positive="1", name="noisy")


def knowing(problem):
    """A teacher that knows the rule beneath the noise."""
    weight = np.zeros((problem.encoder.n_features, 1), dtype=np.float32)
    weight[:2] = 4.0
    return NetworkScorer(((weight, np.zeros(1)),))


def test_a_student_of_noisy_labels_comes_nearer_to_the_truth_with_a_teacher():
    problem = noisy()
    teacher = knowing(problem)
    unseen = np.concatenate([split.x for name, split in problem.splits.items() if name != "train"])
    truth = score_encoded(teacher, unseen) > 0

    def right(alpha):
        made, _ = run(problem, "steps=400", distilled(teacher, alpha=alpha), widths=(32,))
        assert isinstance(made.members[0].scorer, NetworkScorer)
        assert "from the answers of a teacher" in made.trained[-1]
        return (score_encoded(made.members[0].scorer, unseen) > 0) == truth

    gained = right(0.9).astype(float) - right(0.0)
    assert gained.mean() > 3 * gained.std() / np.sqrt(len(gained))


def test_features_come_nearer_to_those_of_the_teacher():
    problem = loans()
    stepper = pupil_of(problem, distilled(teacher_of(problem), alpha=0.0, feature=1.0), widths=(16,))
    x = stepper.batch(ROWS, TrustAction())

    def apart():
        with torch.no_grad(), stepper._pupil.watching():
            stepper.batch(ROWS, TrustAction())
            stepper.network(x)
            return float(stepper._pupil._feature_distances(stepper._pupil._map, slice(None)).mean())

    before = apart()
    for _ in range(100):
        stepper.step(stepper.batch(ROWS, TrustAction()), ROWS, TrustAction(), 1e-2)
    assert 0 < apart() < 0.2 * before <= 0.8


def test_features_are_what_enters_the_last_layer():
    network = build_mlp(n_features=4, widths=(6, 3), seed=0)
    weight, size = last_linear(network, (4,), "it")
    assert weight is network.linears[-1].weight
    assert size == 3
    with pytest.raises(UsageError, match="linear layer"):
        last_linear(torch.nn.Sequential(torch.nn.Conv1d(1, 1, 1)), (1, 4), "it")


CASES = {
    "answers of an mlp": ("mlp", {"widths": (16,)}, {}),
    "features and dropout": (f"{HERE}:dropping", {}, {"feature": 0.5, "balanced": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_kill_changes_nothing(tmp_path, case):
    network, options, terms = CASES[case]
    problem, looks, path = loans(), 0, tmp_path / "state.pt"
    distillation = distilled(teacher_of(problem), robust=1.0, **terms)
    asked = {"targets": (FAIR, ROBUST), "network": network, **options}

    def killed_at_the_third_look(step, metrics, action):
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Killed

    whole, _ = run(problem, "steps=12", distillation, **asked)
    with pytest.raises(Killed):
        run(problem, "steps=12", distillation, checkpoint=path, on_progress=killed_at_the_third_look, **asked)
    resumed, ledger = run(problem, "steps=12", distillation, checkpoint=path, **asked)
    x = problem.splits["test"].x
    for one, other in zip(whole.members, resumed.members, strict=True):
        assert np.array_equal(score_encoded(one.scorer, x), score_encoded(other.scorer, x))
    assert ledger.used() == 12


def test_the_answers_of_teachers_are_charged():
    problem = loans()
    teacher = teacher_of(problem)
    per_row = count_flops(
        build_mlp(n_features=teacher.n_features, widths=(24,), seed=0), [torch.zeros(1, teacher.n_features)]
    )
    _, ledger = run(problem, "flops=2e7", distilled(teacher, teacher), widths=(16,))
    assert ledger.to_dict()["time"]["phases"]["teacher"] == 2 * per_row.per_row * len(problem.splits["train"])
    assert ledger.used() <= ledger.limit
    with pytest.raises(InfeasibleError, match="the teacher has answered on 0 of"):
        run(problem, "flops=1e4", distilled(teacher), widths=(16,))


def test_images_are_asked_about_as_they_are_augmented(tmp_path):
    problem = images(write_images(tmp_path, 3))
    teacher = teacher_of(problem, "vit", width=0.1, depth=1, patch=4)
    mixup = Settings(device="cpu", precision="fp32", augmentation={"mixup": 1.0, "crop": 1.0})
    options = {"settings": mixup, "width": 0.1, "depth": 1, "patch": 4}
    whole, divided = (pupil_of(problem, distilled(teacher, temperature=3.0), "vit", **options) for _ in range(2))
    divided.parts = 5
    x = whole.batch(ROWS, TrustAction())
    wanted = torch.softmax(torch.from_numpy(score_encoded(teacher, x.numpy())) / 3.0, dim=1)
    torch.testing.assert_close(whole._pupil._told.answers, wanted, atol=1e-6, rtol=1e-5)
    for stepper, batch in ((whole, x), (divided, divided.batch(ROWS, TrustAction()))):
        stepper.step(batch, ROWS, TrustAction(), 1e-3)
    assert closest(gradients(whole.network), gradients(divided.network)) < 1e-6
    more = whole.flops(10, TrustAction()) - pupil_of(problem, None, "vit", **options).flops(10, TrustAction())
    assert more == pytest.approx(10 * count_flops(teacher.module, [torch.zeros(1, *teacher.shape)]).per_row)


def test_trees_teach_too():
    problem = loans()
    trees = trainers.get("trees")(TrainingTask(targets=(), seed=0)).fit(
        problem, Ledger(Budget.parse("steps=20")), make_policy("plan")
    )
    scorer = trees.members[0].scorer
    told = Teaching(distilled(scorer), problem, None, torch.device("cpu"), attacked=False)
    x = problem.splits["train"].x[:40]
    wanted = 1 / (1 + np.exp(-score_encoded(scorer, x) / 2.0))
    np.testing.assert_allclose(told.told(torch.arange(40), torch.from_numpy(x)).answers, wanted, rtol=1e-5)
    with pytest.raises(UsageError, match="feature needs a network"):
        pupil_of(problem, distilled(scorer, feature=0.1))


@pytest.mark.parametrize(
    ("terms", "said"),
    [({"robust": 1.0}, "nothing is attacked"), ({"alpha": 1.2}, "alpha"), ({"temperature": 0.0}, "temperature")],
)
def test_what_has_no_effect_is_refused(terms, said):
    with pytest.raises(UsageError, match=said):
        pupil_of(loans(), distilled(teacher_of(loans()), **terms))


def test_teachers_of_other_data_are_refused():
    other = teacher_of(loans(sensitive="region"))
    narrow = ModuleScorer(torch.nn.Linear(3, 2), (3,), 2, "linear")
    for teacher in (other, narrow):
        if teacher.n_features != loans().encoder.n_features:
            with pytest.raises(UsageError, match="same data"):
                pupil_of(loans(), distilled(teacher))
    with pytest.raises(UsageError, match="no teacher"):
        distilled()


def test_answers_beyond_memory_are_refused(monkeypatch):
    monkeypatch.setattr(_teaching, "STORE_SHARE", 1e-12)
    with pytest.raises(UsageError, match=r"rows take .* leave out feature"):
        run(loans(), "steps=20", distilled(teacher_of(loans()), feature=0.1), widths=(16,))

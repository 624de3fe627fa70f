"""A teacher of boosted trees: its probabilities are mixed into the labels, it is charged, and it survives a kill."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from efficienttrust import fit
from efficienttrust.atats import TrustAction, make_policy
from efficienttrust.compression import score_encoded
from efficienttrust.errors import InfeasibleError, RunInterrupted, UsageError
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import Settings, TrainingTask, clear_stop, request_stop, trainers
from efficienttrust.training._bench import Bench
from efficienttrust.training._levers import levers_of
from efficienttrust.training._teacher import lesson_of
from tests.small_problems import loans, weighted_loans

NETWORKS = {"mlp": {"widths": (16,)}, "tabular": {"width": 0.125, "members": 1}}


def task(network: str = "mlp", distil: float = 0.5, **more) -> TrainingTask:
    return TrainingTask(
        targets=(), seed=0, network=network, options=NETWORKS[network], settings=Settings(distil=distil), **more
    )


def run(budget: str, problem=None, **asked):
    ledger = Ledger(Budget.parse(budget))
    return trainers.get("network")(task(**asked)).fit(problem or loans(), ledger, make_policy("plan")), ledger


def test_what_is_learned_lies_between_the_label_and_the_teacher():
    lessons = {d: lesson_of(loans(), task(distil=d), Ledger(Budget.parse("steps=500"))) for d in (0.25, 1.0)}
    y, taught = torch.from_numpy(loans().splits["train"].y.astype(np.float32)), lessons[1.0].soft
    assert ((taught > 0) & (taught < 1)).all()
    torch.testing.assert_close(lessons[0.25].soft, 0.75 * y + 0.25 * taught)
    assert np.corrcoef(taught, y)[0, 1] > 0.3
    assert "0.25" in lessons[0.25].said


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("make", [loans, weighted_loans])
def test_the_loss_is_shared_between_label_and_teacher(network, make):
    """The loss of a step is (1 − d) BCE(z, y) + d BCE(z, p), each row by its weight."""
    problem, share = make(), 0.3
    y = torch.from_numpy(problem.splits["train"].y.astype(np.float32))
    p = torch.rand(len(y), generator=torch.Generator().manual_seed(1))
    asked = task(network)
    stepper = Bench(problem, asked, levers_of(()), (1 - share) * y + share * p).stepper()
    rows, action = torch.arange(40), TrustAction()
    torch.manual_seed(0)
    x = stepper.batch(rows, action)
    stepper.network.eval()  # no dropout, so that the oracle sees the same logits
    with torch.no_grad():
        z = stepper.network(x).float().flatten()
    bce = functional.binary_cross_entropy_with_logits
    losses = (1 - share) * bce(z, y[rows], reduction="none") + share * bce(z, p[rows], reduction="none")
    weight = problem.splits["train"].weight
    if weight is not None:
        losses = losses * torch.from_numpy(weight / weight.mean())[rows]
    torch.testing.assert_close(stepper.step(x, rows, action, 1e-3), losses.mean().float(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("budget", ["steps=100", "samples=9000", "time=3s cpu"])
def test_the_teacher_is_charged_and_leaves_most_to_the_network(budget):
    candidates, ledger = run(budget)
    account = ledger.to_dict()["time"]
    assert account["used"] <= ledger.limit
    assert 0 < account["phases"]["teacher"] <= 0.3 * ledger.limit
    assert any("boosted trees" in text for text in candidates.trained)


def test_nothing_is_taught_where_nothing_was_asked():
    candidates, ledger = run("steps=60", distil=0.0)
    assert "teacher" not in ledger.to_dict()["time"]["phases"]
    assert not any("boosted trees" in text for text in candidates.trained)


def test_the_network_comes_nearer_to_its_teacher():
    problem = loans(1500)
    x, teacher = problem.splits["train"].x, lesson_of(problem, task(distil=1.0), Ledger(Budget.parse("steps=3000")))

    def distance(distil: float) -> float:
        scorer = run("steps=3000", problem, distil=distil)[0].members[0].scorer
        return float(np.square(1 / (1 + np.exp(-score_encoded(scorer, x))) - teacher.soft.numpy()).mean())

    assert distance(1.0) < 0.9 * distance(0.0)


def test_a_killed_run_goes_on_with_the_same_teacher(tmp_path):
    path = tmp_path / "checkpoint.pt"
    whole, _ = run("steps=200")
    looks = []

    def stop(step: int, metrics, action: str) -> None:
        looks.append(step)
        if len(looks) == 2:
            request_stop()

    with pytest.raises(RunInterrupted):
        run("steps=200", checkpoint=path, on_progress=stop)
    clear_stop()
    resumed, ledger = run("steps=200", checkpoint=path)
    x = loans().splits["test"].x
    assert (score_encoded(whole.members[0].scorer, x) == score_encoded(resumed.members[0].scorer, x)).all()
    assert ledger.used() <= 200
    assert resumed.trained == whole.trained


def test_too_little_for_a_teacher_is_refused():
    with pytest.raises(InfeasibleError, match="leave out distil"):
        run("samples=500")


@pytest.mark.parametrize("distil", [-0.1, 1.1])
def test_a_share_is_a_number_from_0_to_1(distil):
    with pytest.raises(UsageError, match="from 0 to 1"):
        Settings(distil=distil)


def test_trees_take_no_teacher():
    with pytest.raises(UsageError, match="distil"):
        fit(loans(), budget="steps=50", targets=[], model="trees", settings=Settings(distil=0.5))

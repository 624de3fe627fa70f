"""A training of a torch module that was killed goes on bit for bit, on images, tables and sequences; budgets hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import load_problem
from efficienttrust.resources import Budget, Clocks, Ledger
from efficienttrust.training import Settings
from tests.small_problems import FAIR, ROBUST, loans
from tests.training.module_cases import HERE, IMAGE_ROBUST, images, print_of, train_module, write_images

STRONG = Settings(device="cpu", precision="fp32", augmentation={"crop": 1.0, "flip": 1.0, "mixup": 0.5})


class Killed(Exception):
    pass


def stays(n=300):
    """Three hours of a heart rate; the label leans on the last."""
    rng = np.random.default_rng(0)
    rate = rng.normal(80, 10, (n, 3))
    table = pd.DataFrame(rate, columns=["heart_rate@00", "heart_rate@01", "heart_rate@02"])
    table["sex"] = rng.choice(["F", "M"], n)
    table["died"] = np.where(rng.normal(rate[:, 2], 8) > 85, "yes", "no")
    return load_problem(table, label="died", sensitive="sex", name="stays")


CASES = {
    "resnet8": ("resnet8", (IMAGE_ROBUST,), STRONG, {"width": 0.25}),
    "dropout in fp16": (f"{HERE}:dropping", (FAIR, ROBUST), replace(STRONG, precision="fp16"), {}),
    "dropout": (f"{HERE}:dropping", (FAIR, ROBUST), STRONG, {}),
    "tabular": ("tabular", (FAIR, ROBUST), STRONG, {"width": 0.1}),
    "lstm": ("lstm", (FAIR,), STRONG, {"width": 0.25}),
}


@pytest.fixture(scope="module")
def squares(tmp_path_factory):
    return images(write_images(tmp_path_factory.mktemp("squares"), 2))


def problem_of(case, squares):
    return {"resnet8": squares, "lstm": stays()}.get(case.partition(" ")[0], loans())


@pytest.mark.parametrize("case", CASES)
def test_a_kill_changes_nothing(tmp_path, squares, case):
    network, targets, settings, options = CASES[case]
    problem, looks = problem_of(case, squares), 0

    def killed_at_the_third_look(step, metrics, action):
        nonlocal looks
        looks += 1
        if looks == 3:
            raise Killed

    whole, _ = train_module(problem, "steps=8", network, targets, settings=settings, **options)
    with pytest.raises(Killed):
        train_module(
            problem, "steps=8", network, targets, settings=settings, checkpoint=tmp_path / "state.pt",
            on_progress=killed_at_the_third_look, **options,
        )  # fmt: skip
    resumed, ledger = train_module(
        problem, "steps=8", network, targets, settings=settings, checkpoint=tmp_path / "state.pt", **options
    )
    assert print_of(resumed) == print_of(whole)
    assert ledger.used() == 8


@pytest.mark.parametrize("budget", ["steps=9", "samples=700", "flops=3e6"])
def test_a_counted_budget_is_never_exceeded(budget):
    _, ledger = train_module(loans(), budget, f"{HERE}:plain", (FAIR, ROBUST))
    assert 0 < ledger.used() <= ledger.limit


def test_a_measured_budget_is_never_exceeded():
    """Every reading of the clock lasts a millisecond."""
    now = 0.0

    def tick():
        nonlocal now
        now += 1e-3
        return now

    ledger = Ledger(Budget.parse("time=0.6s wall"), clock_override=Clocks(wall=tick, cpu=tick))
    train_module(loans(), "", f"{HERE}:plain", (FAIR, ROBUST), ledger=ledger)
    assert 0.5 * ledger.limit < ledger.used() <= ledger.limit

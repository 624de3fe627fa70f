"""A group of a dozen rows is measured and reported, but does not ruin the model for everybody else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust.data import Problem, load_problem
from efficienttrust.evaluation.splits import codes_of, not_steered, split_codes, steered
from efficienttrust.pipeline import fit


def with_a_tiny_group() -> Problem:
    rng = np.random.default_rng(0)
    n = 3000
    group = np.where(rng.random(n) < 0.5, "A", "B").astype(object)
    group[:12] = "tiny"
    x = rng.normal(size=(n, 3))
    good = x[:, 0] + 0.5 * (group == "A") + rng.normal(scale=0.6, size=n) > 0
    good[:12] = False
    frame = pd.DataFrame(
        {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "group": group, "good": np.where(good, "yes", "no")}
    )
    return load_problem(frame, label="good", positive="yes", sensitive="group")


@pytest.fixture(scope="module")
def problem() -> Problem:
    return with_a_tiny_group()


def test_it_is_left_out_of_steering_only(problem):
    tiny = problem.group_names.index("tiny")
    assert list(steered(problem, "")) == [name != "tiny" for name in problem.group_names]
    assert tiny not in split_codes(problem, "train")[""][0]
    assert tiny in codes_of(problem, problem.splits["train"], "")[0]
    (said,) = not_steered(problem)
    assert "'tiny'" in said
    assert "merge" in said


def test_it_does_not_cost_the_others_their_model(problem):
    run = fit(problem, budget="time=300 steps", targets=["dpd <= 0.15"])
    assert run.metrics["accuracy"]["value"] > 0.7
    assert any("too small to steer by" in text for text in run.document["fallbacks"])
    rates = {row["group"]: row["selection_rate"]["value"] for row in run.document["groups"]}
    assert "tiny" in rates, "it is still reported"
    assert abs(rates["A"] - rates["B"]) <= 0.15


def test_two_small_groups_are_all_there_is():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=60), "s": ["x", "y"] * 30, "y": rng.permutation([0, 1] * 30)})
    problem = load_problem(frame, label="y", positive="1", sensitive="s")
    assert steered(problem, "").all(), "with fewer than two groups left there would be nothing to compare"
    assert not_steered(problem) == []

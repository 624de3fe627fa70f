"""Targets against what limits them: each verdict where it is due, and only what is rigorous refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from efficienttrust import fit, load_problem
from efficienttrust.data import Problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.pipeline.limits import TargetLimits, assess, limit_document, question_of, raised, refuse_impossible
from efficienttrust.pipeline.limits.catalogue.regression import price_of_means


def gaussian(n: int = 4000, seed: int = 0, *, shift: float = 1.0) -> Problem:
    """X | Y ~ N(±1, 1) in both groups, base rates .3 and .6: the example of T1, with a second column of noise."""
    generator = np.random.default_rng(seed)
    sex = generator.integers(0, 2, n)
    y = (generator.random(n) < np.where(sex == 1, 0.6, 0.3)).astype(int)
    x = generator.normal(size=n) + shift * (2 * y - 1)
    return load_problem(
        pd.DataFrame({"x": x, "z": generator.normal(size=n), "sex": sex, "y": y}), label="y", sensitive="sex"
    )


def limits(problem: Problem, *targets: str, cheap: bool = False, aware: bool = False) -> dict[str, TargetLimits]:
    found = assess(question_of(problem, targets, budget="time=2000 steps", aware=aware), cheap=cheap)
    return dict(zip(targets, found, strict=True))


def test_the_frontier_of_a_known_law_is_found():
    found = limits(gaussian(6000), "accuracy >= 0.8", "dpd <= 0.1", aware=True)
    bound = found["accuracy >= 0.8"].findings[0].bound
    assert bound.details["low"] <= 0.822004 <= bound.details["high"]  # T1 (b)
    assert found["accuracy >= 0.8"].verdict == "comfortable"
    assert "points of accuracy" in " ".join(one.sentence for one in found["dpd <= 0.1"].findings)


def test_more_than_the_estimate_is_tight_and_does_not_refuse():
    problem = gaussian()
    found = limits(problem, "accuracy >= 0.9")["accuracy >= 0.9"]
    assert found.verdict == "tight"
    assert "more is asked" in found.sentence
    refuse_impossible([found])


def test_base_rates_refuse_and_force_overrides():
    problem = gaussian(2000)
    targets = ["accuracy >= 0.95", "dpd <= 0.01"]
    assert limits(problem, *targets, cheap=True)["accuracy >= 0.95"].findings[0].code == "T2"
    with pytest.raises(InfeasibleError, match="--force"):
        fit(problem, budget="time=20 steps", targets=targets)
    run = fit(problem, budget="time=20 steps", targets=targets, force=True)
    assert run.document["limits"][0]["verdict"] == "impossible"
    assert "--force" in run.document["command"]


def test_rows_that_are_alike_bound_accuracy_and_no_model_beats_it():
    generator = np.random.default_rng(1)
    table = pd.DataFrame({"x": generator.integers(0, 3, 3000), "y": generator.integers(0, 2, 3000)})
    problem = load_problem(table, label="y")
    found = limits(problem, "accuracy >= 0.8", cheap=True)["accuracy >= 0.8"]
    assert found.findings[0].code == "T13"
    test = problem.splits["test"]
    cells = problem.raw("test")["x"].to_numpy()
    best = sum(np.bincount(test.y[cells == value]).max() for value in np.unique(cells)) / len(test)
    assert float(found.findings[0].bound) == pytest.approx(best)
    run = fit(problem, budget="time=60 steps", targets=[])
    assert run.metrics["accuracy"]["value"] <= best


def test_the_model_reads_no_sensitive_column_so_rows_that_differ_in_it_alone_are_alike():
    n = 2000
    sex = np.arange(n) % 2
    table = pd.DataFrame({"x": np.arange(n) // 2 % 5, "sex": sex, "y": sex})
    problem = load_problem(table, label="y", sensitive="sex")
    assert limits(problem, "accuracy >= 0.9", cheap=True)["accuracy >= 0.9"].verdict == "impossible"
    assert limits(problem, "accuracy >= 0.9", cheap=True, aware=True)["accuracy >= 0.9"].verdict != "impossible"


def test_few_rows_can_prove_nothing():
    found = limits(gaussian(400), "dpd <= 0.02", "accuracy >= 0.5", cheap=True)
    assert found["dpd <= 0.02"].verdict == "uncertifiable"
    assert found["accuracy >= 0.5"].verdict == "open"


def test_a_small_budget_is_tight_for_utility_alone():
    found = assess(question_of(gaussian(), ["accuracy >= 0.5", "dpd <= 0.5"], budget="time=3 steps"), cheap=True)
    assert [one.verdict for one in found] == ["tight", "open"]


def test_robust_accuracy_between_a_linear_model_and_the_floor():
    problem = gaussian(3000, shift=2.0)
    easy, hard = "robust_accuracy(pgd, eps=0.05) >= 0.9", "robust_accuracy(pgd, eps=0.5) >= 0.99"
    assert limits(problem, easy)[easy].findings[0].code == "T5"
    assert limits(problem, easy)[easy].verdict == "comfortable"
    found = limits(problem, hard)[hard]
    assert {one.code for one in found.findings} & {"T13", "T5"}
    assert found.verdict in ("impossible", "tight")
    refuse_impossible([found])  # an attack may miss what the floor knows: it warns


def test_the_price_of_means_is_the_closed_form_of_two_groups():
    generator = np.random.default_rng(2)
    predicted, codes = generator.normal(size=500), generator.integers(0, 2, 500)
    predicted[codes == 1] += 2
    weight = np.ones(500)
    means = [predicted[codes == code].mean() for code in (0, 1)]
    share = codes.mean() * (1 - codes.mean())
    gap = means[1] - means[0]
    assert price_of_means(predicted, codes, weight, 0.5) == pytest.approx(share * (gap - 0.5) ** 2, rel=1e-6)
    assert price_of_means(predicted, codes, weight, 3.0) == 0.0


def test_a_regression_is_compared_with_what_trees_predict():
    generator = np.random.default_rng(3)
    x, sex = generator.normal(size=3000), generator.integers(0, 2, 3000)
    table = pd.DataFrame({"x": x, "sex": sex, "y": x + sex + generator.normal(size=3000)})
    problem = load_problem(table, label="y", task="regression", sensitive="sex")
    found = limits(problem, "r2 >= 0.2", "mean_outcome_gap <= 0.5")["r2 >= 0.2"]
    assert found.verdict == "comfortable"
    assert limits(problem, "r2 >= 0.9")["r2 >= 0.9"].verdict == "tight"


def test_the_limit_of_a_report_rises_with_the_gap_and_says_why_there_is_none():
    problem = gaussian(2000)
    question = question_of(problem, ["dpd <= 0.1"])
    limit = limit_document(problem, question.targets, aware=False, seed=0)
    assert limit["metric"] == "demographic_parity_difference"
    assert np.all(np.diff(limit["utility"]) >= 0)
    assert all(
        low <= value <= high for low, value, high in zip(limit["low"], limit["utility"], limit["high"], strict=True)
    )
    assert "no target limits a gap" in limit_document(problem, (), aware=False, seed=0)["why_not"]


def test_a_limit_starts_where_its_band_is_narrow_enough():
    generator, n = np.random.default_rng(4), 1500
    sex, x = generator.integers(0, 2, n), generator.normal(size=n)  # x tells nothing of the group
    y = (generator.random(n) < 1 / (1 + np.exp(-1.5 * x - sex))).astype(int)
    problem = load_problem(pd.DataFrame({"x": x, "sex": sex, "y": y}), label="y", sensitive="sex")
    targets = question_of(problem, ["dpd <= 0.1"]).targets
    limit = limit_document(problem, targets, aware=False, seed=0)
    assert max(np.subtract(limit["high"], limit["low"])) <= 0.1
    assert limit["gap"][0] > 0
    assert f"Below a gap of {limit['gap'][0]:g}" in limit["how"]


def test_a_model_above_the_estimate_raises_it_and_is_named():
    limit = {
        "metric": "dpd", "utility_metric": "accuracy", "how": "Estimated.", "gap": [0.0, 0.1, 0.2],
        "utility": [0.8, 0.81, 0.82], "low": [0.79, 0.8, 0.81], "high": [0.81, 0.82, 0.83],
    }  # fmt: skip
    same = raised(limit, [("inside", 0.1, 0.815), ("unknown", float("nan"), 0.9)])
    assert same == limit
    found = raised(limit, [("P1", 0.1, 0.85)])
    assert found["utility"] == [0.8, 0.85, 0.85]
    assert "P1 came out above" in found["how"]
    assert limit["utility"] == [0.8, 0.81, 0.82]

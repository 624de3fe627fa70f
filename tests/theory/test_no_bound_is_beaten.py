"""No rigorous bound is beaten by a model that was trained and measured: a sweep over Adult and COMPAS."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from efficienttrust import fit, load_problem
from efficienttrust.data import Problem
from efficienttrust.pipeline.limits import Knowledge
from efficienttrust.theory import base_rate_bound, joint_error_lower_bound, min_robust_error

CASES = (("adult", "sex"), ("compas", "race"))
SETTINGS = ((0.0, 0.0), (1.0, 0.0), (4.0, 0.0), (0.0, 0.5), (1.0, 0.5))
ROBUST = "robust_accuracy(pgd, eps=0.25)"


@functools.cache
def problem_of(name: str, sensitive: str) -> Problem:
    return load_problem(name, sensitive=sensitive)


@functools.cache
def swept(name: str, sensitive: str, fairness: float, share: float, aware: bool):
    return fit(
        problem_of(name, sensitive),
        budget="time=150 steps",
        targets=["dpd <= 0.1", f"{ROBUST} >= 0.5"],
        policy=f"static(lambda_fair={fairness}, adversarial_share={share})",
        use_groups_at_prediction=aware,
    )


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("fairness", "share"), SETTINGS)
@pytest.mark.parametrize("aware", [False, True])
def test_models_stay_below_every_rigorous_bound(case, fairness, share, aware):
    problem, run = problem_of(*case), swept(*case, fairness, share, aware)
    test = problem.splits["test"]
    said = run.predictions["prediction"].to_numpy()
    present = np.flatnonzero(np.bincount(test.groups))
    sizes = [int((test.groups == code).sum()) for code in present]
    rates = [float(test.y[test.groups == code].mean()) for code in present]
    selected = [float(said[test.groups == code].mean()) for code in present]
    errors = [float((said != test.y)[test.groups == code].mean()) for code in present]
    gap = max(selected) - min(selected)
    assert np.mean(said == test.y) <= float(base_rate_bound(rates, sizes, gap)) + 1e-12  # T2
    assert sum(errors) >= float(joint_error_lower_bound(rates, gap)) - 1e-12
    assert max(errors) >= 1 - base_rate_bound(rates, sizes, gap).details["worst_group_accuracy"] - 1e-12
    alike = Knowledge(problem, aware=aware, seed=0).most_right
    assert alike is not None
    assert np.mean(said == test.y) <= float(alike) + 1e-12  # T13 with eps = 0
    measured = run.metrics[f"{ROBUST[:-1]}, norm=linf)"]["value"]
    floor = min_robust_error(test.x, test.y, 0.25, "linf", domain=problem.domain)
    assert measured <= 1 - float(floor) + 1e-12  # T13; holds of the true value, and PGD is strong on these models


@pytest.mark.parametrize("fairness", [0.0, 4.0])
def test_a_short_sweep_stays_below_the_base_rate_bound(fairness):
    problem = load_problem("german", sensitive="sex")
    run = fit(problem, budget="time=60 steps", targets=["dpd <= 0.1"], policy=f"static(lambda_fair={fairness})")
    test, said = problem.splits["test"], run.predictions["prediction"].to_numpy()
    present = np.flatnonzero(np.bincount(test.groups))
    sizes = [int((test.groups == code).sum()) for code in present]
    rates = [float(test.y[test.groups == code].mean()) for code in present]
    selected = [float(said[test.groups == code].mean()) for code in present]
    assert np.mean(said == test.y) <= float(base_rate_bound(rates, sizes, max(selected) - min(selected))) + 1e-12

"""Comparison: every policy gets the same problems, figures are those of its runs, differences are paired."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from efficienttrust import fit
from efficienttrust.errors import UsageError
from efficienttrust.pipeline.policies import Comparison, Trial, compare_policies, differences, paired
from tests.small_problems import loans

TARGETS = ["dpd <= 0.1", "robust_accuracy(pgd, eps=0.2) >= 0.7"]


def test_figures_are_those_of_the_runs() -> None:
    seen: list[int] = []

    def load(seed: int):  # type: ignore[no-untyped-def]
        seen.append(seed)
        return loans(seed=seed)

    told: list[Trial] = []
    found = compare_policies(
        load, budget="time=30 steps", targets=TARGETS, policies=["static", "plan(gain=2)"], seeds=1, tell=told.append
    )
    assert seen == [0]
    assert [(one.policy, one.seed) for one in found.trials] == [
        (name, seed) for name in ("static", "plan(gain=2)") for seed in (0,)
    ]
    assert sorted(told, key=str) == sorted(found.trials, key=str)
    run = fit(loans(seed=0), budget="time=30 steps", targets=TARGETS, policy="plan(gain=2)", seed=0)
    one = found.trials[-1]
    fairness, robustness = (verdict.value for verdict in run.verdicts)
    assert one.violation == pytest.approx(max(fairness - 0.1, 0) + max(0.7 - robustness, 0))
    assert one.hit == float(one.violation == 0)
    assert one.utility == run.metrics["accuracy"]["value"]
    assert (found.utility, found.clock, one.spend) == ("accuracy", "steps", 30.0)


def comparison(first: list[float], second: list[float]) -> Comparison:
    trials = [
        Trial(name, seed, 1.0, 0.0, value, 10.0, 10.0)
        for name, values in (("a", first), ("b", second))
        for seed, value in enumerate(values)
    ]
    return Comparison("accuracy", "steps", tuple(trials))


def test_differences_are_paired_by_seed() -> None:
    first, second = [0.70, 0.80, 0.90], [0.71, 0.83, 0.91]
    one = comparison(first, second).difference("b", "utility")
    expected = stats.ttest_rel(second, first).confidence_interval(0.95)
    assert (one.mean, one.low, one.high) == pytest.approx((np.mean(second) - np.mean(first), *expected))
    assert one.n == 3


def test_one_seed_has_no_interval() -> None:
    one = comparison([0.7], [0.8]).difference("b", "utility")
    assert one.mean == pytest.approx(0.1)
    assert math.isnan(one.low)
    assert math.isnan(one.high)


def test_differences_are_to_the_first() -> None:
    scores = {"plan": [1.0, 2.0], "rule": [1.5, 2.5], "pid": [0.0, 1.0]}
    assert {name: one.mean for name, one in differences(scores).items()} == {"rule": 0.5, "pid": -1.0}
    assert paired([1.0, 2.0], [0.5, 1.5]).low == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": []}, "give at least one --target"),
        ({"policies": ["plan"]}, "give at least two different policies"),
        ({"policies": ["plan", "plan"]}, "give at least two different policies"),
        ({"policies": ["plan", "rul"]}, "unknown policy 'rul'. Did you mean 'rule'?"),
        ({"policies": ["plan", "rule(share_rise=2)"]}, r"rule policy: share_rise=2.0 must be in \[0, 1\]"),
        ({"targets": ["dpd >= 0.1"]}, "demographic_parity_difference"),
        ({"budget": "time=30 stepps"}, "stepps"),
        ({"seeds": 0}, "--seeds 0: give at least 1"),
    ],
)
def test_faults_are_named_before_anything_is_loaded(changes: dict[str, object], message: str) -> None:
    def load(seed: int):  # type: ignore[no-untyped-def]
        pytest.fail("the data were loaded")

    options = {"budget": "time=30 steps", "targets": TARGETS, "policies": ["plan", "rule"], **changes}
    with pytest.raises(UsageError, match=message):
        compare_policies(load, **options)  # type: ignore[arg-type]

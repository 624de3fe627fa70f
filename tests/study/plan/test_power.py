"""The power of declared hypotheses agrees with simulated t tests."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import t

from efficienttrust.study import Design, Outcome
from efficienttrust.study._design import Constraint, Factor, Hypothesis
from efficienttrust.study.plan import power_of
from efficienttrust.study.plan._power import _chance, _detectable

RUNS = 20_000


def hypothesis(test, direction="two-sided", margin=0.0):
    return Hypothesis(
        name="H1", family="main", statement="s", metric="metric.accuracy", factor="constraint",
        contrast={"a": 1.0, "none": -1.0}, where={}, test=test, direction=direction, margin=margin,
    )  # fmt: skip


def simulated(one, effect, error, freedom, alpha):
    """Return how often the test concludes, and the standard error of that share."""
    rng = np.random.default_rng(0)
    mean = effect + error * rng.standard_normal(RUNS)
    s = error * np.sqrt(rng.chisquare(freedom, RUNS) / freedom)
    if one.test == "equivalence":
        concluded = np.abs(mean) + t.ppf(1 - alpha, freedom) * s < one.margin
    elif one.direction == "two-sided":
        concluded = np.abs(mean) > t.ppf(1 - alpha / 2, freedom) * s
    else:  # effects are given in the direction of the hypothesis
        concluded = mean - one.margin > t.ppf(1 - alpha, freedom) * s
    share = concluded.mean()
    return share, math.sqrt(max(share * (1 - share), 1 / RUNS) / RUNS)


@pytest.mark.parametrize("freedom", [2, 4, 30])
@pytest.mark.parametrize(
    ("one", "effect"),
    [
        (hypothesis("difference"), 0.02),
        (hypothesis("difference", "less"), 0.02),
        (hypothesis("difference"), 0.0),
        (hypothesis("superiority", "greater", 0.01), 0.03),
        (hypothesis("equivalence", margin=0.03), 0.0),
    ],
)
def test_it_agrees_with_simulation(one, effect, freedom):
    share, error = simulated(one, effect, 0.01, freedom, 0.05)
    assert _chance(one, effect, 0.01, freedom, 0.05) == pytest.approx(share, abs=4 * error)


@pytest.mark.parametrize(
    "one", [hypothesis("difference"), hypothesis("superiority", "less", 0.01), hypothesis("equivalence", margin=0.03)]
)
def test_what_is_detectable_is_found_with_a_chance_of_80_percent(one):
    found = _detectable(one, 0.01, 6, 0.025)
    if one.test == "equivalence":
        share, error = simulated(hypothesis("equivalence", margin=found), 0.0, 0.01, 6, 0.025)
    else:
        share, error = simulated(one, found, 0.01, 6, 0.025)
    assert share == pytest.approx(0.8, abs=4 * error)


FACTORS = (Factor("data", ("x", "y"), "x", True), Factor("constraint", ("none", "a"), "none"))


def design(*hypotheses, seeds=(0, 1, 2)):
    return Design(
        name="s", question="q", factors=FACTORS,
        constraints={"none": Constraint("none"), "a": Constraint("bits", 4.0)}, hypotheses=hypotheses, alpha=0.05,
        targets={}, seeds=seeds, planned=12, spec_hash="", declared_hash="",
    )  # fmt: skip


CELLS = (("x", "none"), ("x", "a"), ("y", "none"), ("y", "a"))


def stored(values):
    """Trials that ended, by (data, constraint), with the seeds 0, 1, 2 ..."""
    return [
        SimpleNamespace(
            state="done",
            trial=SimpleNamespace(
                cell="/".join(cell), factors=dict(zip(("data", "constraint"), cell, strict=True)), seed=seed
            ),
            outcome=Outcome("done", {"metric.accuracy": value}),
        )
        for cell, several in values.items()
        for seed, value in enumerate(several)
    ]


def test_the_spread_is_that_of_whole_contrasts_between_the_seeds_of_a_data_set():
    """Levels that share split and start vary together; what they have in common is not noise."""
    one = hypothesis("superiority", "less", 0.02)
    rows = stored({
        ("x", "none"): [0.80, 0.60, 0.70], ("x", "a"): [0.79, 0.58, 0.70],
        ("y", "none"): [0.5, 0.9], ("y", "a"): [0.47, 0.88],
    })  # fmt: skip
    found = power_of(one, design(one), CELLS, rows)
    assert found.degrees == 3
    assert found.spread == pytest.approx(math.sqrt((0.01**2 + 0.01**2 + 0.0 + 2 * 0.005**2) / 3))
    assert (found.units, found.effect) == (6, 0.04)
    assert found.detectable_low < found.detectable < found.detectable_high
    assert found.power_low <= found.power <= found.power_high
    assert found.power == pytest.approx(_chance(one, 0.04, found.spread / math.sqrt(6), 4, 0.05))
    assert "whole contrasts" in found.note


def test_before_there_are_whole_contrasts_it_is_that_of_independent_trials():
    one = hypothesis("difference")
    found = power_of(one, design(one), CELLS, stored({("x", "none"): [0.80, 0.82, 0.84], ("y", "none"): [0.7, 0.74]}))
    assert found.degrees == 3
    assert found.spread == pytest.approx(math.sqrt(2) * math.sqrt((2 * 0.02**2 + 0.0008) / 3))
    assert "independent trials" in found.note


def test_families_share_alpha():
    one, other = hypothesis("superiority", "less", 0.02), hypothesis("difference")
    rows = stored({("x", "none"): [0.80, 0.82, 0.84]})
    alone, together = power_of(one, design(one), CELLS, rows), power_of(one, design(one, other), CELLS, rows)
    assert together.power < alone.power
    assert "alpha 0.025" in together.note


def test_what_is_not_known_is_nan_and_says_why():
    one = hypothesis("difference")
    none = power_of(one, design(one), CELLS, stored({("x", "none"): [0.8]}))
    assert math.isnan(none.power)
    assert math.isnan(none.detectable)
    assert "add --pilot" in none.note
    apart = power_of(one, design(one), (("x", "none"), ("y", "a")), stored({("x", "none"): [0.8, 0.9]}))
    assert (apart.units, math.isnan(apart.detectable)) == (0, True)
    assert "no cells hold all levels" in apart.note

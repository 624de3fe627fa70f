"""All models of a reduction, and all trainings of a grid, share one budget and never exceed it."""

from __future__ import annotations

import pytest

from efficienttrust.evaluation.targets import parse_target
from efficienttrust.training._settings_search import POINTS, name_of, points_for
from efficienttrust.training.catalogue.exponentiated_gradient import ExponentiatedGradientTrainer
from tests.small_problems import FAIR, ROBUST, fingerprint, loans, train

SLOW = pytest.mark.slow
SEVERAL = ("exponentiated_gradient", "exponentiated_gradient_trees", "grid_search", "static_grid", "successive_halving")


@pytest.mark.parametrize("trainer", SEVERAL)
@pytest.mark.parametrize(
    "budget", ["steps=60", pytest.param("samples=6000", marks=SLOW), pytest.param("flops=2e7", marks=SLOW)]
)
def test_no_budget_is_exceeded(trainer, budget):
    candidates, ledger = train(loans(), budget, [FAIR], trainer=trainer)
    assert 0 < ledger.used() <= ledger.limit
    assert candidates.members
    assert candidates.head is not None
    assert all(row["used"] <= ledger.limit for row in candidates.history)


def test_what_was_asked_before_is_not_trained_again():
    candidates, ledger = train(loans(), "steps=240", ["dpd <= 0.02"], trainer="exponentiated_gradient")
    assert len(candidates.history) <= ExponentiatedGradientTrainer.most
    steps = [row["cost_step"] for row in candidates.history]
    assert sum(steps) == ledger.used()
    assert max(steps) <= 2 * 240 / ExponentiatedGradientTrainer.most


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["exponentiated_gradient", "successive_halving"])
def test_a_seed_determines_all_of_it(trainer):
    found = [fingerprint(train(loans(), "steps=60", [FAIR], trainer=trainer)[0]) for _ in range(2)]
    assert found[0] == found[1]


def test_a_grid_moves_the_dials_that_targets_call_for():
    fair, robust = parse_target(FAIR), parse_target(ROBUST)
    both = points_for([fair, robust], "binary")
    assert len(set(both)) == POINTS
    assert (0.0, 0.0) in both
    alone = points_for([fair], "binary")
    assert len(set(alone)) == POINTS
    assert {share for _, share in alone} == {0.0}
    assert {weight for weight, _ in points_for([robust], "binary")} == {0.0}
    assert points_for([parse_target("accuracy >= 0.5")], "binary") == [(0.0, 0.0)]


@pytest.mark.slow
def test_the_best_point_on_monitor_comes_first():
    candidates, ledger = train(loans(), "steps=96", trainer="static_grid")
    objectives = [float(one.note.split()[1]) for one in candidates.members]
    assert len(objectives) == POINTS
    assert objectives == sorted(objectives, reverse=True)
    assert ledger.used("steps") == 96
    models = {row["model"] for row in candidates.history}
    assert models == {name_of(point) for point in points_for([parse_target(FAIR), parse_target(ROBUST)], "binary")}


@pytest.mark.slow
def test_halving_gives_each_round_the_same_and_ever_fewer_points_more():
    candidates, ledger = train(loans(), "steps=144", trainer="successive_halving")
    costs = [record.expected_cost for record in candidates.decisions]
    assert len(costs) == 12 + 4 + 1
    assert sum(costs) == ledger.used() == 144
    rounds = [sum(costs[:12]), sum(costs[12:16]), costs[16]]
    assert rounds == pytest.approx([48, 48, 48], abs=2)
    assert candidates.members[0].name == candidates.decisions[-1].after, "the survivor comes first"

"""Trees grown in stages are those of the library; what is kept is the prefix with the lowest monitor loss that fits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from efficienttrust.atats import make_policy
from efficienttrust.compression import TreeScorer, score_encoded
from efficienttrust.errors import InfeasibleError
from efficienttrust.resources import Budget, Clocks, Ledger
from efficienttrust.training import TrainingTask, trainers
from efficienttrust.training._boosting import Growth
from efficienttrust.training._ground import Ground, ground_of
from efficienttrust.training._rounds import first_trees, trees_between
from efficienttrust.training.catalogue.lightgbm import LightGBMTrees
from efficienttrust.training.catalogue.trees import HistogramTrees
from tests.small_problems import loans, train, weighted_loans

LIBRARIES = {"trees": HistogramTrees, "lightgbm": LightGBMTrees}


def ensemble(library: str, problem=None):
    return LIBRARIES[library](ground_of(problem or loans()), 0)


def log_loss(z: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> float:
    p = 1 / (1 + np.exp(-z.astype(np.float64)))
    return float(np.average(-np.where(y > 0, np.log(p), np.log(1 - p)), weights=weight))


@pytest.mark.parametrize("library", LIBRARIES)
def test_stages_add_to_what_is_there(library):
    growing = ensemble(library)
    few, more = growing.grow(10), growing.grow(7)
    assert (len(few.roots), len(more.roots)) == (10, 17)
    x = loans().splits["monitor"].x
    assert np.array_equal(score_encoded(first_trees(more, 10), x), score_encoded(few, x))


def test_the_prefix_of_a_forest_is_the_staged_score_of_the_library():
    rows, x = loans().splits["train"], loans().splits["test"].x
    model = HistGradientBoostingClassifier(max_iter=25, early_stopping=False, random_state=0).fit(rows.x, rows.y)
    scorer = TreeScorer.from_sklearn(model)
    for n, staged in enumerate(model.staged_decision_function(x), start=1):
        np.testing.assert_allclose(score_encoded(first_trees(scorer, n), x), staged.ravel(), atol=1e-5)


@pytest.mark.parametrize("library", LIBRARIES)
def test_parts_sum_to_the_whole_and_know_their_depth(library):
    scorer, x = ensemble(library).grow(23), loans().splits["test"].x
    parts = [trees_between(scorer, start, stop) for start, stop in ((0, 4), (4, 5), (5, 23))]
    np.testing.assert_allclose(sum(score_encoded(part, x) for part in parts), score_encoded(scorer, x), atol=1e-5)
    assert max(part.depth for part in parts) == scorer.depth


@pytest.mark.parametrize("trainer", LIBRARIES)
@pytest.mark.parametrize("make", [loans, weighted_loans])
def test_the_prefix_with_the_lowest_monitor_loss_is_kept(trainer, make):
    problem = make()
    candidates, _ = train(problem, "steps=400", trainer=trainer)
    kept, monitor = candidates.members[0], problem.splits["monitor"]
    again = ensemble(trainer, problem)
    whole = again.grow(len(kept.scorer.roots) + 40)
    steps = range(10, len(whole.roots) + 1, 10)
    by_hand = {n: log_loss(score_encoded(first_trees(whole, n), monitor.x), monitor.y, monitor.weight) for n in steps}
    if trainer == "lightgbm":  # scikit-learn draws the columns of a node anew in each stage
        assert min(by_hand, key=lambda n: by_hand[n]) == len(kept.scorer.roots)
    loss = log_loss(score_encoded(kept.scorer, monitor.x), monitor.y, monitor.weight)
    assert kept.note.endswith(f"{loss:.4f}")
    assert all(loss <= row["loss"] + 2e-5 for row in candidates.history)


@pytest.mark.parametrize("trainer", LIBRARIES)
@pytest.mark.parametrize("most", [1, 3, 10, 13, 24])
def test_growth_ends_with_the_longest_prefix_that_fits(trainer, most):
    asked = []

    def exceeded(scorer) -> list[str]:
        asked.append(len(scorer.roots))
        return [f"{len(scorer.roots)} trees of {most}"] if len(scorer.roots) > most else []

    task = TrainingTask(targets=(), seed=0, exceeded=exceeded)
    problem = loans(2000)
    ledger = Ledger(Budget.parse("steps=500"))
    candidates = trainers.get(trainer)(task).fit(problem, ledger, make_policy("plan"))
    kept, monitor = candidates.members[0], problem.splits["monitor"]
    assert len(kept.scorer.roots) <= most < max(asked)
    assert {most, most + 1} <= set(asked) | {0}, "the limit is found exactly"
    assert any(f"of {most}" in text for text in candidates.fallbacks)
    assert candidates.history[-1]["step"] == most
    assert kept.note.endswith(f"{log_loss(score_encoded(kept.scorer, monitor.x), monitor.y):.4f}")


@pytest.mark.parametrize("trainer", LIBRARIES)
def test_where_not_even_one_tree_fits_that_is_said(trainer):
    task = TrainingTask(targets=(), seed=0, exceeded=lambda scorer: ["size 9 of 8 bytes"])
    with pytest.raises(InfeasibleError, match=r"not even one tree fits \(size 9 of 8 bytes\)"):
        trainers.get(trainer)(task).fit(loans(), Ledger(Budget.parse("steps=100")), make_policy("plan"))


@pytest.mark.parametrize("fixed", [0.0, 0.3])
@pytest.mark.parametrize("limit", [1.0, 2.0, 5.0, 9.0])
@pytest.mark.parametrize("again", [0.0, 0.01])  # half the cost of a tree, as measured with scikit-learn on 5 M rows
def test_no_stage_is_begun_that_does_not_fit(limit, fixed, again):
    """A stage costs a pass over the data, so much a tree, and so much for each that there is, on a clock of its own."""
    now = 0.0

    class Slow:
        def __init__(self) -> None:
            self.trees, self.grown = ensemble("lightgbm", loans(2000)), 0

        def grow(self, n_trees: int) -> TreeScorer:
            nonlocal now
            now += fixed + 0.02 * n_trees + again * self.grown
            self.grown += n_trees
            return self.trees.grow(n_trees)

    ledger = Ledger(Budget.parse(f"time={limit}s cpu"), clock_override=Clocks(wall=lambda: now, cpu=lambda: now))
    forest = Growth(Slow(), ground_of(loans(2000)), loans(2000).splits["monitor"], ledger).run()
    assert ledger.used() <= limit
    stopped_by_the_loss = len(forest.scorer.roots) + 50 <= forest.history[-1]["step"]
    assert stopped_by_the_loss or ledger.used() >= 0.5 * limit


def test_where_nothing_can_be_split_growth_ends():
    rng = np.random.default_rng(0)
    constant = np.zeros_like(loans().splits["train"].x)
    y = (rng.random(len(constant)) < 0.3).astype(np.int64)
    ledger = Ledger(Budget.parse("steps=100000"))
    ground = Ground(constant, y, None, "binary", 1)
    forest = Growth(LightGBMTrees(ground, 0), ground, loans().splits["monitor"], ledger).run()
    z = score_encoded(forest.scorer, np.zeros((3, constant.shape[1])))
    np.testing.assert_allclose(z, math.log(y.mean() / (1 - y.mean())), atol=1e-3)
    assert ledger.used() <= 10

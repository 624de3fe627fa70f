"""Trees learn several classes and numbers as they learn two classes: in stages, inside limits, by the monitor split."""

from __future__ import annotations

from functools import cache

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

from efficienttrust.atats import make_policy
from efficienttrust.compression import score_encoded
from efficienttrust.data import Problem, load_problem
from efficienttrust.errors import InfeasibleError
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import TrainingTask, trainers
from efficienttrust.training._ground import ground_of, loss_of
from efficienttrust.training._rounds import first_trees, joined, trees_between
from efficienttrust.training.catalogue.lightgbm import LightGBMTrees
from efficienttrust.training.catalogue.trees import HistogramTrees
from tests.small_problems import train

LIBRARIES = {"trees": HistogramTrees, "lightgbm": LightGBMTrees}
SETTINGS = {
    "learning_rate": 0.05, "num_leaves": 16, "feature_fraction_bynode": 0.5, "lambda_l2": 1.0, "seed": 3,
    "num_threads": 1, "deterministic": True, "force_col_wise": True, "verbosity": -1,
}  # fmt: skip


@cache
def table(weighted: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    one, two, noise = rng.normal(size=800), rng.normal(size=800), rng.gumbel(size=(800, 3))
    best = (np.stack([two, -one - two, one * two], axis=1) + 0.5 * noise).argmax(axis=1)
    price = 5000 + 30 * one - 40 * one * two + 5 * noise[:, 0]
    made = pd.DataFrame({"one": one, "two": two, "owner": rng.choice(["a", "b"], 800), "price": price})
    made["kind"] = np.array(["ash", "fir", "oak"])[best]
    return made.assign(w=rng.choice([0.5, 1.0, 3.0], 800)) if weighted else made


@cache
def kinds(weighted: bool = False) -> Problem:
    found = table(weighted).drop(columns="price")
    return load_problem(found, label="kind", sensitive="owner", weight="w" if weighted else None)


@cache
def prices(weighted: bool = False, factor: float = 1.0, shift: float = 0.0) -> Problem:
    found = table(weighted).drop(columns="kind").assign(price=lambda t: factor * t["price"] + shift)
    return load_problem(found, label="price", task="regression", sensitive="owner", weight="w" if weighted else None)


def oracle(scorer, problem: Problem, split: str = "monitor") -> float:
    rows = problem.splits[split]
    z = score_encoded(scorer, rows.x).astype(np.float64)
    if problem.task == "regression":
        share = mean_squared_error(rows.y, z, sample_weight=rows.weight)
        mean = np.average(rows.y, weights=rows.weight)
        return share / mean_squared_error(rows.y, np.full(len(z), mean), sample_weight=rows.weight)
    odds = np.exp(z - z.max(axis=1, keepdims=True))
    return log_loss(rows.y, odds / odds.sum(axis=1, keepdims=True), sample_weight=rows.weight)


@pytest.mark.parametrize("trainer", LIBRARIES)
@pytest.mark.parametrize("make", [kinds, prices])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_prefix_with_the_lowest_monitor_loss_is_kept(trainer, make, weighted):
    problem = make(weighted)
    candidates, ledger = train(problem, "steps=80", (), trainer=trainer)
    kept = candidates.members[0].scorer
    assert kept.outputs == problem.outputs
    assert ledger.used() <= 80
    last, loss = candidates.history[-1], oracle(kept, problem)
    assert candidates.members[0].note.endswith(f"{loss:.4f}")
    assert all(loss <= row["loss"] + 2e-5 for row in candidates.history)
    rows = problem.splits["monitor"]
    if kept.rounds == last["step"]:
        z = score_encoded(kept, rows.x)
        by_library, said = (r2_score, z) if problem.task == "regression" else (accuracy_score, z.argmax(axis=-1))
        utility = by_library(rows.y, said, sample_weight=rows.weight)
        assert last["r2" if problem.task == "regression" else "accuracy"] == pytest.approx(utility, abs=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("make", [kinds, prices])
def test_parts_sum_to_the_whole(library, make):
    problem = make()
    grown = LIBRARIES[library](ground_of(problem), 0)
    few, scorer = grown.grow(10), grown.grow(13)
    x = problem.splits["test"].x
    assert (few.rounds, scorer.rounds) == (10, 23)
    np.testing.assert_array_equal(score_encoded(first_trees(scorer, 10), x), score_encoded(few, x))
    parts = [trees_between(scorer, start, stop) for start, stop in ((0, 4), (4, 5), (5, 23))]
    whole = sum(score_encoded(part, x) for part in parts)
    np.testing.assert_allclose(whole, score_encoded(scorer, x), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("make", [kinds, prices])
def test_what_was_split_is_joined_again(make):
    whole = HistogramTrees(ground_of(make()), 0).grow(12)
    again = joined(trees_between(whole, 0, 5), trees_between(whole, 5, 12))
    for name in ("roots", "feature", "threshold", "left", "right", "value", "depth", "baseline"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))


def test_rounds_of_classes_are_those_of_lightgbm():
    candidates, _ = train(kinds(), "steps=40", (), trainer="lightgbm", seed=3)
    scorer, rows, x = candidates.members[0].scorer, kinds().splits["train"], kinds().splits["test"].x
    settings = {**SETTINGS, "objective": "multiclass", "num_class": 3}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows.x, rows.y), scorer.rounds)
    np.testing.assert_allclose(score_encoded(scorer, x), booster.predict(x, raw_score=True), atol=1e-5)


def test_trees_of_numbers_are_those_of_the_library():
    rows, x = prices().splits["train"], prices().splits["test"].x
    booster = lightgbm.train({**SETTINGS, "objective": "regression"}, lightgbm.Dataset(rows.x, rows.y - 5000), 30)
    mine = LightGBMTrees(ground_of(prices()), 3).grow(30)
    np.testing.assert_allclose(score_encoded(mine, x) - 5000, booster.predict(x), atol=2e-3)
    model = HistGradientBoostingRegressor(
        max_iter=30, learning_rate=0.05, max_leaf_nodes=16, max_features=0.5, l2_regularization=1.0,
        early_stopping=False, random_state=3,
    ).fit(rows.x, rows.y)  # fmt: skip
    mine = HistogramTrees(ground_of(prices()), 3).grow(30)
    np.testing.assert_allclose(score_encoded(mine, x), model.predict(x), rtol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_far_away_unit_changes_nothing_but_the_unit(library):
    x, found = prices().splits["test"].x, []
    for factor, shift in ((1.0, 0.0), (2.0**-20, 0.0), (1e6, -7e9)):
        z = score_encoded(LIBRARIES[library](ground_of(prices(False, factor, shift)), 0).grow(40), x)
        found.append((z.astype(np.float64) - shift) / factor)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_allclose(found[2], found[0], atol=2e-3)  # float32 near 2e9 counts in steps of 128


@pytest.mark.parametrize("trainer", LIBRARIES)
def test_growth_ends_with_the_longest_prefix_of_whole_rounds_that_fits(trainer):
    def exceeded(scorer) -> list[str]:
        return [f"{len(scorer.roots)} trees of 40"] if len(scorer.roots) > 40 else []

    task = TrainingTask(targets=(), seed=0, exceeded=exceeded)
    candidates = trainers.get(trainer)(task).fit(kinds(), Ledger(Budget.parse("steps=200")), make_policy("plan"))
    assert candidates.history[-1]["step"] == 13
    assert candidates.members[0].scorer.rounds <= 13
    assert any("in place of more" in text and "of 40" in text for text in candidates.fallbacks)
    task = TrainingTask(targets=(), seed=0, exceeded=lambda scorer: ["size 9 of 8 bytes"])
    with pytest.raises(InfeasibleError, match=r"not even one round of 3 trees fits \(size 9 of 8 bytes\)"):
        trainers.get(trainer)(task).fit(kinds(), Ledger(Budget.parse("steps=100")), make_policy("plan"))


@pytest.mark.parametrize("budget", ["steps=10", "samples=9000", "flops=6e5"])
@pytest.mark.parametrize("make", [kinds, prices])
def test_no_counted_budget_is_exceeded(budget, make):
    candidates, ledger = train(make(), budget, (), trainer="lightgbm")
    assert 0.5 * ledger.limit < ledger.used() <= ledger.limit
    assert candidates.members[0].scorer.rounds >= 1


def test_a_label_that_never_changes_on_the_monitor_split_has_a_loss():
    from types import SimpleNamespace

    rows = SimpleNamespace(y=np.full(4, 7.0), weight=None)
    assert loss_of(np.full(4, 9.0), rows, "regression") == 4.0

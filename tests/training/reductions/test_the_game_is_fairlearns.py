"""With the same base learner a reduction comes to what fairlearn comes to; the learner sees fairlearn's own weights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from efficienttrust.atats import make_policy
from efficienttrust.compression import NetworkScorer, score_encoded
from efficienttrust.data import Problem
from efficienttrust.errors import UsageError
from efficienttrust.evaluation.targets import parse_target
from efficienttrust.resources import Budget, Ledger
from efficienttrust.training import TrainingTask, trainers
from efficienttrust.training.catalogue.exponentiated_gradient import ExponentiatedGradientTrainer
from efficienttrust.training.reductions import constraint_of, reduce
from efficienttrust.training.reductions._constraint import Loaded, fairlearn_unheard
from efficienttrust.training.reductions._relabelled import Relabelling
from tests.small_problems import FAIR, ROBUST, loans, weighted_loans

reductions = pytest.importorskip("fairlearn.reductions")
linear_model = pytest.importorskip("sklearn.linear_model")


class Logistic:
    """The base learner of fairlearn's own examples."""

    what, most_rows = "logistic regression", 10_000

    def fit(self, problem: Problem, name: str) -> NetworkScorer:
        train = problem.splits["train"]
        model = linear_model.LogisticRegression(max_iter=500).fit(train.x, train.y, sample_weight=train.weight)
        return NetworkScorer(((model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)),))

    def calibration_cost(self, problem: Problem, scorer: NetworkScorer, head: object) -> float:
        return 0.0


def logistic_reduction(problem: Problem, target: str, most: int = 60):
    task = TrainingTask(targets=(parse_target(target),), seed=0)
    with np.errstate(all="ignore"):
        return reduce(
            problem,
            task,
            Ledger(Budget()),
            Logistic,
            ExponentiatedGradientTrainer.play,
            most=most,
            title="exponentiated gradient",
            mixed=True,
        )


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("dpd <= 0.08", "DemographicParity"),
        ("equal_opportunity_difference <= 0.06", "TruePositiveRateParity"),
        ("eod <= 0.1", "EqualizedOdds"),
    ],
)
def test_the_mixture_is_as_good_as_fairlearns(target, kind):
    problem = loans(1500)
    train = problem.splits["train"]
    y, bound = train.y.astype(int), float(target.split("<=")[1])
    moment = getattr(reductions, kind)(difference_bound=bound / 2)
    with fairlearn_unheard():
        theirs = reductions.ExponentiatedGradient(linear_model.LogisticRegression(max_iter=500), moment, max_iter=50)
        theirs.fit(train.x, y, sensitive_features=train.groups)
    share = theirs._pmf_predict(train.x)[:, 1]
    candidates = logistic_reduction(problem, target)
    members = [one for one in candidates.members if one.name != "blend"]
    weights = np.array([float(one.note.split()[1]) for one in members])
    ours = sum(w * (score_encoded(one.scorer, train.x) > 0) for one, w in zip(members, weights, strict=True))
    ours = ours / weights.sum()
    error = {name: np.mean(np.where(y == 1, 1 - p, p)) for name, p in (("theirs", share), ("ours", ours))}
    assert error["ours"] == pytest.approx(error["theirs"], abs=0.01)
    if kind == "DemographicParity":
        rates = [ours[train.groups == g].mean() for g in range(2)]
        assert abs(rates[0] - rates[1]) <= bound + 0.01
        plain = linear_model.LogisticRegression(max_iter=500).fit(train.x, y).predict(train.x)
        assert abs(np.subtract(*(plain[train.groups == g].mean() for g in range(2)))) > bound + 0.05


def test_the_blend_comes_first_and_is_the_mean_logit_of_the_mixture():
    problem = loans(1500)
    blend, *members = logistic_reduction(problem, "dpd <= 0.08").members
    assert blend.name == "blend"
    weights = np.array([float(one.note.split()[1]) for one in members])
    assert len(members) >= 2
    assert weights.sum() == pytest.approx(1.0, abs=0.01)
    x = problem.splits["test"].x
    mean = sum(w * score_encoded(one.scorer, x) for one, w in zip(members, weights / weights.sum(), strict=True))
    np.testing.assert_allclose(score_encoded(blend.scorer, x), mean, atol=0.05)  # notes round the weights


def test_the_learner_sees_the_labels_and_weights_of_every_row_and_monitor_follows():
    problem = loans()
    relabelling = Relabelling(problem, "", 10_000)
    moment = constraint_of([parse_target(FAIR)]).moment()
    with fairlearn_unheard():
        moment.load_data(np.arange(len(relabelling.y))[:, None], relabelling.y, sensitive_features=relabelling.groups)
        multipliers = moment.bound() * 0 + np.array([3.0, 0.0, 0.0, 1.0])
        signed = moment.default_objective()
        signed.load_data(np.arange(len(relabelling.y))[:, None], relabelling.y, sensitive_features=relabelling.groups)
        weights = np.asarray(signed.signed_weights() + moment.signed_weights(multipliers))
    table = relabelling.table((weights > 0).astype(int), np.abs(weights))
    found = relabelling.problem(table)
    np.testing.assert_array_equal(found.splits["train"].y, weights > 0)
    np.testing.assert_allclose(found.splits["train"].weight, np.abs(weights), rtol=1e-6)
    lookup = {
        (label, group): (new, weight)
        for label, group, new, weight in zip(
            relabelling.y, relabelling.groups, weights > 0, np.abs(weights), strict=True
        )
    }
    before, after = problem.splits["monitor"], found.splits["monitor"]
    expected = [lookup[int(label), int(group)] for label, group in zip(before.y, before.groups, strict=True)]
    np.testing.assert_array_equal(after.y, [one[0] for one in expected])
    np.testing.assert_allclose(after.weight, [one[1] for one in expected], rtol=1e-6)


def test_sample_weights_multiply_those_of_the_game():
    problem = weighted_loans()
    relabelling = Relabelling(problem, "", 10_000)
    table = relabelling.table(relabelling.y, np.full(len(relabelling.y), 2.0))
    np.testing.assert_allclose(
        relabelling.problem(table).splits["train"].weight, 2.0 * problem.splits["train"].weight, rtol=1e-6
    )


def test_models_learn_from_all_rows_where_the_game_is_played_on_some():
    problem = loans()
    relabelling = Relabelling(problem, "", 100)
    assert len(relabelling.y) == 100
    table = relabelling.table(relabelling.y, np.ones(100))
    assert len(relabelling.problem(table).splits["train"]) == len(problem.splits["train"])


def test_error_and_gap_are_those_of_the_decisions():
    problem = loans()
    train = problem.splits["train"]
    loaded = Loaded(constraint_of([parse_target(FAIR)]), train.y.astype(np.int64), train.groups)
    decided = (train.x[:, 0] > 0).astype(np.int8)
    assert loaded.error(decided) == pytest.approx((decided != train.y).mean())
    apart = [decided[train.groups == g].mean() - decided.mean() for g in range(2)]
    np.testing.assert_allclose(sorted(loaded.gamma(decided)), sorted([*apart, *(-one for one in apart)]), atol=1e-9)
    assert set(loaded.bound) == {0.05}, "half of the target's, as it is between a group and all rows"


def test_what_a_reduction_cannot_do_is_refused():
    task = TrainingTask(targets=(parse_target(ROBUST),), seed=0)
    with pytest.raises(UsageError, match="demographic_parity_difference"):
        trainers.get("exponentiated_gradient")(task).fit(loans(), Ledger(Budget()), make_policy("static"))
    regression = dataclasses.replace(loans(), task="regression")
    with pytest.raises(UsageError, match="two classes"):
        trainers.get("grid_search")(task).fit(regression, Ledger(Budget()), make_policy("static"))
